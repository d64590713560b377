"""The whole set taken away: formats by checkbox, one ZIP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import gradio as gr

from demo.page import Page, problem
from demo.shared import exchange
from demo.shared.passing import passing
from demo.store.records import DECIDED

WHICH = (("all images", "all"), ("decided ones only", "decided"))


def make(
    page: Page, session_id: str | None, wanted: list[str], of: str, progress: gr.Progress
) -> Iterator[tuple[Any, str]]:
    """Write the ZIP, hand it over, and delete it once Gradio has a copy."""
    with passing() as into:
        path = into / f"ddad-{datetime.now(UTC):%Y%m%d-%H%M%S}.zip"
        try:
            if not wanted:
                raise ValueError("choose at least one format")
            count = exchange.export(
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
