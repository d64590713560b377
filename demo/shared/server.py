"""What the page's JavaScript calls as `server.<name>(request)`.

Every request names a session and items, and neither is trusted: the store answers only for items of
that very session. An answer is a dict; where something is wrong, one of a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

from demo.limits import LIMITS
from demo.shared.pictures import data_url, encoded
from demo.store.session import THUMBNAIL, Session
from demo.store.store import Store

Answer = dict[str, Any]
Act = Callable[[Session, dict[str, Any]], Answer]
MOST_THUMBS = LIMITS.thumbnails
"""Thumbnails in one answer."""


class PayloadError(ValueError):
    """Something that no honest page would send."""


def answering(store: Store, *acts: Act) -> list[Callable[[Any], Answer]]:
    """The functions as Gradio offers them to JavaScript, by their names without a last `_`."""

    def answer(act: Act) -> Callable[[Any], Answer]:
        def call(request: Any) -> Answer:
            try:
                if not isinstance(request, dict):
                    raise PayloadError("a request is an object")
                session = store.open(request.get("session"))
                if session.id != request.get("session"):
                    raise PayloadError("your session has ended: reload the page")
                return act(session, request)
            except ValueError as error:
                return {"error": str(error)}

        call.__name__ = act.__name__.rstrip("_")
        return call

    return [answer(act) for act in acts]


def thumbs(session: Session, request: dict[str, Any]) -> Answer:
    """Small pictures of some items, data URLs by item; with `marks`, what is marked on each too."""
    items = request.get("items")
    if not isinstance(items, list) or len(items) > MOST_THUMBS:
        raise PayloadError(f"items are a list of at most {MOST_THUMBS}")
    small = {item: data_url(session.thumbnail(item).read_bytes(), "jpeg") for item in items}
    if not request.get("marks"):
        return {"thumbs": small}
    scored = [item for item in items if session.item(item).state == "scored"]
    marks = {item: _marks(session.final_mask(item)) for item in scored}
    return {"thumbs": small, "marks": marks}


def _marks(mask: np.ndarray) -> str:
    """An outline of what is marked, white on black, small, on nothing; a data URL."""
    height, width = mask.shape
    by = min(1.0, THUMBNAIL / max(height, width))
    size = max(1, round(width * by)), max(1, round(height * by))
    inside = np.asarray(Image.fromarray(mask).convert("L").resize(size, Image.Resampling.BOX)) > 0
    rim = binary_dilation(inside) & ~inside
    drawn = np.zeros((*inside.shape, 4), np.uint8)
    drawn[binary_dilation(rim)] = (0, 0, 0, 255)
    drawn[rim] = (255, 255, 255, 255)
    return data_url(encoded(Image.fromarray(drawn), "PNG"), "png")
