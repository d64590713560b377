"""Maps as pictures: the colour scale and the overlay, the same in files and on the page."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion

# Anchors of the heat scale, dark to light: lightness rises evenly, so it reads in grey as well.
_ANCHORS = np.array(
    [(0, 0, 4), (60, 15, 90), (140, 41, 99), (212, 72, 66), (250, 140, 30), (252, 255, 164)], float
)
HEAT = np.stack(
    [np.interp(np.linspace(0, 5, 256), np.arange(6), _ANCHORS[:, c]) for c in range(3)], axis=1
).astype(np.uint8)
"""Colour scale, uint8 (256, 3), from quiet to loud."""


STRIP = 256
"""Rows of a picture that are mixed at once."""


def heat(score_map: np.ndarray, low: float, high: float) -> np.ndarray:
    """uint8 (H, W, 3) picture of a map on the fixed scale low..high; values outside are clipped."""
    level = np.clip((score_map - low) / max(high - low, 1e-12), 0, 1)
    return HEAT.take(np.rint(level * 255).astype(np.uint8), axis=0, mode="clip")


def overlay(
    image: np.ndarray, score_map: np.ndarray, mask: np.ndarray, low: float, high: float
) -> np.ndarray:
    """The image under its map, the louder the more opaque, and the mask outlined in white."""
    width = max(1, round(min(mask.shape) / 256))
    outline = mask & ~binary_erosion(mask, iterations=width)
    mixed = np.empty_like(image)
    for top in range(0, len(image), STRIP):  # a strip at a time, for the memory of large ones
        rows = slice(top, top + STRIP)
        level = np.clip((score_map[rows] - low) / max(high - low, 1e-12), 0, 1)
        share = np.float32(0.75) * level.astype(np.float32)[..., None]
        below = image[rows].astype(np.float32)
        mixed[rows] = np.rint(below + share * (heat(score_map[rows], low, high) - below))
    mixed[outline] = 255
    return mixed


def difference(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """What changed between two uint8 (H, W, 3) pictures, on the heat scale up to 64 grey levels.

    The largest change of a pixel's channels counts.
    """
    change = np.abs(after.astype(int) - before.astype(int)).max(2)
    return heat(change, 0, 64)


def sixteen_bit(score_map: np.ndarray) -> np.ndarray:
    """uint16 codes of a map: value = min + (max - min) * code / 65535 with its own min and max.

    In the map's own precision, so that of float64 is the more exact.
    """
    low, high = float(score_map.min()), float(score_map.max())
    codes = np.empty(score_map.shape, np.uint16)
    for top in range(0, len(codes), STRIP):
        part = score_map[top : top + STRIP]
        codes[top : top + STRIP] = np.rint((part - low) / max(high - low, 1e-12) * 65535)
    return codes
