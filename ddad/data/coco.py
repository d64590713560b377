"""A COCO file of annotations: which image of ours each of its images is, and its mask.

What fits is taken; all the rest is said, a sentence for each kind of trouble.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ddad.data.annotations import called, draw, key_of, parts
from ddad.data.truth import Imported, MaskError, Target, matcher
from ddad.images.files import shown
from ddad.images.regions import RegionLabel, labelled

MAX_BYTES = 200_000_000
"""Of a COCO file."""
NAMED = 5
"""Annotations or images that a sentence names before it counts the others."""
SENTENCES = 20
"""About one COCO file."""
MAX_LAID_OUT = 5_000_000_000
"""Pixels that the regions of one file may need in all, each region in its bounding box."""


def read_coco(path: Path, targets: Sequence[Target]) -> tuple[dict[int, Imported], list[str]]:
    """The masks of a COCO file by index of the target, and sentences about all the rest.

    An image is known by the SHA-256 of its pixels where file and target state it, else by `name`,
    which our own export adds, else by `file_name`. Annotations are drawn by
    `ddad.data.annotations`; one that cannot be is named and the others are kept. An image gets no
    mask where all its annotations failed, nor, having none, where some belong to no image of the
    file. Raises MaskError, one sentence, where the file as a whole cannot be used.
    """
    data = _load(path)
    said: dict[str, list[str]] = {}
    listed, drawings = _matched(data["images"], path, targets, said)
    lost = _draw_all(data, path, listed, drawings, said)
    found = {}
    for each in drawings.values():
        if each.drawn:
            found[each.index] = Imported(each.mask, tuple(each.labels))
        elif each.failed:
            _say(said, "No mask, as all its annotations were left out", each.name)
        elif lost:
            _say(said, "No mask, as the annotations that belong to no image may be its", each.name)
        else:
            found[each.index] = Imported(each.mask)
            _say(said, "Without a defect, as it has no annotation", each.name)
    return found, _sentences(said)


@dataclass
class _Drawing:
    """The mask of one image of the file on its way."""

    index: int
    """Of its target."""
    name: str
    mask: np.ndarray
    labels: list[RegionLabel] = field(default_factory=list)
    drawn: int = 0
    failed: int = 0


def _matched(
    images: list[Any], path: Path, targets: Sequence[Target], said: dict[str, list[str]]
) -> tuple[set[str], dict[str, _Drawing]]:
    """The ids of all images of the file, and a blank mask for each that is surely a target."""
    listed: set[str] = set()
    claims: dict[int, list[tuple[str, str]]] = {}  # by target: ids and names that are for it
    owner = _owner(targets)
    for number, image in enumerate(images, 1):
        key = key_of(image.get("id")) if isinstance(image, Mapping) else None
        if key is None or not isinstance(image.get("file_name"), str):
            _say(said, "Left out, as it has no id or no file_name", f"image {number} of the list")
            continue
        if key in listed:
            raise MaskError(f"{_named(path.name)} has two images of the id {_named(key)}")
        listed.add(key)
        index, name = owner(image), _named(image["file_name"])
        problem = index if isinstance(index, str) else _other_size(image, targets[index])
        if problem:
            said[f"{name} was left out: {problem}."] = []
        else:
            assert isinstance(index, int)
            claims.setdefault(index, []).append((key, name))
    drawings = {}
    for index, claimed in claims.items():
        if len(claimed) > 1:
            for _, name in claimed:
                _say(said, f"Left out, as all are for your {_named(targets[index].name)}", name)
            continue
        ((key, name),) = claimed
        blank = np.zeros((targets[index].height, targets[index].width), bool)
        drawings[key] = _Drawing(index, name, blank)
    return listed, drawings


def _owner(targets: Sequence[Target]) -> Callable[[Mapping[str, Any]], int | str]:
    """Says which target an image of the file is, or why none."""
    match = matcher(targets)
    same: dict[str, list[int]] = {}
    for index, target in enumerate(targets):
        same.setdefault(target.sha256 or "?", []).append(index)

    def owner(image: Mapping[str, Any]) -> int | str:
        digest, given = image.get("sha256"), (image.get("name"), image["file_name"])
        twins = same.get(digest, []) if isinstance(digest, str) else []
        if len(twins) == 1:
            return twins[0]
        answers = [match(name) for name in given if isinstance(name, str) and name]
        sure = [answer for answer in answers if isinstance(answer, int)]
        if twins:
            sure = [index for index in sure if index in twins]
        return sure[0] if sure else answers[-1] if answers else "it has no name"

    return owner


def _other_size(image: Mapping[str, Any], target: Target) -> str:
    """Why an image cannot be its target; nothing where it does not say its size."""
    sizes = (image.get("width"), target.width), (image.get("height"), target.height)
    if all(found in (None, 0) or key_of(found) == str(wanted) for found, wanted in sizes):
        return ""
    found = f"{str(image.get('width'))[:20]} x {str(image.get('height'))[:20]}"
    return f"it is of {found} pixels in the file, your image of {target.width} x {target.height}"


def _draw_all(
    data: Any,
    path: Path,
    listed: set[str],
    drawings: dict[str, _Drawing],
    said: dict[str, list[str]],
) -> bool:
    """Draw the annotations within MAX_LAID_OUT; whether any belongs to no image of the file."""
    names, budget, lost = _categories(data), MAX_LAID_OUT, False
    for number, row in enumerate(data["annotations"], 1):
        row = row if isinstance(row, Mapping) else {}
        key, name = key_of(row.get("image_id")), called(row, number)
        if key is None or key not in listed:
            _say(said, "Left out, as they belong to no image that the file lists", name)
            lost = True
        elif key in drawings:
            each = drawings[key]
            label = names.get(key_of(row.get("category_id")), "")
            budget -= _draw(row, each, label, f"{name} of {each.name}", said, budget)
            if budget < 0:
                raise MaskError(f"{_named(path.name)} holds more regions than can be drawn")
    return lost


def _draw(
    row: Mapping[str, Any],
    each: _Drawing,
    label: str,
    name: str,
    said: dict[str, list[str]],
    budget: int,
) -> int:
    """Add an annotation to its image's mask, at no more than about that cost; returns the cost."""
    cost, marked, problem, note = 0, False, "it marks no pixel of the image", ""
    try:
        found, note = parts(row)
    except ValueError as error:
        found, problem = [], _brief(error)
    for part in found:
        try:
            piece = draw(part, each.mask.shape)
        except ValueError as error:
            problem = _brief(error)
            note = f"A part was left out, as {problem}"
            continue
        cost += piece.cost
        if cost > budget:
            break
        if piece.mask.any():
            marked = True
            height, width = piece.mask.shape
            each.mask[piece.y : piece.y + height, piece.x : piece.x + width] |= piece.mask
            each.labels += [labelled(piece.mask, piece.x, piece.y, label)] if label else []
    each.drawn, each.failed = each.drawn + marked, each.failed + (not marked)
    if note or not marked:
        _say(said, note if marked else f"Left out, as {problem}", name)
    return cost


