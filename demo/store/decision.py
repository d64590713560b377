"""What a decision makes of an image: its values checked, the final mask, the score that counts."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
from scipy import ndimage

from ddad.export.reviewed import DECISIONS, Decision
from ddad.images.regions import RegionLabel, drop_small
from demo.store.records import Item, Review, StoreError, now, plain


def checked_labels(regions: Any, width: int, height: int) -> tuple[RegionLabel, ...]:
    """Labels inside the image, blank ones left out; takes RegionLabel or dicts of its fields.

    Raises StoreError for anything else.
    """
    labels = []
    for region in regions:
        try:
            fields = asdict(region) if isinstance(region, RegionLabel) else dict(region)
            x, y, label = int(fields["x"]), int(fields["y"]), str(fields["label"]).strip()
        except (KeyError, TypeError, ValueError, OverflowError):
            raise StoreError(
                "a region's label needs whole numbers x and y and a text label"
            ) from None
        if not (0 <= x < width and 0 <= y < height):
            raise StoreError(
                f"the region at x {x}, y {y} lies outside its image of {width} x {height}"
            )
        if label:
            labels.append(RegionLabel(x, y, plain(label, 100)))
    return tuple(labels)


def check_shape(item: Item, array: np.ndarray, what: str) -> None:
    if array.shape != (item.height, item.width):
        shape = " x ".join(map(str, array.shape[::-1]))
        raise StoreError(
            f"the {what} is of {shape} pixels, its image of {item.width} x {item.height}"
        )


def checked_review(
    item: Item,
    mask: np.ndarray | None,
    ignore: np.ndarray | None,
    threshold: float,
    min_area: int,
    decision: Decision,
    regions: Any,
    reviewer: str,
) -> Review:
    """What `Session.review` was given, of now. Raises StoreError as it says."""
    if decision not in DECISIONS:
        raise StoreError(f"a decision is one of {', '.join(DECISIONS)}, not {decision!r}")
    if not math.isfinite(threshold) or min_area < 0:
        raise StoreError("the threshold and the minimum area must be finite, the area 0 or more")
    if mask is None and item.result is None and decision != "good":
        raise StoreError("there is no result to take the mask from: score the image first")
    for array, what in ((mask, "mask"), (ignore, "ignore zone")):
        if array is not None:
            check_shape(item, array, what)
    return Review(
        decision,
        float(threshold),
        int(min_area),
        checked_labels(regions, item.width, item.height),
        plain(reviewer, 100),
        now(),
        item.result.model if item.result else "",
        item.result.fingerprint if item.result else "",
        mask is not None,
    )


def loudest(
    score_map: np.ndarray, ignore: np.ndarray | None, composition: float | None = None
) -> float:
    """The largest value outside the ignore zone, or that of the composition where it is more.

    The smallest of all where nothing is outside.
    """
    inside = score_map if ignore is None else score_map[~np.asarray(ignore, bool)]
    if not inside.size:
        return float(score_map.min())
    return max(float(inside.max()), -math.inf if composition is None else composition)


def extent(mask: np.ndarray) -> tuple[int, int]:
    """Pixels and 8-connected regions of a mask."""
    return int(np.count_nonzero(mask)), int(ndimage.label(mask, np.ones((3, 3)))[1])


def cut(
    item: Item,
    mask: np.ndarray | None,
    score_map: np.ndarray | None,
    ignore: np.ndarray | None,
    threshold: float,
    min_area: int,
) -> np.ndarray:
    """The mask of a review, bool (H, W)."""
    if mask is not None:
        final = np.array(mask, bool)
    elif score_map is not None:
        final = score_map > np.float32(threshold)
    else:
        final = np.zeros((item.height, item.width), bool)
    if ignore is not None:
        final &= ~np.asarray(ignore, bool)
    return drop_small(final, min_area) if mask is None else final
