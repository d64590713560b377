"""What decisions say of a threshold: defects missed, false alarms, money, each with its doubt.

Takes scores (n,) and, of each photograph, whether it is defective, bool (n,), as a person decided
or as its truth is known. A score above the threshold is called defective, compared as float32, the
scores' own kind. Every interval takes photographs as independent: several of one part tell less
than they count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

SURE = 0.95
"""How sure every interval is."""


@dataclass(frozen=True)
class Rate:
    """A share with its interval, all in 0..1; `share` is None where nothing was counted."""

    share: float | None
    low: float
    high: float
    count: int | None = None
    of: int | None = None
    """So many of so many; None for what was not counted but weighed."""

    def __str__(self) -> str:
        if self.share is None:
            return "unknown: there are none"
        counted = "" if self.of is None else f"{self.count} of {self.of}: "
        ends = f"between {number(self.low)} and {percent(self.high)}"
        return f"{counted}{percent(self.share)}, {ends}"


def number(share: float) -> str:
    """A share in percent, with decimals where they tell: 37, 4.2, 99.6, never a false 0 or 100."""
    value = 100 * share
    near = min(value, 100 - value)
    digits = 0 if near >= 10 else 1 if not 0 < near < 0.05 else min(4, math.ceil(-math.log10(near)))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if digits else text


def percent(share: float) -> str:
    return f"{number(share)} %"


def rate(count: int, of: int, sure: float = SURE) -> Rate:
    """A share with its exact interval (Clopper and Pearson 1934); 0 to 1 where `of` is 0."""
    if not of:
        return Rate(None, 0.0, 1.0, 0, 0)
    low, high = stats.binomtest(count, of).proportion_ci(sure, "exact")
    return Rate(float(count / of), float(low), float(high), int(count), int(of))


@dataclass(frozen=True)
class Costs:
    """Money lost with one missed defect and with one false alarm.

    Raises ValueError unless both are finite, none is negative and one is more than nothing.
    """

    missed: float
    alarm: float

    def __post_init__(self) -> None:
        both = (self.missed, self.alarm)
        if not all(math.isfinite(cost) and cost >= 0 for cost in both) or not any(both):
            raise ValueError(
                "a missed defect and a false alarm each cost 0 or more, and not both nothing: "
                f"not {self.missed:g} and {self.alarm:g}"
            )


@dataclass(frozen=True)
class Outcome:
    """What a threshold does to the photographs decided on."""

    threshold: float
    missed: Rate
    """Defective ones at or below it, of all defective."""
    alarms: Rate
    """Good ones above it, of all good."""

    def cost(self, costs: Costs) -> float:
        """Money lost on the photographs decided on, all together."""
        return (self.missed.count or 0) * costs.missed + (self.alarms.count or 0) * costs.alarm


def outcome(scores: np.ndarray, defective: np.ndarray, threshold: float) -> Outcome:
    """Missed and false alarms at a threshold. Raises ValueError for what is no set of scores."""
    scores, defective = checked(scores, defective)
    above = scores > np.float32(threshold)
    missed = rate(int((defective & ~above).sum()), int(defective.sum()))
    alarms = rate(int((~defective & above).sum()), int((~defective).sum()))
    return Outcome(float(threshold), missed, alarms)


def changed(scores: np.ndarray, one: float, other: float) -> np.ndarray:
    """Which photographs two thresholds judge differently, bool (n,)."""
    scores = np.asarray(scores, np.float32)
    found: np.ndarray = (scores > np.float32(one)) != (scores > np.float32(other))
    return found


def fair(decided: np.ndarray, others: np.ndarray) -> bool:
    """Whether scores of the decided look like a random draw from all (Mann and Whitney 1947).

    False where the ranks of the decided among the `others`, scored but not decided on, would come
    about in fewer than 1 of 20 random draws. True where no others are left.
    """
    if not len(others) or not len(decided):
        return not len(others)
    return bool(stats.mannwhitneyu(decided, others).pvalue >= 1 - SURE)


def evened(scores: np.ndarray, others: np.ndarray, threshold: float) -> np.ndarray:
    """Which to keep so that both sides of a threshold are decided on alike, bool (n,).

    Of the side that was decided on more, as many as the other side's share are drawn, always the
    same ones. Where the decided are a random draw on each side, the kept are a fair sample of all.
    """
    above = np.asarray(scores, np.float32) > np.float32(threshold)
    loud = int((np.asarray(others, np.float32) > np.float32(threshold)).sum())
    order, kept = np.random.default_rng(0).permutation(len(scores)), np.zeros(len(scores), bool)
    sizes = {True: int(above.sum()) + loud, False: int((~above).sum()) + len(others) - loud}
    shares = [(above == side).sum() / size for side, size in sizes.items() if size]
    least = min(shares, default=0.0)
    for side, size in sizes.items():
        kept[order[above[order] == side][: math.floor(least * size + 1e-9)]] = True
    return kept


def weighed(
    scores: np.ndarray, defective: np.ndarray, others: np.ndarray, threshold: float
) -> tuple[Rate, Rate] | None:
    """Missed and false alarms among all that was scored, where one side was decided on more.

    Above and below the threshold the decided stand for all of their side (Begg and Greenes 1983),
    as they do if they were picked at random there. Each interval joins exact ones of the three
    shares that it is made of, as sure as makes all three 95 % sure.
    None where a side has scores and no decision: nothing is known of it.
    """
    scores, defective = checked(scores, defective)
    above, cut = scores > np.float32(threshold), np.float32(threshold)
    every = len(scores) + len(others)
    loud = int(above.sum() + (np.asarray(others, np.float32) > cut).sum())
    if (loud and not above.any()) or (every - loud and above.all()):
        return None

    def of_all(kind: np.ndarray, side: np.ndarray, size: int) -> Rate:
        sure = 1 - (1 - SURE) / 3
        on = [rate(int(kind[part].sum()), int(part.sum()), sure) for part in (side, ~side)]
        return _on_a_side(rate(size, every, sure), *on)

    return of_all(defective, ~above, every - loud), of_all(~defective, above, loud)


def _on_a_side(side: Rate, here: Rate, there: Rate) -> Rate:
    """Of all photographs of a kind the share on a side, of the side's share and the kind's on each.

    It rises with the first two and falls with the third, so its ends are those of theirs.
    """

    def share(side: float, here: float, there: float) -> float | None:
        one, rest = side * here, (1 - side) * there
        return one / (one + rest) if one + rest else None

    low = share(side.low, here.low, there.high)
    high = share(side.high, here.high, there.low)
    middle = share(side.share or 0, here.share or 0, there.share or 0)
    return Rate(middle, low or 0.0, 1.0 if high is None else high)


def checked(scores: np.ndarray, defective: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As float32 (n,) and bool (n,). Raises ValueError for what does not fit or is not finite."""
    scores, defective = np.asarray(scores, np.float32), np.asarray(defective, bool)
    if scores.ndim != 1 or scores.shape != defective.shape:
        raise ValueError(f"{scores.shape} scores do not fit {defective.shape} decisions: one each")
    if not np.isfinite(scores).all():
        raise ValueError("image scores must be finite")
    return scores, defective
