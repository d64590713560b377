"""What a model said of an image and a person decided, and the regions of its final mask.

Coordinates: COCO's frame of `ddad.images.outlines`. Every polygon states its IoU with the mask it
stands for, filled as pycocotools fills it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

import numpy as np

from ddad.images.outlines import TOLERANCE, outlines, simplify
from ddad.images.regions import Region, RegionLabel, components, find_regions
from ddad.model.detection import FAMILIAR

Verdict = Literal["defective", "good", "not its part", "no verdict"]
"""What a model says of an image, never what a person does."""
Decision = Literal["defective", "good", "skipped", "undecided"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)
"""What a person says of the part, whatever the model does; "skipped" is seen and left open."""
UNNAMED = "defect"
"""Label of a region to which nobody gave one."""


@dataclass(frozen=True)
class Reviewed:
    """One image, what a model said and what a person decided, ready to leave."""

    name: str
    """As uploaded: any text."""
    pixels: np.ndarray
    """uint8 (H, W, 3)."""
    mask: np.ndarray
    """The final mask, bool (H, W)."""
    score_map: np.ndarray | None = None
    """float32 (H, W), or None where no model was asked."""
    score: float | None = None
    threshold: float | None = None
    decision: Decision = "undecided"
    labels: tuple[RegionLabel, ...] = ()
    min_area: int = 1
    edited: bool = False
    """Whether the mask was drawn by hand rather than cut from the map at the threshold."""
    reviewer: str = ""
    at: str = ""
    """When it was reviewed, ISO 8601 in UTC."""
    model: str = ""
    fingerprint: str = ""
    seed: int | None = None
    low: float = 0.0
    high: float = 1.0
    """Ends of the colour scale."""
    normal_scores: tuple[float, ...] = field(default=(), repr=False)
    target_fpr: float | None = None
    strangeness: float | None = None
    """`Detection.strangeness`; None where no model was asked."""
    verdict: Verdict | None = None
    """What the model says at the threshold; None where none was asked."""

    @property
    def familiar(self) -> bool | None:
        """Whether it is a photograph of the kind that the model knows; None without a model."""
        return None if self.strangeness is None else self.strangeness <= FAMILIAR


@dataclass(frozen=True)
class Shape:
    """One 8-connected region of a final mask."""

    label: str
    region: Region
    """Its peak and mean are NaN where there is no map."""
    mask: np.ndarray
    """bool, cut to the bounding box."""
    has_holes: bool
    polygon: np.ndarray
    """Its outline, simplified, one ring with bridges to its holes, (n, 2) of x, y in the image."""
    iou: float
    """Of the polygon, as pycocotools fills it, with the mask."""

    @property
    def corner(self) -> tuple[int, int]:
        """x and y of the bounding box."""
        return self.region.bbox[:2]

    def placed(self, shape: Sequence[int]) -> np.ndarray:
        """The region as a mask of the whole image."""
        whole = np.zeros(shape[:2], bool)
        (x, y), (height, width) = self.corner, self.mask.shape
        whole[y : y + height, x : x + width] = self.mask
        return whole


def find_shapes(record: Reviewed, tolerance: float = TOLERANCE) -> list[Shape]:
    """The regions of a record's mask with their labels, loudest first (else largest first)."""
    score_map = np.full(record.mask.shape, np.nan) if record.score_map is None else record.score_map
    shapes = []
    for mask, left, top in components(record.mask):
        height, width = mask.shape
        cut = score_map[top : top + height, left : left + width]
        (found,) = find_regions(cut, mask)
        x, y = found.centroid
        region = replace(found, bbox=(left, top, width, height), centroid=(left + x, top + y))
        outer, holes = outlines(mask)
        ring, iou = simplify(outer, holes, mask, tolerance)
        name = UNNAMED
        for given in record.labels:
            x, y = given.x - left, given.y - top
            if 0 <= x < width and 0 <= y < height and mask[y, x]:
                name = given.label
        shapes.append(Shape(name, region, mask, bool(holes), ring + (left, top), iou))
    loud = record.score_map is not None
    return sorted(shapes, key=lambda s: -(s.region.peak if loud else s.region.area))
