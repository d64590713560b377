"""Defect regions of a mask, and tables that a spreadsheet opens safely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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


def find_regions(score_map: np.ndarray, mask: np.ndarray, *, min_area: int = 1) -> list[Region]:
    """The regions of a bool mask (H, W) with their scores from the map (H, W), loudest first."""
    regions = []
    labels = _labelled(mask)
    for number, (rows, columns) in enumerate(find_objects(labels), 1):
        inside = labels[rows, columns] == number
        values = score_map[rows, columns][inside]
        if values.size < min_area:
            continue
        height, width = inside.shape
        x = float(inside.sum(0) @ np.arange(width)) / values.size
        y = float(inside.sum(1) @ np.arange(height)) / values.size
        regions.append(
            Region(
                values.size,
                (columns.start, rows.start, width, height),
                (columns.start + x, rows.start + y),
                float(values.max()),
                float(values.mean(dtype=np.float64)),
            )
        )
    return sorted(regions, key=lambda region: -region.peak)


def _labelled(mask: np.ndarray) -> np.ndarray:
    """int32 (H, W): 0 outside, and a number for each 8-connected region."""
    return np.asarray(label(mask, np.ones((3, 3)), np.int32)[0])


def drop_small(mask: np.ndarray, min_area: int) -> np.ndarray:
    """The mask without its 8-connected regions of fewer than `min_area` pixels."""
    if min_area <= 1:
        return mask
    regions = _labelled(mask)
    return (np.bincount(regions.ravel()) >= min_area)[regions] & mask


def escape_cell(value: Any) -> Any:
    """A table cell that no spreadsheet runs as a formula; all but strings stay as they are.

    A string that begins, after blanks, with = + - @ or a control character gets an apostrophe.
    """
    if not isinstance(value, str):
        return value
    begins = value.lstrip(" \u00a0")[:1]
    return (
        "'" + value
        if begins and (begins in "=+-@\uff1d\uff0b\uff0d\uff20" or begins < " ")
        else value
    )
