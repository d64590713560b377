"""What the page's JavaScript calls as `server.<name>(request)`.

Every request names a session and items, and neither is trusted: the store answers only for items of
that very session. An answer is a dict; where something is wrong, one of a sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from demo.limits import LIMITS
from demo.shared.pictures import data_url
from demo.store.session import Session
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
    """Small pictures of some items, data URLs by item."""
    items = request.get("items")
    if not isinstance(items, list) or len(items) > MOST_THUMBS:
        raise PayloadError(f"items are a list of at most {MOST_THUMBS}")
    return {
        "thumbs": {item: data_url(session.thumbnail(item).read_bytes(), "jpeg") for item in items}
    }
