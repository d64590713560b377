"""The normal level of maps: mean and deviation of each noise scale, and how loud the border is.

Everything is made of sums over images (`moments`), so the level without some of them is quickly
had. Knows maps as arrays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

BORDER = 4
"""Steps inwards over which the border's level is followed, each a fortieth of the short side."""
CELLS = (BORDER + 1) ** 2

Levels = tuple[tuple[float, ...], tuple[float, ...], tuple[tuple[float, ...], ...]]
"""Means and deviations of a branch's scales, and its borders, as a calibration holds them."""
Plane = np.ndarray[tuple[int, int], np.dtype[np.float32]]
"""float32 (h, w)."""


def moments(maps: np.ndarray) -> np.ndarray:
    """What one image's maps (T, h, w) add to the level: float64 (2 T + 2, CELLS), to be summed.

    A column for each distance to the border. Rows: sums of values and of squares, both divided by
    the image's pixels, so that every image counts the same; sums of squares in units of the
    image's own mean; pixels.
    """
    cells = _cells(*maps.shape[1:]).ravel()
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    pixels = np.bincount(cells, minlength=CELLS)
    first, second = (
        np.stack([np.bincount(cells, row, CELLS) for row in rows]) / flat.shape[1]
        for rows in (flat, flat**2)
    )
    own = np.maximum(first.sum(1, keepdims=True), 1e-12)
    squares = (second / own**2).mean(0, keepdims=True) * flat.shape[1]
    return np.concatenate([first, second, squares, pixels[None]])


def levels(total: np.ndarray, images: int) -> Levels:
    """The level of so many images whose `moments` add up to `total`.

    Borders: entry [i][j] is the root mean square of normal maps i steps from the nearer horizontal
    edge and j from the nearer vertical one, in units of the interior's, which BORDER stands for.
    Never under 1: a part whose surroundings are quiet (as most objects') keeps its map as it is.
    Networks see less around the border, and photographs have more there that differs from part to
    part (edges, holders), so good parts score loudest there. Means and deviations are those of
    the maps once they are divided by that.
    """
    scales = len(total) // 2 - 1
    squares, pixels = total[-2:]
    loud = np.sqrt(squares / np.maximum(pixels, 1)).reshape(BORDER + 1, BORDER + 1)
    inside = loud[BORDER, BORDER]
    factors = np.maximum(loud / inside, 1) if inside > 0 else np.ones_like(loud)
    flat = factors.ravel()
    means = (total[:scales] / flat).sum(1) / images
    second = (total[scales : 2 * scales] / flat**2).sum(1) / images
    stds = np.maximum(np.sqrt(np.maximum(second - means**2, 0)), 1e-12)
    return (
        tuple(map(float, means)),
        tuple(map(float, stds)),
        tuple(tuple(map(float, row)) for row in factors),
    )


def border_factors(borders: Sequence[Sequence[float]], height: int, width: int) -> Plane:
    """The border's level laid out as (height, width)."""
    factors: Plane = np.asarray(borders, np.float32).ravel()[_cells(height, width)]
    return factors


def map_level(fused: np.ndarray) -> float:
    """The level of a score map (H, W) as a whole: its median pixel, which small defects leave."""
    return float(np.median(_thinned(fused)))


SHARE = 0.75
"""A photograph of which more than this share is strange shows something that a model doesn't know.

A defect leaves most of a photograph as it is; another part, blur or another scale does not."""


def quiet_part(fused: np.ndarray) -> float:
    """The value that all but SHARE of a score map (H, W) lie below."""
    return float(np.quantile(_thinned(fused), 1 - SHARE))


def strange_limit(quiet_parts: Sequence[float]) -> float:
    """The map value from which on a pixel is strange, in deviations of a normal pixel.

    One above the mean of normal pixels, and one above the `quiet_part` of nine normals in ten:
    few normals, or restless ones, leave more room, a single odd one does not.
    """
    return max(1.0, float(np.quantile(quiet_parts, 0.9)) + 1)


def strange_share(fused: np.ndarray, limit: float | None) -> float:
    """Share of a score map that is strange; 0 where no limit is known."""
    return 0.0 if limit is None else float((_thinned(fused) > limit).mean())


def _thinned(fused: np.ndarray) -> np.ndarray:
    """Every n-th pixel of a large map: what is said of it as a whole needs no more."""
    step = 1 + math.isqrt(fused.size // 200_000)
    return fused[::step, ::step]


def _cells(height: int, width: int) -> np.ndarray:
    """Each pixel's place among CELLS: steps from the nearer horizontal and vertical edge."""
    step = min(height, width) / 40

    def distance(length: int) -> np.ndarray:
        place = np.arange(length)
        return np.minimum(np.minimum(place, place[::-1]) / step, BORDER).astype(int)

    rows, columns = np.meshgrid(distance(height), distance(width), indexing="ij")
    found: np.ndarray = rows * (BORDER + 1) + columns
    return found
