"""What held-out normal images say: the normal level of each noise scale, and the threshold.

Knows maps as arrays; nothing of networks. Branches are "pixel" and "feature".
Nothing here may ever see a test image.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace

import numpy as np

from ddad.score.composition import Usual
from ddad.score.levels import BORDER
from ddad.score.promise import Promise, conformal_threshold, promised
from ddad.score.sight import Sight


@dataclass(frozen=True)
class Calibration:
    """Statistics of held-out normal images for one model and one set of score settings."""

    means: dict[str, tuple[float, ...]]
    """For each branch, each scale's mean over the pixels of held-out normals, in the map's unit."""
    stds: dict[str, tuple[float, ...]]
    """Its standard deviation."""
    borders: dict[str, tuple[tuple[float, ...], ...]]
    """For each branch, how much louder normals are near the image's border: `border_levels`."""
    normal_scores: tuple[float, ...]
    """Sorted image scores of the held-out normals, each by the levels of the other parts."""
    target_fpr: float
    """The false-positive rate that was asked for."""
    threshold: float
    """An image is anomalous when its score is above this; a pixel when its map value is."""
    map_low: float
    """Quiet end of the colour scale: the median pixel of normal images."""
    map_high: float
    """Loud end of the colour scale: as far above the threshold as `map_low` is below."""
    fingerprint: str
    """Digest of the weights and settings this holds for."""
    cross_fitted: bool = False
    """Whether the scores come from models fitted to the other folds rather than from this one."""
    parts: tuple[int, ...] = ()
    """Which part each of the scores belongs to; empty where an earlier version did not count."""
    normal_levels: tuple[float, ...] = ()
    """The level of each of those normals, `Detection.level`; empty likewise."""
    strange: float | None = None
    """Map value from which a pixel is strange, `strange_limit`; None likewise."""
    usual: Usual | None = None
    """What normals hold of each kind of appearance; None without a feature branch, or where few
    parts could say."""

    sight: Sight | None = None
    """How small a spot is found; None where it was not measured."""

    @property
    def n(self) -> int:
        """Number of held-out normal images."""
        return len(self.normal_scores)

    @property
    def promise(self) -> Promise | None:
        """What the threshold promises; None where one part, or nothing known of parts, sets it."""
        known = self.normal_scores, self.parts, self.threshold, self.target_fpr
        return promised(*known, folds=self.cross_fitted)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Raises ValueError where a field is missing, unknown, of another kind or not finite."""
        try:
            values = json.loads(text)
            expected = {field.name for field in fields(cls)}
            later = {"parts", "normal_levels", "strange", "usual", "sight"}
            if not isinstance(values, dict) or not expected - later <= set(values) <= expected:
                names = ", ".join(sorted(expected))
                raise ValueError(f"a calibration has exactly the fields {names}")
            for name in ("normal_scores", *({"parts", "normal_levels"} & set(values))):
                values[name] = tuple(values[name])
            for name in ("means", "stds"):
                values[name] = {branch: tuple(numbers) for branch, numbers in values[name].items()}
            values["borders"] = {
                branch: tuple(tuple(row) for row in rows)
                for branch, rows in values["borders"].items()
            }
            if values.get("usual") is not None:
                values["usual"] = Usual.read(values["usual"])
            if values.get("sight") is not None:
                values["sight"] = Sight.read(values["sight"])
            found = cls(**values)
            found._check()
        except (AttributeError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError("a calibration's fields are lists of numbers by branch") from error
        return found

    def _check(self) -> None:
        """Raises ValueError, or TypeError, for what no calibration can be."""
        branches = [*self.means.values(), *self.stds.values()]
        branches += [row for rows in self.borders.values() for row in rows]
        numbers = [v for row in branches for v in row]
        numbers += [*self.normal_scores, *self.normal_levels, *self.parts, self.target_fpr]
        numbers += [] if self.strange is None else [self.strange]
        numbers += [self.threshold, self.map_low, self.map_high]
        if not all(isinstance(v, int | float) and math.isfinite(v) for v in numbers):
            raise ValueError("a calibration's numbers must be finite")
        square = [[BORDER + 1] * (BORDER + 1)] * len(self.borders)
        if (
            not set(self.means) == set(self.stds) == set(self.borders)
            or any(len(self.means[b]) != len(self.stds[b]) for b in self.means)
            or [[len(row) for row in rows] for rows in self.borders.values()] != square
            or min(v for row in branches[len(self.means) :] for v in row) <= 0
            or not self.normal_scores
            or {len(self.parts), len(self.normal_levels)} - {0, len(self.normal_scores)}
            or not 0 < self.target_fpr < 1
        ):
            raise ValueError("a calibration's parts do not fit each other")


def widened(
    calibration: Calibration, scores: Sequence[float], levels: Sequence[float], parts: Sequence[str]
) -> Calibration:
    """The same levels with more normals, unseen by the model, and a new threshold.

    `parts` names the part of each of them, none of which was there before.
    """
    known = calibration.parts
    if not known:
        raise ValueError(
            "the model was calibrated by an earlier version, which did not count parts: run "
            "`python -m ddad calibrate` with a folder of good parts first"
        )
    names = {name: max(known) + 1 + place for place, name in enumerate(dict.fromkeys(parts))}
    rows = [*zip(calibration.normal_scores, calibration.normal_levels, known, strict=True)]
    rows += zip(scores, levels, (names[part] for part in parts), strict=True)
    return with_normals(calibration, *zip(*rows, strict=True))


def with_normals(
    calibration: Calibration, scores: Sequence[float], levels: Sequence[float], parts: Sequence[int]
) -> Calibration:
    """A calibration with these scores of normals, and the threshold and colours they make."""
    order = np.argsort(scores, kind="stable")
    threshold = conformal_threshold(scores, parts, calibration.target_fpr)
    low = float(np.median(levels))
    return replace(
        calibration,
        normal_scores=tuple(float(scores[i]) for i in order),
        normal_levels=tuple(float(levels[i]) for i in order),
        parts=tuple(int(parts[i]) for i in order),
        threshold=threshold,
        map_low=low,
        map_high=threshold + max(threshold - low, 1e-6),
    )
