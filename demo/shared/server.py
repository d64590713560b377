"""What the page's JavaScript calls as `server.<name>(request)`.

Every request names a session and items, and neither is trusted: the browser's key, which scripts do
not see, must open that session, and the store answers only for its items. An answer is a dict;
where something is wrong, one of a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation

from demo.front.door import COOKIE
from demo.front.turns import Turns
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


def answering(
    store: Store,
    *acts: Act,
    turns: Turns | None = None,
    heavy: Callable[[Act, dict[str, Any]], bool] = lambda act, request: False,
) -> list[Callable[..., Answer]]:
    """The functions as Gradio offers them to JavaScript, by their names without a last `_`.

    Requests that are `heavy` take turns with all that runs a network.
    """

    def answer(act: Act) -> Callable[..., Answer]:
        def call(request: Any, visit: gr.Request) -> Answer:
            try:
                if not isinstance(request, dict):
                    raise PayloadError("a request is an object")
                key = str(visit.cookies.get(COOKIE))
                session = store.owned(request.get("session"), key)
                if turns is None:
                    return act(session, request)
                if not heavy(act, request):
                    with turns.beside:
                        return act(session, request)
                address = visit.client.host if visit.client else ""
                with turns.place(key, address) as place, turns.turn(place):
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
