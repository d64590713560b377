"""Polygons filled as pycocotools fills them, to the pixel. Knows nothing of files.

The frame is COCO's: pixel (row r, column c) covers [c, c + 1] x [r, r + 1].
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

GRID = 5
"""Steps of pycocotools' grid in a pixel: corners are rounded to it."""


def rasterise(
    rings: Sequence[np.ndarray], shape: tuple[int, ...], corner: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Pixels inside an odd number of rings of (x, y) by pycocotools' rule, bool of that shape.

    Its first pixel is the one at `corner` (x, y). The rule: corners are rounded to a grid of GRID
    steps a pixel; an edge is walked along its longer side, step by step. Where the walk passes
    the middle of a column of pixels, everything below it in that column changes sides.
    """
    height, width = shape
    left, top = corner
    turns = np.zeros((height + 1, width), bool)
    for ring in rings:
        column, row = _crossings(np.asarray(ring, float), left, left + width)
        np.logical_xor.at(turns, (np.clip(row - top, 0, height), column - left), True)
    return np.logical_xor.accumulate(turns, axis=0)[:height]


def _crossings(ring: np.ndarray, left: int, right: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a ring's edges pass the middle of the columns left..right - 1: column and row.

    Numbers stay those of the whole image until they are rounded, as their last bits count.
    """
    start = np.trunc(GRID * ring + 0.5)
    end = np.roll(start, -1, axis=0)
    size = np.abs(end - start)
    flat = size[:, 0] >= size[:, 1]  # walked along x
    back = np.where(flat, start[:, 0] > end[:, 0], start[:, 1] > end[:, 1])[:, None]
    start, end = np.where(back, end, start), np.where(back, start, end)
    middle = GRID // 2  # a column's middle lies between this step of the grid and the next
    low, high = np.sort([start[:, 0], end[:, 0]], axis=0)
    first = np.clip(np.ceil((low - middle) / GRID), left, right).astype(int)
    number = np.clip(np.ceil((high - middle) / GRID), left, right).astype(int) - first
    edge = np.repeat(np.arange(len(ring)), number)
    column = np.arange(len(edge)) - np.repeat(np.cumsum(number) - number - first, number)
    (x0, y0), (x1, y1) = start[edge].T, end[edge].T
    at = GRID * column + middle
    with np.errstate(divide="ignore", invalid="ignore"):
        lower = np.where(
            flat[edge], _along(at - x0, y0, (y1 - y0) / (x1 - x0)), _across(at, x0, y0, x1, y1)
        )
    return column, np.ceil((lower - middle) / GRID).astype(int)


def _along(step: np.ndarray, y0: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """The lower y of a walk along x, after `step` steps and after one more."""
    here, there = (np.floor(y0 + slope * along + 0.5) for along in (step, step + 1))
    lower: np.ndarray = np.minimum(here, there)
    return lower


def _across(
    at: np.ndarray, x0: np.ndarray, y0: np.ndarray, x1: np.ndarray, y1: np.ndarray
) -> np.ndarray:
    """The y from which the next step of a walk along y passes x = `at` + 1/2."""
    slope = (x1 - x0) / (y1 - y0)

    def before(step: np.ndarray) -> np.ndarray:
        found: np.ndarray = (np.floor(x0 + slope * step + 0.5) > at) == (slope < 0)
        return found

    guess = np.floor((at + 0.5 - x0) / slope)
    step = np.where(before(guess), guess, guess - 1)  # the quotient was rounded
    found: np.ndarray = y0 + np.where(before(guess + 1), guess + 1, step)
    return found
