"""The whole set taken away: formats by checkbox, one ZIP."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import gradio as gr

from demo.limits import LIMITS
from demo.page import PRIVATE, Page, problem
from demo.shared import outbox
from demo.store.records import Decision

FORMATS = (
    ("Masks, PNG", "masks"),
    ("MVTec folders", "mvtec"),
    ("COCO", "coco"),
    ("YOLO segments", "yolo"),
    ("Label Studio", "label-studio"),
    ("labelme", "labelme"),
    ("Scores and regions, CSV", "csv"),
    ("Score maps, 16 bit and float", "maps"),
    ("Report, one HTML page", "report"),
)
"""As `ddad.export.bundle` names them."""
WHICH: tuple[tuple[str, str], ...] = (("all images", "all"), ("decided ones only", "decided"))
DECIDED: tuple[Decision, ...] = ("accepted", "corrected", "rejected")


def panel(page: Page) -> None:
    """Lay out the export and wire it."""
    with gr.Accordion("Export", open=False, elem_id="export"):
        formats = gr.CheckboxGroup(
            list(FORMATS), value=["masks", "csv", "report"], label="Formats", elem_id="formats-out"
        )
        which = gr.Radio(list(WHICH), value="all", label="Of")
        with gr.Row():
            button = gr.Button("Make the ZIP", elem_id="export-now")
            file = gr.DownloadButton("Download", visible=False, elem_id="export-file")
        said = gr.HTML("", elem_id="export-said", apply_default_css=False)

    def make(
        session: str | None,
        wanted: list[str],
        of: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[tuple[Any, str]]:
        yield from _make(page, session, wanted, of, progress)

    button.click(
        make,
        [page.session, formats, which],
        [file, said],
        show_progress_on=said,
        concurrency_id="export",
        concurrency_limit=LIMITS.exports,
        **PRIVATE,
    )


def _make(
    page: Page, session_id: str | None, wanted: list[str], of: str, progress: gr.Progress
) -> Iterator[tuple[Any, str]]:
    """Write the ZIP, hand it over, and delete it once Gradio has a copy."""
    into = Path(tempfile.mkdtemp(prefix="ddad-export-"))
    path = into / f"ddad-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
    try:
        if not wanted:
            raise ValueError("choose at least one format")
        count = outbox.export(
            page.store.open(session_id),
            wanted,
            path,
            decisions=DECIDED if of == "decided" else None,
            on_progress=lambda done, total: progress((done, total), unit="images"),
        )
        size = path.stat().st_size / 1e6
        note = f"<p class='made'>{count} image{'s' * (count != 1)}, {size:.1f} MB</p>"
        yield gr.DownloadButton(f"Download {path.name}", value=str(path), visible=True), note
    except ValueError as error:
        yield gr.DownloadButton(visible=False), problem(error)
    finally:
        shutil.rmtree(into, ignore_errors=True)
