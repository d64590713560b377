"""What the browser sends, checked before use: masks as run lengths, and a review of an image.

A mask travels row by row as the lengths of its runs, zeros first: [2, 3, 1] is 0 0 1 1 1 0.
Whatever does not fit raises PayloadError, one sentence.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddad.export.reviewed import DECISIONS, Decision
from demo.limits import LIMITS
from demo.shared.server import PayloadError

MOST_LABELS = LIMITS.labels


@dataclass(frozen=True)
class SentReview:
    """The state of the desk for one image, all masks bool (H, W) at the size it is edited at."""

    threshold: float
    least: int
    """Smallest region that the model may mark, pixels."""
    fill: bool
    decision: Decision
    reviewer: str
    off: tuple[str, ...]
    """Names of the scales left out of the average."""
    labels: tuple[dict[str, Any], ...]
    """x, y in pixels of the image; label, text."""
    zone: np.ndarray | None
    """Where nothing counts."""
    mask: np.ndarray | None
    """The mask as shown, where it is more than the map above the threshold."""


def encode_runs(mask: np.ndarray) -> list[int]:
    """Run lengths of a bool array, row by row, zeros first."""
    flat = np.concatenate([[False], np.asarray(mask, bool).ravel()])
    edges = np.flatnonzero(flat[1:] != flat[:-1])
    return [int(n) for n in np.diff([0, *edges, mask.size])]


def decode_runs(runs: object, height: int, width: int) -> np.ndarray:
    """bool (height, width) from run lengths. Raises PayloadError unless they fill it exactly."""
    total = height * width
    if not isinstance(runs, list) or len(runs) > total + 1:
        raise PayloadError(f"a mask is a list of at most {total + 1} run lengths")
    if not all(type(run) is int and 0 <= run <= total for run in runs):
        raise PayloadError(f"run lengths are whole numbers from 0 to {total}")
    if sum(runs) != total:
        raise PayloadError(f"the runs add up to {sum(runs)} pixels: {width} x {height} are {total}")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(height, width)


def read_review(
    data: object, *, height: int, width: int, scales: Collection[str], original: tuple[int, int]
) -> SentReview:
    """A review from the browser's JSON; `original` is (H, W) of the image, which labels refer to.

    `added` and `removed`, what was painted, are checked here as well but kept as they came.
    """
    if not isinstance(data, dict):
        raise PayloadError("a review is an object")

    def runs(key: str) -> np.ndarray | None:
        return None if data.get(key) is None else decode_runs(data[key], height, width)

    threshold: Any = data.get("threshold")
    least = data.get("least")
    if type(threshold) not in (int, float) or not abs(threshold) < 1e9:
        raise PayloadError("the threshold is a number of less than 10 digits")
    if type(least) is not int or not 1 <= least <= height * width:
        raise PayloadError(f"the smallest region is a whole number from 1 to {height * width}")
    if type(data.get("fill")) is not bool:
        raise PayloadError("whether holes are filled is true or false")
    if data.get("decision") not in DECISIONS:
        raise PayloadError(f"a decision is one of {', '.join(DECISIONS)}")
    off = data.get("off")
    if not isinstance(off, list) or not all(isinstance(n, str) and n in scales for n in off):
        raise PayloadError("the scales left out are names of scales of the image")
    runs("added"), runs("removed")
    return SentReview(
        float(threshold),
        least,
        data["fill"],
        data["decision"],
        _text(data.get("reviewer"), 80),
        tuple(off),
        _labels(data.get("labels"), *original),
        runs("zone"),
        runs("mask"),
    )


def _labels(labels: object, height: int, width: int) -> tuple[dict[str, Any], ...]:
    if not isinstance(labels, list) or len(labels) > MOST_LABELS:
        raise PayloadError(f"labels are a list of at most {MOST_LABELS}")
    checked = []
    for each in labels:
        if not isinstance(each, dict):
            raise PayloadError("a label is an object of x, y and label")
        x, y = each.get("x"), each.get("y")
        if not (type(x) is type(y) is int and 0 <= x < width and 0 <= y < height):
            raise PayloadError("a label lies on a pixel of the image")
        checked.append({"x": x, "y": y, "label": _text(each.get("label"), 60)})
    return tuple(checked)


def _text(value: object, most: int) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise PayloadError(f"a text has at most {most} characters")
    return value
