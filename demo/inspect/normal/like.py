"""What the pointed place looks like on good parts: for models that cannot draw it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ddad.score.appearance import FOLDER, Patch, kept, nearest
from demo.page import PRIVATE, Page
from demo.shared.pictures import edit_shape, small_url
from demo.store.records import Item
from demo.store.session import Session

SHOWN = 160
"""Longest side of a patch on the page, pixels."""


def wire(page: Page, viewer: gr.HTML) -> None:
    """Answer the canvas's question; the answer goes to it alone."""

    def like(session: str | None, current: str | None, event: gr.EventData) -> Any:
        box = getattr(event, "box", None)  # anyone can make up an event
        try:
            mine = page.store.open(session)
            item = mine.item(current or "")
            return {"like": {"item": item.id} | _found(page, mine, item, _sound(box, item))}
        except ValueError as error:
            return {"like": {"item": current, "error": str(error)}}

    inputs = [page.session, page.current]
    one: dict[str, Any] = {"concurrency_id": "like", "concurrency_limit": 1}  # a core's work
    viewer.place(like, inputs, viewer, show_progress="hidden", **one, **PRIVATE)


def can(page: Page, session: Session, item: Item) -> bool:
    """Whether the model that judged an item keeps photographs."""
    try:
        folder = page.models.folder(_judge(page, session, item))
    except ValueError:
        return False
    return any((folder / FOLDER).glob("*.webp"))


def _judge(page: Page, session: Session, item: Item) -> str:
    if item.result is None:
        raise ValueError("this image has no result yet")
    return page.models.offered(item.result.model, session.id)


def _sound(box: Any, item: Item) -> tuple[int, int, int, int]:
    """A box of whole pixels inside the image as it is edited. Raises ValueError for another."""
    height, width = edit_shape(item.height, item.width)
    if isinstance(box, list) and len(box) == 4 and all(type(each) is int for each in box):
        left, top, right, bottom = box
        if 0 <= left < right <= width and 0 <= top < bottom <= height:
            return left, top, right, bottom
    raise ValueError("a place is a box inside the image")


def _found(
    page: Page, session: Session, item: Item, box: tuple[int, int, int, int]
) -> dict[str, Any]:
    copies = kept(page.models.folder(_judge(page, session, item)))
    if not copies:
        raise ValueError("this model keeps no photographs of good parts")
    pixels = session.pixels(item.id)
    by = item.width / edit_shape(item.height, item.width)[1]
    left, top, right, bottom = (round(each * by) for each in box)
    marked = session.final_mask(item.id)
    place = left, top, max(right, left + 1), max(bottom, top + 1)
    here, patches = nearest(pixels, place, copies, marked)
    return {"here": small_url(here, SHOWN), "patches": [_shown(each) for each in patches]}


def _shown(patch: Patch) -> dict[str, Any]:
    return {"image": small_url(patch.pixels, SHOWN), "error": round(patch.error, 1)}