def _categories(data: Any) -> dict[str | None, str]:
    rows = data.get("categories")
    rows = rows if isinstance(rows, list) else []
    return {
        key_of(row.get("id")): str(row["name"])
        for row in rows
        if isinstance(row, Mapping) and row.get("name") is not None
    }


def _say(said: dict[str, list[str]], what: str, of: str) -> None:
    said.setdefault(what, []).append(of)


def _sentences(said: Mapping[str, list[str]]) -> list[str]:
    """First what was said of several, with the names of the first of them; then of each image."""
    alone = [what for what, of in said.items() if not of]
    found = []
    for what, of in said.items():
        more = f" and {len(of) - NAMED} more" if len(of) > NAMED else ""
        found += [f"{what}: {', '.join(of[:NAMED])}{more}."] if of else []
    found += alone
    rest = len(found) - SENTENCES
    return [*found[:SENTENCES], f"{rest} more sentences of the kind."] if rest > 0 else found


def _load(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise MaskError(f"{_named(path.name)} is larger than {MAX_BYTES // 10**6} MB")
        data = json.loads(path.read_bytes())
    except OSError as error:
        raise MaskError(f"{_named(path.name)} cannot be read: {error.strerror}") from None
    except RecursionError:
        raise MaskError(f"{_named(path.name)} is nested too deeply") from None
    except ValueError as error:  # not text, not JSON, or a number of too many digits
        raise MaskError(f"{_named(path.name)} is not JSON: {_brief(error)}") from None
    parts = (data.get("images"), data.get("annotations")) if isinstance(data, dict) else ()
    if not parts or not all(isinstance(part, list) for part in parts):
        raise MaskError(
            f"{_named(path.name)} is not a COCO file: it has no lists of images and annotations"
        )
    return data


def _named(name: Any) -> str:
    return shown(Path(str(name)[:200]))


def _brief(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
