"""Which threshold to propose, from photographs decided on: for a wished recall, or for costs.

Takes arrays as `ddad.measure.decided` does. It proposes; a person sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ddad.measure.decided import SURE, Costs, Outcome, Rate, checked, outcome, percent


@dataclass(frozen=True)
class Proposal:
    """The highest threshold that vouches for a recall."""

    wished: float
    found: Outcome
    recall: Rate
    """Of defects to come: what to expect, and the ends, each wrong in 1 of 20 sets of decisions."""

    def __str__(self) -> str:
        recall, found = self.recall, self.found
        assert recall.share is not None
        return (
            f"{found.threshold:g} finds at least {percent(self.wished)} of such defects in 19 of "
            f"20 sets of {found.missed.of} decided ones (about {percent(recall.share)}, "
            f"{percent(recall.low)} at least, {percent(recall.high)} at most). "
            f"False alarms on the good parts decided on: {found.alarms}."
        )


def defects_needed(wished: float) -> int:
    """Fewest decided defects that can vouch for a recall: the smallest m, wished^m <= 0.05.

    Raises ValueError for a recall outside (0, 1).
    """
    if not 0 < wished < 1:
        raise ValueError(f"a wished recall lies between 0 and 1, not {wished:g}")
    return math.ceil(math.log(1 - SURE) / math.log(wished) - 1e-9)


def too_few(defects: int, wished: float) -> str:
    """Why so many decided defects vouch for no threshold at a recall, in a sentence."""
    best = percent(math.floor(1000 * (1 - SURE) ** (1 / defects)) / 1000) if defects else ""
    here = f"{defects} can vouch for {best} at best" if defects else "none is decided on"
    return (
        f"A threshold that finds {percent(wished)} needs {defects_needed(wished)} decided "
        f"defects; {here}."
    )


def propose(scores: np.ndarray, defective: np.ndarray, wished: float) -> Proposal | None:
    """The highest threshold that keeps a recall of `wished`, 95 % sure, whatever the scores' law.

    It lies just below the k-th lowest of m defects' scores. The share of all defects under that
    score is at most Beta(k, m - k + 1) distributed (Wilks 1941), and k is the largest for which
    it stays within 1 - wished with probability 0.95. It holds for defects such as those decided
    on, if they are a fair sample. None where m < `defects_needed(wished)`.

    Good photographs have no say in it, so the interval of its false alarms is exact.
    """
    scores, defective = checked(scores, defective)
    bad = np.sort(scores[defective])
    m = len(bad)
    if m < defects_needed(wished):
        return None
    k = max(1, int(stats.binom.ppf(1 - SURE, m, 1 - wished)))
    low, high = stats.beta.ppf([1 - SURE, SURE], m - k + 1, k)
    recall = Rate((m - k + 1) / (m + 1), float(low), float(high))
    return Proposal(wished, outcome(scores, defective, _just_below(bad[k - 1], scores)), recall)


def cheapest(scores: np.ndarray, defective: np.ndarray, costs: Costs) -> Outcome | None:
    """The threshold that would have cost least on these photographs, the lowest of several such.

    It has seen the answers, so it will cost more on others, much more where few were decided on.
    None without photographs of both kinds.
    """
    scores, defective = checked(scores, defective)
    if defective.all() or not defective.any():
        return None
    bad, good, levels = np.sort(scores[defective]), np.sort(scores[~defective]), np.unique(scores)
    missed = np.searchsorted(bad, levels)
    alarms = len(good) - np.searchsorted(good, levels)
    lost = costs.missed * missed + costs.alarm * alarms
    if costs.missed * len(bad) < lost.min():  # to call all of them good
        return outcome(scores, defective, float(levels[-1]))
    return outcome(scores, defective, _just_below(levels[lost.argmin()], scores))


def _just_below(score: np.float32, scores: np.ndarray) -> float:
    """A short decimal under a score, with none of the other scores in between."""
    lower = scores[scores < score].max(initial=-np.inf)
    size = math.floor(math.log10(abs(score))) if score else 0
    for digits in range(max(2, 2 - size), max(2, 2 - size) + 6):
        cut = round((math.ceil(float(score) * 10**digits) - 1) / 10**digits, digits)
        if lower <= np.float32(cut) < score:
            found: float = cut
            return found
    return float(np.nextafter(score, np.float32(-np.inf)))
