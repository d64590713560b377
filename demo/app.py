"""The page: its look, its tabs. torch and the models load after the page is up."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware

from ddad import CHECKPOINTS
from demo import api, keeping
from demo.batch import events as many
from demo.front import blocks
from demo.front.door import Door, Policy, Rules
from demo.front.pace import Pace
from demo.front.turns import Turns
from demo.inspect import events as desk
from demo.inspect.layout import about
from demo.limits import LIMITS
from demo.page import DESK, QUIET, Page
from demo.shared.models import Models
from demo.shared.passing import sweep_passing
from demo.store import mirror
from demo.store.store import Store
from demo.train import desk as learning
from demo.train import events as training
from demo.train.models import alarm_button
from demo.train.queue import Queue
from demo.web import serve

SYSTEM = ("ui-sans-serif", "system-ui", "sans-serif")
MONO = ("ui-monospace", "Consolas", "monospace")
THEME = gr.themes.Base(
    primary_hue="blue", neutral_hue="slate", radius_size="md", font=SYSTEM, font_mono=MONO
).set(  # what Gradio writes softly has a contrast of 2.6 on white; from 4.5 on it can be read
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_400",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_400",
    block_label_text_color="*neutral_600",
    block_label_text_color_dark="*neutral_300",
    block_title_text_color="*neutral_700",
    block_title_text_color_dark="*neutral_200",
    button_primary_background_fill="*primary_600",
    button_primary_background_fill_dark="*primary_600",
    button_primary_background_fill_hover="*primary_700",
    button_primary_background_fill_hover_dark="*primary_700",
    input_placeholder_color="*neutral_500",
    input_placeholder_color_dark="*neutral_400",
)
RULES = Rules.of()
LAUNCH: dict[str, Any] = {
    "theme": THEME,
    "css_paths": serve.STYLES,
    "app_kwargs": {
        "routes": [serve.ROUTE],
        "middleware": [
            Middleware(Door, rules=RULES),
            Middleware(Pace),
            serve.PACKED_PAGE,
            Middleware(Policy, frames=RULES.frames),
        ],
    },
    "ssr_mode": False,
    "show_error": False,
    "max_file_size": LIMITS.upload_bytes,
    "max_threads": LIMITS.threads,
    "state_session_capacity": LIMITS.visits,
    "footer_links": ["api"],
    "mcp_server": os.environ.get("DDAD_MCP") == "1",  # needs the extra `mcp`
}
HEAD = "# See where a part is defective"


def build(checkpoints: str | Path | None = None, work: str | Path | None = None) -> gr.Blocks:
    """The page over the checkpoints of a folder; their weights begin to load in the background.

    Visitors' work is kept under `work`, or DDAD_WORK, or `work` in the current directory.
    DDAD_TRAIN_FLAGS are more flags of `ddad train` for every training on the page.
    """
    root = Path(work or os.environ.get("DDAD_WORK") or "work")
    flags = tuple(shlex.split(os.environ.get("DDAD_TRAIN_FLAGS", "")))
    sweep_passing()
    store = Store(root, mirror=mirror.start(root))
    store.expire_in_background()
    queue = Queue(store, extra=flags)
    queue.serve()
    folder = Path(checkpoints) if checkpoints else CHECKPOINTS
    models, turns = Models(folder, private=store.private_model), Turns()
    first = models.first
    with blocks.Page(title="ddad: where is it defective?", delete_cache=(3600, 3600)) as demo:
        with gr.Row(elem_id="head"):
            with gr.Column(scale=4, min_width=280):
                gr.Markdown(HEAD)
                promised = gr.Markdown(models.promise(first or ""), elem_id="promise")
            with gr.Column(scale=2, min_width=280):
                model = gr.Dropdown(
                    models.all_offers(),
                    value=first,
                    label="Model",
                    interactive=first is not None,
                    elem_id="model",
                )
            gr.HTML(
                "", js_on_load=serve.script("language"), apply_default_css=False, elem_id="language"
            )
        # Read once, where an earlier version kept a session's id in the browser.
        kept = gr.BrowserState(None, storage_key="ddad-session", secret="ddad-session-key")
        # Read once, where a visitor's photographs and models had a key of their own.
        earlier = gr.BrowserState(None, storage_key="ddad-workshop", secret="ddad-workshop-key")
        tabs = gr.Tabs(elem_id="tabs")
        session, opened, tried, current = (gr.State(None) for _ in range(4))
        page = Page(models, turns, model, store, session, kept, opened, tried, current, tabs)
        with tabs, gr.Tab("Inspect", id=DESK) as inspect:
            lesson, start = desk.tab(page, inspect)
            goes_on = learning.wire(page, queue, lesson)
            alarm = alarm_button()
            about(page)
        for changed in (model.change, inspect.select, alarm[1].change):  # a false alarm moves it
            changed(models.promise, model, promised, **QUIET)
        with tabs, gr.Tab("Many images", id="many") as here:
            many.tab(page, here)
        with tabs, gr.Tab("Train your own", id="train"):
            greet = training.tab(page, queue, earlier, alarm)
        keeping.panel(page, queue)
        loaded = start(demo)
        greet(loaded)
        goes_on(loaded)
        api.endpoints(models, turns)
        demo.queue(default_concurrency_limit=1)  # who waits for the model is counted by `turns`
    models.load_in_background(lambda: demo.is_running)
    return demo
