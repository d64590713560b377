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

from ddad.data.truth import Target, read_coco, read_mask
from ddad.export.bundle import FORMATS
from ddad.images.names import safe_stem
from demo.inspect import view as results
from demo.inspect.payload import PayloadError, encode_runs, read_review
from demo.limits import LIMITS
from demo.page import without_folder
from demo.shared.outbox import export
from demo.store.session import Session
from demo.store.store import Store

Answer = dict[str, Any]
TAKEN = {"mask": results.mask_file, "scores": results.scores_file}
ZIPPED = (*FORMATS, "all")
MOST_THUMBS = LIMITS.thumbnails


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
    return results.desk_value(session, item, results.picture(session.pixels(item.id)))


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
    """A file of an item in its present state, its bytes in base64: one alone, or a ZIP."""
    kind, item = str(request.get("format")), session.item(request.get("item", ""))
    if kind in TAKEN:
        name, mime, data = TAKEN[kind](session, item)
    elif kind in ZIPPED:
        name, mime = f"{safe_stem(item.name)}_{kind}.zip", "application/zip"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "out.zip")
            export(session, FORMATS if kind == "all" else [kind], path, items=[item.id])
            data = path.read_bytes()
    else:
        raise PayloadError(f"a format is one of {', '.join((*TAKEN, *ZIPPED))}")
    return {"name": name, "type": mime, "data": base64.b64encode(data).decode()}


def bring_(session: Session, request: dict[str, Any]) -> Answer:
    """A mask made elsewhere, an image or COCO's JSON: run lengths as masks are edited, labels.

    An image needs not be called like the item: it was brought to this very one.
    """
    item = session.item(request.get("item", ""))
    try:
        data = base64.b64decode(request.get("data", ""), validate=True)
    except (TypeError, ValueError):
        raise PayloadError("the mask did not arrive whole: try again") from None
    target = [Target(item.name, item.height, item.width)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mask")
        path.write_bytes(data)
        try:
            if str(request.get("name")).lower().endswith(".json"):
                found, _ = read_coco(path, target)
                if not found:
                    raise PayloadError(f"the file has no image called {item.name!r}")
                brought = found[0]
            else:
                _, brought = read_mask(path, item.name, target)
        except ValueError as error:
            raise PayloadError(without_folder(error, path)) from None
    mask = results.resized(brought.mask, *results.edit_shape(item.height, item.width))
    return {"mask": encode_runs(mask), "labels": [vars(label) for label in brought.labels]}


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
