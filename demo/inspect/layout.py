"""How the Inspect tab is laid out: the canvas, which is a whole screen, then the model's card."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ddad.export.bundle import FORMATS
from demo.front.turns import Turns
from demo.inspect import view
from demo.inspect.answers import answers
from demo.page import QUIET, Lesson, Page
from demo.store.store import Store
from demo.web import serve

TAKEN_AS = {"mask": "Mask, PNG", "scores": "Scores, CSV"}
"""What is exported as one file; the others come as a ZIP."""
EVENTS = (
    *("current", "example", "rejudge", "rest", "normal", "halt", "place"),
    *("keep", "lesson", "frame"),
)
"""What the canvas tells: which item is on it; and what it asks for: an example, the queue's judging
anew, what else was dropped; the normal version, its end, what a place is like on good parts;
whether photographs may stay with what is learned, the end of a training, a frame's judging."""


@dataclass(frozen=True)
class Desk:
    """The tab's components that something happens to."""

    upload: gr.File
    cancel: gr.Button
    """Shown while a photograph is looked at."""
    loading: gr.Markdown
    problem: gr.HTML
    viewer: gr.HTML
    """The canvas of the image on the desk."""
    wanted: gr.State
    """What a permalink asks for, a `scoring.Wanted`, or None."""
    timer: gr.Timer
    """Ticks until the models are loaded."""
    lesson: Lesson


def canvas(
    store: Store,
    value: dict[str, Any] | None = None,
    *,
    turns: Turns | None = None,
    elem_id: str,
) -> gr.HTML:
    """A canvas. Its value is a message: `session`, `queue`, `words`, `examples`, and `desk`,
    `open`, `clear` or `idle`.

    It draws and edits without the server and calls `answers` to open, save and export; only scoring
    goes through Gradio's queue.
    """
    return gr.HTML(
        value=value,
        html_template=_template(),
        js_on_load=serve.script("canvas", *EVENTS),
        server_functions=answers(store, turns),
        apply_default_css=False,
        elem_id=elem_id,
    )


def _template() -> str:
    """The canvas's HTML, its formats those that can be exported, called as everywhere."""
    formats = "".join(
        f'<option value="{name}">{html.escape(label)}</option>'
        for name, label in (TAKEN_AS | FORMATS | {"all": "All formats"}).items()
    )
    template = (serve.HERE / "canvas" / "desk.html").read_text()
    return template.replace("<!-- formats -->", formats)


def desk(page: Page) -> Desk:
    """Lay out the tab."""
    wanted = gr.State(None)
    with gr.Column(elem_id="desk"):
        problem = gr.HTML("", elem_id="problem")
        # The canvas takes files and hands them to this, which the page's style keeps out of sight.
        upload, lesson = (
            gr.File(file_count="multiple", type="filepath", show_label=False, elem_id=name)
            for name in ("upload", "lesson")
        )
        cancel = gr.Button("Stop looking", visible=False, size="sm", elem_id="cancel")
        loading = gr.Markdown(view.loading(page.models), elem_id="loading")
        viewer = canvas(page.store, turns=page.turns, elem_id="viewer")
    timer = gr.Timer(1.0, active=not page.models.ready)
    learning = Lesson(viewer, problem, lesson, gr.State(False), gr.Timer(1.0, active=False))
    return Desk(upload, cancel, loading, problem, viewer, wanted, timer, learning)


def about(page: Page) -> None:
    """The model's card, below everything."""
    models = page.models
    with gr.Accordion("About this model", open=False, elem_id="about"):
        card = gr.Markdown(models.card(models.first or ""))
    page.model.change(models.card, page.model, card, **QUIET)
