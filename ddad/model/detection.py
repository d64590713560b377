"""What a model says of one image: the map of each noise scale, the score map, the mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ddad.score.composition import Finding
from ddad.score.levels import SHARE, map_level

FAMILIAR = SHARE
"""The strangeness up to which a photograph is of the kind that its model knows."""
STRANGE = "not this model's part"
"""The verdict on one that is not: it goes before that of the score."""
ADVICE = (
    "another part, camera, light, focus or scale than in the photographs that the model learned "
    "from: choose the model of this part, take the photograph as the good ones were taken, or "
    "train a model on photographs like this"
)
"""What that means and what to do."""


@dataclass(frozen=True)
class ScaleMap:
    """The map of one noise scale, float32 (h, w) at its branch's size.

    In z-units: 0 is the mean pixel of normal parts, 1 one standard deviation above it.
    """

    branch: str
    """"pixel" (KL) or "feature" (error of the denoised features)."""
    t: int
    noise_std: float
    weight: float
    """Its share in the score map; all shares add up to 1."""
    map: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.branch}_t{self.t}"

    @property
    def mean(self) -> float:
        return float(self.map.mean())


@dataclass(frozen=True)
class Detection:
    """What was found in one image. `score` is the maximum of `score_map`, or `composition` where
    that is more: a missing part has no strange pixel."""

    score_map: np.ndarray
    scales: tuple[ScaleMap, ...]
    threshold: float
    strangeness: float = 0.0
    """Share of the photograph, 0 to 1, that is strange to the model: `strange_share`."""
    composition: float = -math.inf
    """How unusual the amounts of what is there are, in the unit of the score: `Usual.score`."""
    findings: tuple[Finding, ...] = ()
    """What there is less or more of than on good parts, the strangest first."""

    @property
    def familiar(self) -> bool:
        """Whether this is a photograph of the kind that the model knows: else its score says
        nothing of a defect."""
        return self.strangeness <= FAMILIAR

    @property
    def score(self) -> float:
        return max(float(self.score_map.max()), self.composition)

    def amiss(self, threshold: float | None = None) -> list[str]:
        """In sentences, what there is too little or too much of; empty where amounts are usual."""
        usual = self.composition <= (self.threshold if threshold is None else threshold)
        return [] if usual else [finding.sentence for finding in self.findings]

    @property
    def level(self) -> float:
        """The level of the map as a whole: its median pixel, which small defects leave alone."""
        return map_level(self.score_map)

    @property
    def anomalous(self) -> bool:
        return self.score > self.threshold

    def mask(self, threshold: float | None = None) -> np.ndarray:
        """Pixels above the threshold, bool (H, W).

        Empty exactly when the score is not above it, but for a part that is missing or one too
        many: that shows in `findings` alone.
        """
        return self.score_map > np.float32(self.threshold if threshold is None else threshold)


def strangers(count: int, total: int) -> str:
    """How many of so many photographs are not this model's part, in a sentence; empty for none."""
    if not count:
        return ""
    verb, noun = "is" if count == 1 else "are", "photograph" if total == 1 else "photographs"
    return f"{count} of {total} {noun} {verb} {STRANGE}: {ADVICE}"
