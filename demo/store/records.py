"""What the store hands out: frozen records of an image, its result and its review.

Times are ISO 8601 in UTC. Masks, maps and pixels are files, read through the session.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import ndimage

from ddad.images.regions import RegionLabel, drop_small

if TYPE_CHECKING:
    from ddad.model.detection import Detection
    from ddad.model.detector import Detector


class StoreError(ValueError):
    """What could not be kept or found; the message is one sentence for the visitor."""


Decision = Literal["undecided", "accepted", "corrected", "rejected"]
DECISIONS: tuple[Decision, ...] = ("undecided", "accepted", "corrected", "rejected")
"""Nothing said yet; the model's mask is right; the mask was edited; a good part, no defect."""


@dataclass(frozen=True)
class Scale:
    """One noise scale of a result; `map` is float32 (h, w), None in what `Item.result` lists."""

    branch: str
    t: int
    noise_std: float
    weight: float
    mean: float
    map: np.ndarray | None = None

    @property
    def name(self) -> str:
        return f"{self.branch}_t{self.t}"


@dataclass(frozen=True)
class Result:
    """What a model said of an image, and the facts of its calibration that later pages need."""

    model: str
    fingerprint: str
    seed: int
    score: float
    threshold: float
    """The calibrated one."""
    low: float
    high: float
    """Ends of the colour scale."""
    normal_scores: tuple[float, ...]
    target_fpr: float
    guaranteed_fpr: float
    cross_fitted: bool
    scales: tuple[Scale, ...]

    @classmethod
    def of(cls, found: Detection, detector: Detector) -> Result:
        """Raises CheckpointError where the model is not calibrated."""
        fitted = detector.calibration
        return cls(
            detector.name,
            detector.fingerprint,
            detector.config.seed,
            found.score,
            found.threshold,
            fitted.map_low,
            fitted.map_high,
            fitted.normal_scores,
            fitted.target_fpr,
            fitted.guaranteed_fpr,
            fitted.cross_fitted,
            tuple(Scale(s.branch, s.t, s.noise_std, s.weight, s.mean) for s in found.scales),
        )

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Result:
        values = json.loads(text)
        values["normal_scores"] = tuple(values["normal_scores"])
        values["scales"] = tuple(Scale(**scale) for scale in values["scales"])
        return cls(**values)


@dataclass(frozen=True)
class Review:
    """What a person said of an image, and of which model's result."""

    decision: Decision
    threshold: float
    min_area: int
    regions: tuple[RegionLabel, ...]
    reviewer: str
    at: str
    model: str
    fingerprint: str
    edited: bool
    """Whether the mask was drawn by hand rather than cut at the threshold."""

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Review:
        values = json.loads(text)
        values["regions"] = tuple(RegionLabel(**region) for region in values["regions"])
        return cls(**values)


@dataclass(frozen=True)
class Item:
    """One image of a session."""

    id: str
    name: str
    """As uploaded: any text at all, so escape it in pages and never make a path of it."""
    note: str
    state: Literal["waiting", "scored", "failed"]
    error: str
    """One sentence where the state is "failed", else empty."""
    width: int
    height: int
    """Pixels; 0 where the image could not be read."""
    added: str
    score: float | None
    """The largest map value outside the ignore zone; None until scored."""
    area: int | None
    """Pixels of the final mask; None until there is one."""
    regions: int | None
    """Its 8-connected regions."""
    result: Result | None
    review: Review | None
    has_truth: bool
    has_ignore: bool

    @classmethod
    def of(cls, row: Any) -> Item:
        """From a row of the table."""
        files = json.loads(row.files)
        return cls(
            row.id,
            row.name,
            row.note,
            row.state,
            row.error,
            row.width,
            row.height,
            row.added,
            row.score,
            row.area,
            row.regions,
            Result.from_json(row.result) if row.result else None,
            Review.from_json(row.review) if row.review else None,
            "truth" in files,
            "ignore" in files,
        )

    @property
    def decision(self) -> Decision:
        return self.review.decision if self.review else "undecided"

    @property
    def threshold(self) -> float | None:
        """The one in force: the reviewer's, else the calibrated one, else None."""
        if self.review:
            return self.review.threshold
        return self.result.threshold if self.result else None


@dataclass(frozen=True)
class Logged:
    """One line of the decision log, which only grows."""

    at: str
    item: str
    name: str
    reviewer: str
    decision: Decision
    threshold: float
    min_area: int
    area: int
    """Pixels of the final mask."""
    model: str
    fingerprint: str
    labels: tuple[str, ...]


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def plain(text: str, most: int = 1000) -> str:
    """Text as the database can keep it: valid Unicode, bounded."""
    return text[:most].encode("utf-8", "backslashreplace").decode()


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


def check_review(
    item: Item,
    mask: np.ndarray | None,
    ignore: np.ndarray | None,
    threshold: float,
    min_area: int,
    decision: Decision,
) -> None:
    """Raises StoreError, as `Session.review` says."""
    if decision not in DECISIONS:
        raise StoreError(f"a decision is one of {', '.join(DECISIONS)}, not {decision!r}")
    if not math.isfinite(threshold) or min_area < 0:
        raise StoreError("the threshold and the minimum area must be finite, the area 0 or more")
    if mask is None and item.result is None and decision != "rejected":
        raise StoreError("there is no result to take the mask from: score the image first")
    for array, what in ((mask, "mask"), (ignore, "ignore zone")):
        if array is not None:
            check_shape(item, array, what)


def loudest(score_map: np.ndarray, ignore: np.ndarray | None) -> float:
    """The largest value outside the ignore zone, the smallest of all where nothing is outside."""
    inside = score_map if ignore is None else score_map[~np.asarray(ignore, bool)]
    return float(inside.max() if inside.size else score_map.min())


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
