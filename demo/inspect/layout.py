"""How the Inspect tab is laid out: where photographs come from on the left, then the canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from demo.inspect import view
from demo.inspect.answers import answers
from demo.page import Page
from demo.shared.pictures import READABLE
from demo.store.store import Store
from demo.web import serve


@dataclass(frozen=True)
class Desk:
    """The tab's components that something happens to."""

    upload: gr.File
    cancel: gr.Button
    """Shown while a photograph is looked at."""
    examples: gr.Gallery
    card: gr.Markdown
    loading: gr.Markdown
    problem: gr.HTML
    viewer: gr.HTML
    """The canvas of the image on the desk."""
    wanted: gr.State
    """What a permalink asks for, a `scoring.Wanted`, or None."""
    timer: gr.Timer
    """Ticks until the models are loaded."""


def canvas(store: Store, value: dict[str, Any] | None = None, *, elem_id: str) -> gr.HTML:
    """A canvas. Its value is a message: `session`, `queue`, `words`, and `desk`, `open` or `clear`.

    It draws and edits without the server and calls `answers` to open, save and take away; only
    scoring goes through Gradio's queue.
    """
    return gr.HTML(
        value=value,
        html_template=(serve.HERE / "canvas" / "desk.html").read_text(),
        js_on_load=serve.script("canvas/main.js", "current"),
        server_functions=answers(store),
        apply_default_css=False,
        elem_id=elem_id,
    )


def desk(page: Page) -> Desk:
    """Lay out the tab."""
    wanted = gr.State(None)
    with gr.Row(elem_id="desk"):
        with gr.Column(scale=1, min_width=250, elem_id="sources"):
            sources = _sources(page)
        with gr.Column(scale=4, min_width=320):
            problem = gr.HTML("", elem_id="problem")
            viewer = canvas(page.store, elem_id="viewer")
    timer = gr.Timer(1.0, active=not page.models.ready)
    return Desk(*sources, problem, viewer, wanted, timer)


def _sources(page: Page) -> tuple[gr.File, gr.Button, gr.Gallery, gr.Markdown, gr.Markdown]:
    models = page.models
    first = models.names[0] if models.names else ""
    upload = gr.File(label="Photograph", type="filepath", height=130, elem_id="upload")
    cancel = gr.Button("Stop looking", visible=False, size="sm", elem_id="cancel")
    gr.Markdown(
        f"{READABLE}, up to 40 megapixels. Your work is kept on this server until a week after "
        "your last visit, for this browser alone.",
        elem_id="formats",
    )
    pictures = view.examples(models, first)
    examples = gr.Gallery(
        pictures,
        visible=bool(pictures),
        label="Examples",
        columns=2,
        height="auto",
        object_fit="cover",
        allow_preview=False,
        interactive=False,
        buttons=[],
        elem_id="examples",
    )
    with gr.Accordion("About this model", open=False):
        card = gr.Markdown(models.card(first))
    return upload, cancel, examples, card, gr.Markdown(view.loading(models), elem_id="loading")
