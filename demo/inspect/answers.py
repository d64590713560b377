"""What the canvas asks of the server: open, save, take away, bring a mask."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ddad.data.coco import read_coco
from ddad.data.matching import Images
from ddad.data.truth import Imported, Target, read_marks
from ddad.data.words import place
from ddad.export.bundle import FORMATS
from ddad.images.names import safe_stem
from demo.front.turns import Turns
from demo.inspect.payload import SentReview, encode_runs, read_review
from demo.inspect.view import desk_value, entry
from demo.page import without_folder
from demo.shared.coco import images_in
from demo.shared.exchange import export, mask_file, scores_file
from demo.shared.passing import passing
from demo.shared.pictures import edit_shape, photograph_url, resized
from demo.shared.server import Act, Answer, PayloadError, answering, thumbs
from demo.store.records import ConflictError, Item
from demo.store.session import Session
from demo.store.store import Store

TAKEN = {"mask": mask_file, "scores": scores_file}
"""Files taken away by themselves."""
ZIPPED = (*FORMATS, "all")
"""Formats of which a ZIP is made."""


def answers(store: Store, turns: Turns | None = None) -> list[Callable[..., Answer]]:
    """The functions that the canvas calls as `server.open(...)` and so on, by their names."""
    acts = open_, save_, take_, bring_, copy_, classes_, thumbs
    return answering(store, *acts, turns=turns, heavy=_heavy)


def _heavy(act: Act, request: dict[str, Any]) -> bool:
    """Archives of files, and files of any kind to be read."""
    return act is bring_ or (act is take_ and request.get("format") in ZIPPED)


def open_(session: Session, request: dict[str, Any]) -> Answer:
    """An item for the canvas."""
    item = session.item(request.get("item", ""))
    return desk_value(session, item, photograph_url(session.pixels(item.id)))


def save_(session: Session, request: dict[str, Any]) -> Answer:
    """Keep the state of the desk for an item: the review, and all that restores the desk.

    With the `revision` that the desk shows; where another page has changed the item since, nothing
    is kept, and the answer is `conflict` and the revision that it is of now.
    """
    item = session.item(request.get("item", ""))
    if item.result is None:
        raise PayloadError("this image has no result yet")
    height, width = edit_shape(item.height, item.width)
    scales = {scale.name for scale in item.result.scales}
    data, original = request.get("review"), (item.height, item.width)
    review = read_review(data, height=height, width=width, scales=scales, original=original)
    seen = request.get("revision")
    if seen is not None and type(seen) is not int:
        raise PayloadError("a revision is a whole number")
    try:
        item = _reviewed(session, item, review, data, seen)
    except ConflictError as error:
        return {"conflict": str(error), "revision": session.item(item.id).revision}
    return {"entry": entry(item)}


def _reviewed(
    session: Session, item: Item, review: SentReview, data: Any, seen: int | None
) -> Item:
    original = (item.height, item.width)
    return session.review(
        item.id,
        mask=None if review.mask is None else resized(review.mask, *original),
        threshold=review.threshold,
        decision=review.decision,
        ignore=None if review.zone is None else resized(review.zone, *original),
        min_area=review.least,
        regions=review.labels,
        reviewer=review.reviewer,
        desk=json.dumps(data),
        revision=seen,
    )


def take_(session: Session, request: dict[str, Any]) -> Answer:
    """A file of an item in its present state, its bytes in base64: one alone, or a ZIP."""
    kind, item = str(request.get("format")), session.item(request.get("item", ""))
    if kind in TAKEN:
        name, mime, data = TAKEN[kind](session, item)
    elif kind in ZIPPED:
        name, mime = f"{safe_stem(item.name)}_{kind}.zip", "application/zip"
        with passing() as folder:
            path = folder / "out.zip"
            export(session, FORMATS if kind == "all" else [kind], path, items=[item.id])
            data = path.read_bytes()
    else:
        raise PayloadError(f"a format is one of {', '.join((*TAKEN, *ZIPPED))}")
    return {"name": name, "type": mime, "data": base64.b64encode(data).decode()}


def bring_(session: Session, request: dict[str, Any]) -> Answer:
    """A mask made elsewhere, an image or COCO's JSON: run lengths as masks are edited, labels, and
    how it was read.

    An image needs not be called like the item: it was brought to this very one.
    """
    item = session.item(request.get("item", ""))
    try:
        data = base64.b64decode(request.get("data", ""), validate=True)
    except (TypeError, ValueError):
        raise PayloadError("the mask did not arrive whole: try again") from None
    with passing() as folder:
        path = folder / "mask"
        path.write_bytes(data)
        try:
            brought, how = _brought(path, str(request.get("name")), item)
        except ValueError as error:
            raise PayloadError(without_folder(error, path)) from None
    mask = resized(brought.mask, *edit_shape(item.height, item.width))
    labels = [vars(label) for label in brought.labels]
    return {"mask": encode_runs(mask), "labels": labels, "how": how}


def copy_(session: Session, request: dict[str, Any]) -> Answer:
    """The final mask of another item, `from`, for an item of its size: run lengths."""
    item, other = (session.item(request.get(key, "")) for key in ("item", "from"))
    if (item.height, item.width) != (other.height, other.width):
        raise PayloadError(
            f"{other.name} is of {other.width} x {other.height} pixels, this image of "
            f"{item.width} x {item.height}: its mask does not fit"
        )
    mask = session.final_mask(other.id)
    return {"mask": encode_runs(resized(mask, *edit_shape(item.height, item.width)))}


def classes_(session: Session, request: dict[str, Any]) -> Answer:
    """Keep the classes of defects, in their order."""
    names = request.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PayloadError("classes are a list of texts")
    return {"classes": session.name_classes(names)}


def _brought(path: Path, name: str, item: Item) -> tuple[Imported, str]:
    """The mask in a file of that name, and how it was read. Raises ValueError, one sentence."""
    if name.lower().endswith(".json"):
        return _outlined(path, name, item)
    found = read_marks(path)
    if found.mask.shape != (item.height, item.width):
        height, width = found.mask.shape
        raise PayloadError(
            f"{name} is of {width} x {height} pixels, this image of {item.width} x {item.height}"
        )
    marked = f"{name} marks {np.count_nonzero(found.mask)} pixels"
    return found, f"{marked}; read as {found.how}" if found.how else marked


def _outlined(path: Path, name: str, item: Item) -> tuple[Imported, str]:
    """The one image of a COCO file that may be meant, whatever it is called if it is alone."""
    names = [called for called, _ in images_in(path)]
    meant = names if len(names) == 1 else _near(names, item)
    if names and len(meant) != 1:
        what = f"{len(meant)} may be meant" if meant else "none is called like this one"
        raise PayloadError(f"{name} has {len(names)} images, and {what}")
    target = Target(meant[0] if meant else item.name, item.height, item.width)
    found, said = read_coco(path, [target])
    if not found:
        raise PayloadError("; ".join(said[:3]) or f"{name} has no image")
    used = f"the outlines of {target.name} in {name}"
    return found[0], "; ".join([used, *said[:3]] if len(names) == 1 else [used])


def _near(names: list[str], item: Item) -> list[str]:
    """Those that are called like the item, else those that nearly are."""
    answers = {called: Images([place(0, item.name)]).called(called) for called in names}
    sure = [called for called, found in answers.items() if found.image is not None]
    return sure or [called for called, found in answers.items() if found.candidates]
