"""What this page keeps of a visitor, for how long, and how all of it is deleted."""

from __future__ import annotations

import html
from contextlib import suppress
from typing import Any

import gradio as gr

from demo.limits import DAY
from demo.page import PRIVATE, QUIET, Page, problem
from demo.store.session import Session
from demo.store.store import StoreError
from demo.train.queue import Queue

AGAIN = "() => { window.location.replace(window.location.pathname); }"


def panel(page: Page, queue: Queue) -> None:
    """Lay out the section at the foot of the page and wire it."""
    with gr.Accordion("Your work on this server", open=False, elem_id="keeping") as box:
        said = gr.HTML("", elem_id="kept-said")
        small: dict[str, Any] = {"size": "sm", "scale": 0, "min_width": 170}
        with gr.Row():
            delete = gr.Button("Delete all my work", elem_id="delete-all", **small)
        with gr.Column(visible=False, elem_id="delete-sure") as sure:
            gr.Markdown("Photographs, decisions and models go, for good.", elem_classes="quiet")
            with gr.Row():
                yes = gr.Button("Delete everything", elem_id="delete-yes", **small)
                no = gr.Button("Keep it", elem_id="delete-no", **small)
        told = gr.HTML("")

    def show(session: str | None) -> tuple[str, Any]:
        return kept(page, page.store.open(session)), gr.update(visible=False)

    def delete_everything(session: str | None) -> str:
        mine = page.store.open(session)
        try:
            with suppress(StoreError):
                queue.cancel(mine)
            page.store.delete(mine)
        except (StoreError, OSError) as error:
            return problem(error)
        return "<p class='kept'>All of it is deleted.</p>"

    box.expand(show, page.session, [said, sure], **QUIET)
    delete.click(lambda: gr.update(visible=True), None, sure, **QUIET)
    no.click(lambda: gr.update(visible=False), None, sure, **QUIET)
    gone = yes.click(delete_everything, page.session, told, **PRIVATE)
    gone.success(None, None, None, js=AGAIN)


def kept(page: Page, session: Session) -> str:
    """How much of what there is, and until when."""
    size, images = session.used()
    limits = session.limits
    counts = {
        "images": images,
        "photographs to train on": len(session.photographs.names()),
        "models": len(session.trained.models()),
    }
    held = ", ".join(f"{what}: {count}" for what, count in counts.items())
    most, days = limits.quota_bytes / 1e6, limits.max_age_s / DAY
    lines = [
        f"Kept of you: {held}; {size / 1e6:.1f} MB of at most {most:,.0f} MB.",
        f"All of it is deleted {days:.0f} days after your last visit. This browser alone can open "
        "it, by a cookie that is needed for nothing else.",
        "Files that you upload, and those made for you to download, lie in a temporary folder "
        "besides, for two hours at most.",
    ]
    if (mirror := page.store.mirror) is not None:
        names = "with names of files and reviewers" if mirror.names else "without names"
        lines.append(
            f"Decisions are copied to the data set {mirror.repository}: masks and figures, "
            f"{names}, no pictures. They are deleted there when they are deleted here."
        )
    return "".join(f"<p class='kept'>{html.escape(line)}</p>" for line in lines)
