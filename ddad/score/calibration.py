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
    """Sorted image scores of the held-out normals."""
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

    @property
    def n(self) -> int:
        """Number of held-out normal images."""
        return len(self.normal_scores)

    @property
    def guaranteed_fpr(self) -> float:
        """The rate the threshold vouches for: at most this share of good parts scores above it.

        A conformal bound over exchangeable good parts. With few normals it is above the target.
        After cross-fitting it is what one should expect, not a bound: in the worst case twice as
        many score above (Barber et al. 2021, on CV+).
        """
        above = sum(score > self.threshold for score in self.normal_scores)
        return (above + 1) / (self.n + 1)

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Calibration:
        """Raises ValueError where a field is missing, unknown, of another kind or not finite."""
        try:
            values = json.loads(text)
            expected = {field.name for field in fields(cls)}
            if not isinstance(values, dict) or set(values) != expected:
                names = ", ".join(sorted(expected))
                raise ValueError(f"a calibration has exactly the fields {names}")
            values["normal_scores"] = tuple(values["normal_scores"])
            for name in ("means", "stds"):
                values[name] = {branch: tuple(numbers) for branch, numbers in values[name].items()}
            values["borders"] = {
                branch: tuple(tuple(row) for row in rows)
                for branch, rows in values["borders"].items()
            }
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
        numbers += [*self.normal_scores, self.target_fpr]
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
            or not 0 < self.target_fpr < 1
        ):
            raise ValueError("a calibration's parts do not fit each other")


def widened(calibration: Calibration, scores: Sequence[float]) -> Calibration:
    """The same levels with the scores of more normals, unseen by the model, and a new threshold."""
    every = tuple(sorted((*calibration.normal_scores, *map(float, scores))))
    threshold = conformal_threshold(every, calibration.target_fpr)
    high = threshold + max(threshold - calibration.map_low, 1e-6)
    return replace(calibration, normal_scores=every, threshold=threshold, map_high=high)


def normals_needed(fpr: float) -> int:
    """Smallest number of held-out normals for which a conformal threshold at `fpr` exists."""
    return max(1, math.ceil(1 / fpr - 1e-9) - 1)


FEWEST = 15
"""Fewer good parts than this hardly say what is normal."""


def vouches(photographs: int, fpr: float) -> str:
    """Whether so many photographs can vouch for a false-positive rate, in one sentence."""
    need, best = normals_needed(fpr), f"{1 / (photographs + 1):.1%}"
    if photographs < FEWEST:
        return (
            f"{photographs} photographs are few: {FEWEST} are the least, {need} vouch for {fpr:.1%}"
        )
    if photographs < need:
        return f"{photographs} photographs vouch for {best} at best; {fpr:.1%} needs {need}"
    return f"{photographs} photographs vouch for {fpr:.1%} (that needs {need}); {best} at best"


def conformal_threshold(normal_scores: Sequence[float], fpr: float) -> float:
    """The ceil((n + 1)(1 - fpr))-th smallest score; the largest where n is too small for `fpr`.

    A new good part then scores above it with probability at most `fpr` (exchangeability alone;
    Vovk et al. 2005), or at most 1 / (n + 1) where n < normals_needed(fpr).
    Raises ValueError for no scores or a rate outside (0, 1).
    """
    if not 0 < fpr < 1:
        raise ValueError(f"the false-positive rate must lie between 0 and 1, not {fpr}")
    if not len(normal_scores):
        raise ValueError("no normal image was held out: the threshold needs at least one")
    n = len(normal_scores)
    rank = min(n, math.ceil((n + 1) * (1 - fpr) - 1e-9))
    return float(np.sort(normal_scores)[rank - 1])


def scale_statistics(maps: Sequence[np.ndarray]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each scale over images and pixels.

    `maps` holds one (timesteps, h, w) array an image; every image counts the same.
    """
    first = np.mean([m.reshape(len(m), -1).mean(1, dtype=np.float64) for m in maps], axis=0)
    second = np.mean(
        [((m - first[:, None, None]) ** 2).reshape(len(m), -1).mean(1) for m in maps], axis=0
    )
    stds = np.maximum(np.sqrt(second), 1e-12)
    return tuple(map(float, first)), tuple(map(float, stds))


BORDER = 4
"""Steps inwards over which the border's level is followed, each a fortieth of the short side."""


def border_levels(maps: Sequence[np.ndarray]) -> tuple[tuple[float, ...], ...]:
    """Root mean square of normal maps by distance to the border, in units of the interior's.

    Entry [i][j] belongs to pixels i steps from the nearer horizontal edge and j from the nearer
    vertical one, both up to BORDER, which stands for the interior. Never under 1: a part whose
    surroundings are quiet (as most objects') keeps its map as it is. `maps` holds one
    (timesteps, h, w) array an image.

    Networks see less around the border, and photographs have more there that differs from part
    to part (edges, holders), so good parts score loudest there.
    """
    size = BORDER + 1
    squares, pixels = np.zeros(size * size), np.zeros(size * size)
    for stack in maps:
        index = np.ravel_multi_index(_steps(*stack.shape[1:]), (size, size))
        scaled = stack / np.maximum(stack.mean((1, 2), keepdims=True), 1e-12)
        squares += np.bincount(index.ravel(), (scaled**2).mean(0).ravel(), size * size)
        pixels += np.bincount(index.ravel(), minlength=size * size)
    level = np.sqrt(squares / np.maximum(pixels, 1)).reshape(size, size)
    inside = level[BORDER, BORDER]
    factors = np.maximum(level / inside, 1) if inside > 0 else np.ones_like(level)
    return tuple(tuple(map(float, row)) for row in factors)


def border_factors(
    levels: Sequence[Sequence[float]], height: int, width: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    """`border_levels` laid out as (height, width)."""
    return np.asarray(levels, np.float32)[_steps(height, width)]


def _steps(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel's steps from the nearer horizontal and the nearer vertical edge."""
    step = min(height, width) / 40

    def distance(length: int) -> np.ndarray:
        place = np.arange(length)
        return np.minimum(np.minimum(place, place[::-1]) / step, BORDER).astype(int)

    rows, columns = np.meshgrid(distance(height), distance(width), indexing="ij")
    return rows, columns
