"""Defect regions of a mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import find_objects, label


@dataclass(frozen=True)
class Region:
    """One 8-connected region. Lengths in pixels of the image, scores in the map's units."""

    area: int
    bbox: tuple[int, int, int, int]
    """x, y, width, height."""
    centroid: tuple[float, float]
    """x, y."""
    peak: float
    mean: float


@dataclass(frozen=True)
class RegionLabel:
    """The label of the region that holds the pixel (x, y) of a mask."""

    x: int
    y: int
    label: str


def labelled(inside: np.ndarray, left: int, top: int, label: str) -> RegionLabel:
    """The label of a region that is cut to its bounding box at x = left, y = top."""
    y, x = np.unravel_index(int(inside.argmax()), inside.shape)
    return RegionLabel(left + int(x), top + int(y), label)


def find_regions(score_map: np.ndarray, mask: np.ndarray, *, min_area: int = 1) -> list[Region]:
    """The regions of a bool mask (H, W) with their scores from the map (H, W), loudest first."""
    regions = []
    for inside, left, top in components(mask):
        height, width = inside.shape
        values = score_map[top : top + height, left : left + width][inside]
        if values.size < min_area:
            continue
        x = float(inside.sum(0) @ np.arange(width)) / values.size
        y = float(inside.sum(1) @ np.arange(height)) / values.size
        regions.append(
            Region(
                values.size,
                (left, top, width, height),
                (left + x, top + y),
                float(values.max()),
                float(values.mean(dtype=np.float64)),
            )
        )
    return sorted(regions, key=lambda region: -region.peak)


def components(mask: np.ndarray) -> Iterator[tuple[np.ndarray, int, int]]:
    """The 8-connected regions, each as its mask cut to its bounding box, with x and y of it."""
    labels = _labelled(mask)
    for number, (rows, columns) in enumerate(find_objects(labels), 1):
        yield labels[rows, columns] == number, columns.start, rows.start


def _labelled(mask: np.ndarray) -> np.ndarray:
    """int32 (H, W): 0 outside, and a number for each 8-connected region."""
    return np.asarray(label(mask, np.ones((3, 3)), np.int32)[0])


def drop_small(mask: np.ndarray, min_area: int) -> np.ndarray:
    """The mask without its 8-connected regions of fewer than `min_area` pixels."""
    if min_area <= 1:
        return mask
    regions = _labelled(mask)
    found: np.ndarray = (np.bincount(regions.ravel()) >= min_area)[regions] & mask
    return found
