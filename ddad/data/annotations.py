"""The pixels of one annotation of a COCO file, drawn as pycocotools draws them.

Knows one annotation and the size of its image; what is wrong with it is a ValueError, a clause
that goes on from "Left out, as".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ddad.images.filling import rasterise
from ddad.images.outlines import coco_mask

FAR = 1e9
"""Corners lie within this many pixels of the image."""
MAX_COLUMNS = 50_000_000
"""Columns of pixels that the edges of one polygon may pass in all: they are laid out."""
FEW = "a polygon needs three or more pairs of finite numbers"

Piece = tuple[np.ndarray, int, int]
"""Pixels, bool, within their bounding box; x and y of that."""


def pieces(row: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[list[Piece], str]:
    """The parts of an annotation in an image of that shape, and what is to be said of them.

    A box is filled where there is no outline. Of several parts the sound ones are kept. Raises
    ValueError where nothing is left.
    """
    parts = row.get("segmentation")
    if parts is None or parts == [] or parts == {}:
        return _marking([_box(row.get("bbox"), shape)]), "The box was filled, as it has no outline"
    if isinstance(parts, Mapping) or _flat(parts):
        parts = [parts]
    if not isinstance(parts, list):
        raise ValueError("its segmentation is neither polygons nor run lengths")
    drawn, problem = [], ""
    for part in parts:
        try:
            drawn.append(_runs(part, shape) if isinstance(part, Mapping) else _polygon(part, shape))
        except ValueError as error:
            problem = str(error)
    if not drawn:
        raise ValueError(problem)
    return _marking(drawn), f"A part was left out, as {problem}" if problem else ""


def _marking(drawn: list[Piece]) -> list[Piece]:
    if not any(piece.any() for piece, _, _ in drawn):
        raise ValueError("it marks no pixel of the image")
    return drawn


def _flat(parts: Any) -> bool:
    """Whether it is a polygon itself rather than a list of them."""
    return isinstance(parts, list) and not any(isinstance(part, list | dict) for part in parts)


def _box(box: Any, shape: tuple[int, ...]) -> Piece:
    if box is None or box == []:
        raise ValueError("it has neither an outline nor a box")
    numbers = _numbers(box)
    if numbers is None or len(numbers) != 4 or min(numbers[2:]) <= 0:
        raise ValueError("its box is not x, y, width and height")
    x, y, width, height = numbers.tolist()
    right, bottom = x + width, y + height
    return _filled(np.array([(x, y), (right, y), (right, bottom), (x, bottom)]), shape)


def _runs(runs: Mapping[str, Any], shape: tuple[int, ...]) -> Piece:
    if "size" not in runs or "counts" not in runs:
        raise ValueError("its run lengths lack their size or their counts")
    size, counts = runs["size"], runs["counts"]
    if not isinstance(size, list) or not isinstance(counts, list | str):
        raise ValueError("its run lengths are not written as COCO's are")
    if size != [*shape[:2]]:
        found = " x ".join(str(number)[:20] for number in size[1::-1])
        raise ValueError(f"its run lengths are of {found} pixels, the image of {_size(shape)}")
    return coco_mask(counts, shape[0], shape[1]), 0, 0


def _polygon(part: Any, shape: tuple[int, ...]) -> Piece:
    numbers = _numbers(part)
    if numbers is None or len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(FEW)
    return _filled(numbers.reshape(-1, 2), shape)


def _filled(ring: np.ndarray, shape: tuple[int, ...]) -> Piece:
    """A ring's pixels within its bounding box, and x and y of that."""
    most = np.array(shape[1::-1])
    low = np.clip(np.floor(ring.min(axis=0)), 0, most).astype(int)
    high = np.clip(np.ceil(ring.max(axis=0)), low, most).astype(int)
    within = np.clip(ring[:, 0], low[0], high[0])
    if np.abs(within - np.roll(within, 1)).sum() > MAX_COLUMNS:
        raise ValueError("its polygon runs to and fro more often than can be drawn")
    (left, top), (width, height) = low.tolist(), (high - low).tolist()
    return rasterise([ring], (height, width), (left, top)), left, top


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
