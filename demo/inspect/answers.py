"""What the canvas asks of the server: open, save, take away, bring a mask."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ddad.data.coco import read_coco
from ddad.data.truth import Imported, Target, read_mask
from ddad.export.bundle import FORMATS
from ddad.images.names import safe_stem
from demo.inspect.payload import PayloadError, encode_runs, read_review
from demo.inspect.view import desk_value, entry
from demo.page import without_folder
from demo.shared.exchange import export, mask_file, scores_file
from demo.shared.pictures import edit_shape, photograph_url, resized
from demo.shared.server import Answer, answering, thumbs
from demo.store.records import Item
from demo.store.session import Session
from demo.store.store import Store

TAKEN = {"mask": mask_file, "scores": scores_file}
"""Files taken away by themselves."""
ZIPPED = (*FORMATS, "all")
"""Formats of which a ZIP is made."""


def answers(store: Store) -> list[Callable[[Any], Answer]]:
    """The functions that the canvas calls as `server.open(...)` and so on, by their names."""
    return answering(store, open_, save_, take_, bring_, thumbs)


def open_(session: Session, request: dict[str, Any]) -> Answer:
    """An item for the canvas."""
    item = session.item(request.get("item", ""))
    return desk_value(session, item, photograph_url(session.pixels(item.id)))


def save_(session: Session, request: dict[str, Any]) -> Answer:
    """Keep the state of the desk for an item: the review, and all that restores the desk."""
    item = session.item(request.get("item", ""))
    if item.result is None:
        raise PayloadError("this image has no result yet")
    height, width = edit_shape(item.height, item.width)
    scales = {scale.name for scale in item.result.scales}
    data, original = request.get("review"), (item.height, item.width)
    review = read_review(data, height=height, width=width, scales=scales, original=original)
    item = session.review(
        item.id,
        mask=None if review.mask is None else resized(review.mask, *original),
        threshold=review.threshold,
        decision=review.decision,
        ignore=None if review.zone is None else resized(review.zone, *original),
        min_area=review.least,
        regions=review.labels,
        reviewer=review.reviewer,
        desk=json.dumps(data),
    )
    return {"entry": entry(item)}


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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mask")
        path.write_bytes(data)
        try:
            brought = _brought(path, str(request.get("name")), item)
        except ValueError as error:
            raise PayloadError(without_folder(error, path)) from None
    mask = resized(brought.mask, *edit_shape(item.height, item.width))
    return {"mask": encode_runs(mask), "labels": [vars(label) for label in brought.labels]}


def _brought(path: Path, name: str, item: Item) -> Imported:
    """The mask in a file of that name. Raises ValueError, one sentence."""
    target = [Target(item.name, item.height, item.width)]
    if not name.lower().endswith(".json"):
        return read_mask(path, item.name, target)[1]
    found, said = read_coco(path, target)
    if not found:
        raise PayloadError(" ".join(said[:3]) or f"the file has no image called {item.name!r}")
    return found[0]
