"""How the Train tab is laid out: its four steps and their parts, without what they do."""

from __future__ import annotations

from typing import Any

import gradio as gr

from demo.limits import DAY, Limits

PHOTOGRAPHS, CHECK, TRAIN, RESULT = range(4)
SCORES, BOTH = "feature", "both"
FINDINGS_JS = """
const send = () => trigger('settle', {
  files: [...element.querySelectorAll('input:checked')].map((box) => box.value),
});
element.addEventListener('change', send);
new MutationObserver(send).observe(element, { childList: true, subtree: true });
send();
"""


def steps(limits: Limits) -> dict[str, Any]:
    """The tab's components by name."""
    ui: dict[str, Any] = {"trouble": gr.HTML("", elem_id="train-problem")}
    with gr.Walkthrough(selected=PHOTOGRAPHS, elem_id="train-steps") as ui["steps"]:
        with gr.Step("Photographs", id=PHOTOGRAPHS):
            _photographs_step(ui, limits)
        with gr.Step("Check", id=CHECK):
            _check_step(ui)
        with gr.Step("Train", id=TRAIN):
            _train_step(ui, limits)
        with gr.Step("Result", id=RESULT):
            _result_step(ui)
    return ui


def _photographs_step(ui: dict[str, Any], limits: Limits) -> None:
    ui["upload"] = gr.File(
        label="Photographs of good parts, or a ZIP of them",
        file_count="multiple",
        type="filepath",
        height=150,
        elem_id="train-upload",
    )
    gr.Markdown(
        f"1 to {limits.photographs} photographs, {limits.photograph_bytes // 10**6} MB together. "
        "Of a ZIP with folders `good`, `ok` or `normal` the good parts are taken, and what is left "
        "out is said. Photographs of one part in a folder of its own, `part_1`, or named so in a "
        "table `groups.csv` (columns `file,part`) count as one. Only this browser can reach them; "
        f"they are deleted {limits.max_age_s / DAY:.0f} days after your last visit.",
        elem_classes="quiet",
    )
    ui["said"] = gr.HTML("", elem_id="train-said", apply_default_css=False)
    with gr.Group(visible=False, elem_id="train-ask") as ui["ask"]:
        ui["good"] = gr.CheckboxGroup(
            label="Which of these are good parts?",
            info="Tick those alone that you know to be good; until then none is trained on.",
            elem_id="train-good",
        )
        with gr.Row():
            ui["take"] = gr.Button("Take these", variant="primary", elem_id="train-take")
            ui["none"] = gr.Button("Leave all out", elem_id="train-none")
    ui["kept"] = gr.HTML("", elem_id="train-kept")
    with gr.Row():
        ui["look"] = gr.Button("Look them over", variant="primary", elem_id="train-look")
        ui["clear"] = gr.Button("Remove all", elem_id="train-clear")
        ui["forget"] = gr.Button("Delete the removed ones", visible=False, elem_id="train-forget")
    with gr.Accordion("Or load a model that you downloaded (ZIP)", open=False):
        ui["bring"] = gr.File(
            label="A model's ZIP", type="filepath", height=120, elem_id="train-bring"
        )


def _check_step(ui: dict[str, Any]) -> None:
    ui["ticked"] = gr.State([])
    ui["findings"] = gr.HTML(
        "",
        html_template="${value}",
        js_on_load=FINDINGS_JS,
        apply_default_css=False,
        elem_id="train-findings",
    )
    with gr.Row():
        ui["leave"] = gr.Button("Leave out the ticked ones", elem_id="train-leave")
        ui["go"] = gr.Button("Go on", variant="primary", elem_id="train-go")


def _train_step(ui: dict[str, Any], limits: Limits) -> None:
    with gr.Column(elem_id="train-plan") as ui["plan"]:
        with gr.Row():
            ui["branch"] = gr.Radio(
                [("Scores and normal versions", BOTH), ("Scores alone", SCORES)],
                value=BOTH,
                label="What to train",
                elem_id="train-branch",
            )
            ui["minutes"] = gr.Slider(
                1,
                limits.training_minutes,
                2,
                step=1,
                label="Minutes for the pixel branch, which draws the normal versions",
            )
        with gr.Row():
            ui["fpr"] = gr.Dropdown(
                [("1 in 100", 0.01), ("1 in 20", 0.05), ("1 in 10", 0.1)],
                value=0.05,
                label="Good parts called defective, about",
            )
            ui["seconds"] = gr.Dropdown(
                [("half a second", 0.5), ("2 seconds", 2.0), ("10 seconds", 10.0)],
                value=2.0,
                label="A picture may take: with more, smaller marks are seen",
                elem_id="train-seconds",
            )
            ui["name"] = gr.Textbox("my-part", label="Name of the model", elem_id="train-name")
        ui["keeps"] = gr.Checkbox(
            False,
            label="Keep small copies of the photographs in the model",
            info="It can then show what a place looks like on good parts. They travel with its "
            "ZIP, 40 at most.",
            elem_id="train-keeps",
        )
        ui["time"] = gr.HTML("", elem_id="train-time")
        ui["start"] = gr.Button("Start", variant="primary", elem_id="train-start")
    ui["live"] = gr.HTML("", elem_id="train-live")
    with gr.Row():
        for what, label in (
            ("pause", "Pause"),
            ("resume", "Go on"),
            ("stop", "Stop early, keep what is there"),
            ("cancel", "Delete this training"),
        ):
            ui[what] = gr.Button(label, visible=False, elem_id=f"train-{what}")
    ui["timer"] = gr.Timer(1.0, active=False)


def _result_step(ui: dict[str, Any]) -> None:
    with gr.Row(equal_height=True):
        ui["mine"] = gr.Dropdown([], label="Your models", elem_id="train-mine")
        ui["use"] = gr.Button("Inspect with it", variant="primary", elem_id="train-use")
        ui["zip"] = gr.DownloadButton("Download (ZIP)", elem_id="train-zip")
        ui["drop"] = gr.Button("Delete", elem_id="train-drop")
    ui["result"] = gr.HTML("", elem_id="train-result")
    with gr.Accordion("This was a false alarm", open=False, elem_id="train-alarm"):
        gr.Markdown("Good parts that it called defective: their scores move the threshold at once.")
        ui["alarms"] = gr.File(
            label="Good parts",
            file_count="multiple",
            type="filepath",
            height=120,
            elem_id="train-alarms",
        )
        ui["alarm_said"] = gr.HTML("", elem_id="train-alarm-said")
    with gr.Accordion("Push to the Hub", open=False):
        with gr.Row():
            ui["repo"] = gr.Textbox(label="Repository", placeholder="you/my-part")
            ui["token"] = gr.Textbox(label="Token with write access", type="password")
        gr.Markdown(
            "A private repository is made. The example pictures, your photographs, go along. "
            "The token is used once and not kept.",
            elem_classes="quiet",
        )
        ui["push"] = gr.Button("Push")
        ui["pushed"] = gr.HTML("")
