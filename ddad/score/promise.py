"""What a threshold promises: the share of new good parts above it, and how far that is known.

Knows scores and the parts that they belong to, nothing of maps. The unit is the part (a tile, a
session): photographs of one part say nearly the same, so they count together as one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaincinv

CERTAINTY = 0.98
"""How often the realised rate lies within the interval that is stated."""


@dataclass(frozen=True)
class Promise:
    """The rate at which photographs of new good parts lie above a threshold.

    A photograph of a new part is as likely as any of the calibration's to rank where it does
    (exchangeability), so among n parts, of which l - 1 lie above the threshold, its chance to lie
    above is l / (n + 1) on the mean over calibrations (split conformal prediction: Vovk,
    Gammerman and Shafer 2005). One calibration realises a rate that is Beta(l, n + 1 - l)
    distributed (Vovk 2012, training-conditional validity), from which the interval comes.

    With `folds`, the scores are made by models fitted to the other folds, and the one that ships,
    fitted to all, stands for each of them: a bound without that assumption is known for CV+ alone,
    where every fold's model judges the new part, and is about twice the rate (Barber, Candès,
    Ramdas and Tibshirani 2021, theorem 4; Vovk 2015 for cross-conformal prediction).
    """

    parts: int
    """n: independent parts that the threshold was set by."""
    above: int
    """l - 1: of these lie above it."""
    wished: float
    """The rate that was asked for."""
    folds: bool = False

    @property
    def rate(self) -> float:
        """Expected share of photographs of new good parts above the threshold."""
        return (self.above + 1) / (self.parts + 1)

    @property
    def interval(self) -> tuple[float, float]:
        """Where the realised rate of this calibration lies, CERTAINTY of the time."""
        return rates(self.above, self.parts)

    def counts(self, photographs: int) -> tuple[int, int]:
        """How many of so many new good parts' photographs may lie above, CERTAINTY of the time."""
        from scipy.stats import betabinom  # takes a second to import

        law = betabinom(photographs, self.above + 1, max(self.parts - self.above, 1))
        low, high = law.interval(CERTAINTY)
        return int(low), int(high)

    def __str__(self) -> str:
        low, high = self.interval
        between = f"between {percent(low, '')} and {percent(high)}"
        return f"about {percent(self.rate)} of good parts, {between}"

    @property
    def carries(self) -> str:
        """Whether that is what was asked for, in a sentence; empty where it is."""
        need = needed(self.wished)
        if self.parts >= need:
            return ""
        return f"{percent(self.wished)} as asked would need {need} parts"


def promised(
    scores: Sequence[float],
    parts: Sequence[int],
    threshold: float,
    wished: float,
    *,
    folds: bool = False,
) -> Promise | None:
    """What a threshold promises by the scores of normals, each of one of `parts`.

    None where one part, or nothing known of parts, sets it.
    """
    count = len(set(parts))
    if count < 2:
        return None
    return Promise(count, count_above(scores, parts, threshold), wished, folds)


def rates(above: int, parts: int) -> tuple[float, float]:
    """The interval of realised rates of a threshold with so many of so many parts above it."""
    tail = (1 - CERTAINTY) / 2
    if above >= parts:  # all of them: the rate has no upper end but 1
        return float(betaincinv(parts, 1, tail)), 1.0
    low, high = betaincinv(above + 1, parts - above, [tail, 1 - tail])
    return float(low), float(high)


def needed(rate: float) -> int:
    """Smallest number of parts for which a threshold can promise a rate."""
    return max(1, math.ceil(1 / rate - 1e-9) - 1)


FEWEST = 15
"""Fewer good parts than this hardly say what is normal."""


def before(parts: int, rate: float) -> str:
    """What a threshold set by so many parts will be able to promise, in one or two sentences."""
    if parts < 2:
        return (
            "1 part shows maps, but its threshold promises nothing: "
            f"{percent(rate)} needs {needed(rate)}"
        )
    allowed = max(1, math.floor((parts + 1) * rate + 1e-9))
    promise = Promise(parts, allowed - 1, rate)
    text = f"{parts} parts can promise {promise}"
    if promise.carries:
        text += f"; {promise.carries}"
    return text + (f"; below {FEWEST} parts maps are rough" if parts < FEWEST else "")


def count_above(scores: Sequence[float], parts: Sequence[int], threshold: float) -> int:
    """How many parts lie above a threshold, where a part may have several photographs.

    One photograph of each part, drawn at random: the (upper) median number of those above. With one
    photograph a part that is the plain count. Any one draw keeps the rate exactly; by Markov's
    inequality the median draw keeps it within a factor of two, and does so without throwing dice
    (Dunn, Wasserman and Ramdas 2022 draw; Lee, Barber and Willett 2023 weigh, which promises up
    to n + 1 times more than it keeps where photographs of a part differ).
    """
    over = np.asarray(scores) > threshold
    members = np.unique(np.asarray(parts), return_inverse=True)[1]
    shares = np.bincount(members, over) / np.bincount(members)
    chances = np.ones(1)
    for share in shares[(shares > 0) & (shares < 1)]:
        chances = np.convolve(chances, [1 - share, share])
    median = int(np.searchsorted(chances.cumsum(), 0.5 + 1e-9))
    return int((shares == 1).sum()) + median


@lru_cache(maxsize=8)
def ladder(scores: tuple[float, ...], parts: tuple[int, ...]) -> tuple[tuple[str, str, str], ...]:
    """For 0, 1, ... all photographs above a threshold: rate, low and high end, in per cent.

    For a page whose threshold moves; empty where no promise can be made. `scores` are sorted.
    """
    count = len(set(parts))
    if count < 2:
        return ()
    steps = []
    for threshold in (*reversed(scores), -math.inf):
        above = count_above(scores, parts, threshold)
        low, high = rates(above, count)
        steps.append(tuple(percent(v, "") for v in ((above + 1) / (count + 1), low, high)))
    return tuple(steps)  # type: ignore[arg-type]  # three a step


def conformal_threshold(scores: Sequence[float], parts: Sequence[int], rate: float) -> float:
    """The smallest of the scores that at most (n + 1) rate - 1 of n parts lie above.

    With one photograph a part, the ceil((n + 1)(1 - rate))-th smallest; the largest where n is
    too small for the rate. Raises ValueError for no scores or a rate outside (0, 1).
    """
    if not 0 < rate < 1:
        raise ValueError(f"the false-positive rate must lie between 0 and 1, not {rate}")
    if not len(scores):
        raise ValueError("no normal image was held out: the threshold needs at least one")
    allowed = max(0, math.floor((len(set(parts)) + 1) * rate + 1e-9) - 1)
    candidates = np.unique(scores)
    low, high = 0, len(candidates) - 1
    while low < high:  # the count falls as the threshold rises
        middle = (low + high) // 2
        if count_above(scores, parts, candidates[middle]) <= allowed:
            high = middle
        else:
            low = middle + 1
    return float(candidates[low])


def percent(share: float, unit: str = " %") -> str:
    """A share in words: two digits, no more than it has."""
    value = 100 * share
    digits = 0 if value >= 9.95 else 1 if value >= 0.095 else 2
    text = f"{value:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) + unit
