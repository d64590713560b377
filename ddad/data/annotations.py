"""The pixels of one annotation of a COCO file, drawn as pycocotools draws them.

Knows one annotation and the size of its image; what is wrong with it is a ValueError, a clause
that goes on from "Left out, as".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddad.images.files import shown
from ddad.images.filling import rasterise
from ddad.images.outlines import coco_mask

FAR = 1e9
"""Corners lie within this many pixels of the image."""
MAX_COLUMNS = 5_000_000
"""Columns of pixels that the edges of one polygon may pass in all: they are laid out."""


@dataclass(frozen=True)
class Piece:
    """Pixels, bool, within their bounding box, and x and y of that."""

    mask: np.ndarray
    x: int
    y: int
    cost: int
    """Pixels and edges that were laid out for it."""


def key_of(value: Any) -> str | None:
    """An id as text: COCO's are numbers, some tools write them as text or as 1.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return str(value).strip() or None


def called(row: Mapping[str, Any], number: int) -> str:
    """What an annotation, the file's `number`th, is called in a sentence."""
    key = key_of(row.get("id"))
    return f"annotation {number} of the list" if key is None else f"annotation {_short(key)}"


def parts(row: Mapping[str, Any]) -> tuple[list[Any], str]:
    """What an annotation is drawn from, each for `draw`, and what is to be said of that.

    It is its box where it has no outline. Raises ValueError where it is neither.
    """
    found = row.get("segmentation")
    if found is None or found == [] or found == {}:
        return [_box(row.get("bbox"))], "The box was filled, as it has no outline"
    if isinstance(found, Mapping) or _flat(found):
        found = [found]
    if not isinstance(found, list):
        raise ValueError("its segmentation is neither polygons nor run lengths")
    return found, ""


def draw(part: Any, shape: tuple[int, ...]) -> Piece:
    """A part, polygon or run lengths, in an image of that shape. Raises ValueError for others."""
    return _runs(part, shape) if isinstance(part, Mapping) else _polygon(part, shape)


def _flat(parts: Any) -> bool:
    """Whether it is a polygon itself rather than a list of them."""
    return isinstance(parts, list) and not any(isinstance(part, list | dict) for part in parts)


def _box(box: Any) -> list[float]:
    """Its corners, a polygon."""
    if box is None or box == []:
        raise ValueError("it has neither an outline nor a box")
    numbers = _numbers(box)
    if numbers is None or len(numbers) != 4 or min(numbers[2:]) <= 0:
        raise ValueError("its box is not x, y, width and height")
    x, y, width, height = numbers.tolist()
    right, bottom = x + width, y + height
    return [x, y, right, y, right, bottom, x, bottom]


def _runs(runs: Mapping[str, Any], shape: tuple[int, ...]) -> Piece:
    if "size" not in runs or "counts" not in runs:
        raise ValueError("its run lengths lack their size or their counts")
    size, counts = runs["size"], runs["counts"]
    if not isinstance(size, list) or not isinstance(counts, list | str):
        raise ValueError("its run lengths are not written as COCO's are")
    if size != [*shape[:2]]:
        found = " x ".join(str(number)[:20] for number in size[1::-1])
        raise ValueError(f"its run lengths are of {found} pixels, the image of {_size(shape)}")
    mask = coco_mask(counts, shape[0], shape[1])
    return Piece(mask, 0, 0, mask.size)


def _polygon(part: Any, shape: tuple[int, ...]) -> Piece:
    numbers = _numbers(part)
    if numbers is None or len(numbers) < 6 or len(numbers) % 2:
        raise ValueError("a polygon needs three or more pairs of finite numbers")
    ring, most = numbers.reshape(-1, 2), np.array(shape[1::-1])
    low = np.clip(np.floor(ring.min(axis=0)), 0, most).astype(int)
    high = np.clip(np.ceil(ring.max(axis=0)), low, most).astype(int)
    within = np.clip(ring[:, 0], low[0], high[0])
    columns = int(np.abs(within - np.roll(within, 1)).sum())
    if columns > MAX_COLUMNS:
        raise ValueError("its polygon runs to and fro more often than can be drawn")
    (left, top), (width, height) = low.tolist(), (high - low).tolist()
    mask = rasterise([ring], (height, width), (left, top))
    return Piece(mask, left, top, mask.size + columns)


def _numbers(values: Any) -> np.ndarray | None:
    """Finite numbers, some of which may be text; None for anything else."""
    if not isinstance(values, Sequence) or isinstance(values, str):
        return None
    try:
        numbers = np.array([float(value) for value in values])
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if len(numbers) and (np.abs(numbers) <= FAR).all() else None


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def _short(text: str) -> str:
    return shown(Path(text[:200]))
