"""What the canvas asks of the server: open, save, take away, bring a mask, thumbnails.

Every request names a session and an item, and neither is trusted: the store answers only for an
item of that very session. An answer is a dict; where something is wrong, one of a sentence.
"""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddad.images import load_mask
from demo import results
from demo.payload import PayloadError, encode_runs, read_review
from demo.session import Session
from demo.store import Store

Answer = dict[str, Any]
TAKEN = {"mask": results.mask_file, "scores": results.scores_file}
MOST_THUMBS = 60


def answers(store: Store) -> list[Callable[[Any], Answer]]:
    """The functions that the canvas calls as `server.open(...)` and so on, by their names."""

    def answer(act: Callable[[Session, dict[str, Any]], Answer]) -> Callable[[Any], Answer]:
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

        call.__name__ = act.__name__.strip("_")
        return call

    return [answer(act) for act in (open_, save_, take_, bring_, thumbs_)]


def open_(session: Session, request: dict[str, Any]) -> Answer:
    """An item for the canvas."""
    item = session.item(request.get("item", ""))
    return results.desk_value(session, item, image=results.picture(session.pixels(item.id)))


def save_(session: Session, request: dict[str, Any]) -> Answer:
    """Keep the state of the desk for an item: the review, and all that restores the desk."""
    item = session.item(request.get("item", ""))
    if item.result is None:
        raise PayloadError("this image has no result yet")
    height, width = results.edit_shape(item.height, item.width)
    scales = {scale.name for scale in item.result.scales}
    data, original = request.get("review"), (item.height, item.width)
    review = read_review(data, height=height, width=width, scales=scales, original=original)
    item = session.review(
        item.id,
        mask=None if review.mask is None else results.resized(review.mask, *original),
        threshold=review.threshold,
        decision=review.decision,
        ignore=None if review.zone is None else results.resized(review.zone, *original),
        min_area=review.least,
        regions=review.labels,
        reviewer=review.reviewer,
        desk=json.dumps(data),
    )
    return {"entry": results.entry(item)}


def take_(session: Session, request: dict[str, Any]) -> Answer:
    """A file of an item in its present state, its bytes in base64."""
    make = TAKEN.get(str(request.get("format")))
    if make is None:
        raise PayloadError(f"a format is one of {', '.join(TAKEN)}")
    name, kind, data = make(session, session.item(request.get("item", "")))
    return {"name": name, "type": kind, "data": base64.b64encode(data).decode()}


def bring_(session: Session, request: dict[str, Any]) -> Answer:
    """A mask made elsewhere, as run lengths at the size that masks are edited at."""
    item = session.item(request.get("item", ""))
    try:
        data = base64.b64decode(request.get("data", ""), validate=True)
    except (TypeError, ValueError):
        raise PayloadError("the mask did not arrive whole: try again") from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mask.png")
        path.write_bytes(data)
        mask = load_mask(path)
    if mask.shape != (item.height, item.width):
        found, wanted = "{1} x {0}".format(*mask.shape), f"{item.width} x {item.height}"
        raise PayloadError(
            f"the mask has {found} pixels, the image {wanted}: bring one of its size"
        )
    shape = results.edit_shape(item.height, item.width)
    return {"mask": encode_runs(results.resized(mask, *shape))}


def thumbs_(session: Session, request: dict[str, Any]) -> Answer:
    """Small pictures of some items, data URLs by item."""
    items = request.get("items")
    if not isinstance(items, list) or len(items) > MOST_THUMBS:
        raise PayloadError(f"items are a list of at most {MOST_THUMBS}")
    urls = {}
    for item in items:
        data = session.thumbnail(item).read_bytes()
        urls[item] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return {"thumbs": urls}
