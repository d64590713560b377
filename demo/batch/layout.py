"""How the tab of many images is laid out: files, the table, the ZIP, the evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ddad.export.bundle import FORMATS
from demo.batch.export import WHICH
from demo.page import Page
from demo.shared.server import answering, thumbs
from demo.store.store import Store
from demo.web import serve

EVENTS = ("more", "cancel", "open", "settle", "apply", "decide", "clear")
"""What the table asks for; its JavaScript is `demo/web/table`."""
BROUGHT = ("use", "leave", "undo")
"""What the panel of masks asks for; its JavaScript is `demo/web/masks`."""
MASKS = [("the truth, to evaluate with", "truth"), ("drafts, to correct", "drafts")]


@dataclass(frozen=True)
class Batch:
    """The tab's components that something happens to."""

    upload: gr.File
    purpose: gr.Radio
    """What masks that come along are."""
    problem: gr.HTML
    masks: gr.HTML
    """The panel of masks that came in: which wait, and the undoing."""
    table: gr.HTML
    threshold: gr.State
    """The one chosen for the set, None for calibration's."""
    formats: gr.CheckboxGroup
    which: gr.Radio
    """Which images go into the ZIP."""
    make: gr.Button
    file: gr.DownloadButton
    said: gr.HTML
    evaluate: gr.Button
    evaluated: gr.HTML


def batch(page: Page) -> Batch:
    """Lay out the tab."""
    with gr.Row():
        upload = gr.File(
            label="Photographs, or a ZIP of them",
            file_count="multiple",
            type="filepath",
            height=140,
            elem_id="many-upload",
        )
        with gr.Column():
            purpose = gr.Radio(MASKS, value="truth", label="Masks that come along are")
            gr.Markdown(
                "Masks are PNG or COCO: `<name>_mask.png`, a folder `masks` or `ground_truth`, or "
                "an export of this page. Folders `good` and, say, `crack` tell good parts from "
                "defects. What is not sure is asked. A ZIP may hold 2000 files.",
                elem_id="many-hint",
            )
    problem = gr.HTML("", elem_id="many-problem")
    masks = _masks(page.store)
    table = _table(page.store)
    return Batch(upload, purpose, problem, masks, table, gr.State(None), *_export(), *_evaluation())


def _table(store: Store) -> gr.HTML:
    """The table of all images. Its value is what `view.listing` returns."""
    return gr.HTML(
        value=None,
        html_template=(serve.HERE / "table" / "table.html").read_text(),
        js_on_load=serve.script("table", *EVENTS),
        server_functions=answering(store, thumbs),
        apply_default_css=False,
        elem_id="many-table",
    )


def _masks(store: Store) -> gr.HTML:
    """The panel of masks. Its value is what `view.brought` returns."""
    return gr.HTML(
        value=None,
        html_template=(serve.HERE / "masks" / "masks.html").read_text(),
        js_on_load=serve.script("masks", *BROUGHT),
        server_functions=answering(store, thumbs),
        apply_default_css=False,
        elem_id="many-masks",
    )


def _export() -> tuple[Any, ...]:
    with gr.Accordion("Export", open=False, elem_id="export"):
        formats = gr.CheckboxGroup(
            [(label, name) for name, label in FORMATS.items()],
            value=["masks", "csv", "report"],
            label="Formats",
            elem_id="formats-out",
        )
        which = gr.Radio(list(WHICH), value="all", label="Of")
        with gr.Row():
            button = gr.Button("Make the ZIP", elem_id="export-now")
            file = gr.DownloadButton("Download", visible=False, elem_id="export-file")
        said = gr.HTML("", elem_id="export-said", apply_default_css=False)
    return formats, which, button, file, said


def _evaluation() -> tuple[Any, ...]:
    with gr.Accordion("Evaluate against the truth", open=False, elem_id="evaluate"):
        button = gr.Button("Evaluate", elem_id="evaluate-now")
        shown = gr.HTML("", elem_id="evaluation", apply_default_css=False)
    return button, shown
