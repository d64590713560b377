"""Whether a stream of photographs is still what the calibration promised for: running tests.

Knows scores, levels and decisions in their order, nothing of images.

A test bets against "nothing has changed". While that is true no bet wins on the mean, so the
capital, 1 at first, ever reaches 100 with a probability of at most 1 % (Ville's inequality),
however long the stream is and however often one looks at it.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ddad.score.promise import Promise, percent

if TYPE_CHECKING:
    from ddad.score.calibration import Calibration

ERROR = 0.01
"""Probability that a test ever speaks though nothing has changed, at most."""
JUMP = 0.01
"""Share of the capital that is spread evenly over the bets before each photograph."""
SLOPES = (-1.8, -1.0, 0.0, 1.0, 1.8)
"""Bets on a p-value, 1 + slope (p - 1/2): those below 0 win where levels rise."""
STAKES = (0.1, 0.25, 0.5, 0.75)
"""Bets on a photograph above the threshold: the share that is lost where it lies below."""
HELD, PACE = 0.5, 100
"""This much of the capital comes into play by and by, half of it within PACE photographs."""
# What to do at the command line.
CURE = (
    "Look at some of them: if they are good parts, `ddad calibrate --add-normals` makes a new "
    "threshold in seconds; if light, focus or place have changed, set them back or train again."
)
FOLDS_ABOVE = 0.5
"""Standard deviations by which the levels that models of folds give to normals may lie above those
that the model fitted to all gives to new ones: up to 0.5 where it was measured."""


@dataclass
class Purse:
    """Capital spread over bets, which gain a factor each turn, at most 1 on the mean.

    The Simple Jumper of Vovk, Petej, Nouretdinov, Ahlberg, Carlsson and Gammerman 2021 ("Retrain
    or not retrain"), and one thing more: what bets lose while nothing changes grows with the
    stream, so after thousands of quiet photographs a change would be found late. Therefore a part
    of the capital is held back and comes in over time.
    """

    bets: int
    turns: int = 0
    won: int = 0
    """The turn at which the capital had reached 1 / ERROR; then it rests. 0: not yet."""
    shares: list[float] = field(init=False)
    held: float = HELD

    def __post_init__(self) -> None:
        self.shares = [(1 - HELD) / self.bets] * self.bets

    def bet(self, gains: Iterable[float]) -> None:
        if self.won:
            return
        self.turns += 1
        held = HELD * PACE / (PACE + self.turns)
        even = (JUMP * sum(self.shares) + self.held - held) / self.bets
        pairs = zip(self.shares, gains, strict=True)
        self.shares = [((1 - JUMP) * share + even) * gain for share, gain in pairs]
        self.held = held
        if sum(self.shares) + held >= 1 / ERROR:
            self.won = self.turns


@dataclass
class Ranks:
    """Where each level lies among those known and all that came before it.

    While all are exchangeable the p-values are independent and uniform on [0, 1], exactly and
    with few normals too (Vovk, Gammerman and Shafer 2005, theorem 8.1). Against the normals alone
    they would not be: a few normals lie off by chance, and with them every p-value.
    """

    known: list[float]
    """Sorted."""

    def __post_init__(self) -> None:
        self._chance = np.random.default_rng(0)

    def p_value(self, level: float) -> float:
        """Small for a level above the others. Chance breaks ties, the same at each place."""
        low, high = bisect_left(self.known, level), bisect_right(self.known, level)
        ties = self._chance.random() * (high - low + 1)
        p = (len(self.known) - high + ties) / (len(self.known) + 1)
        self.known.insert(high, level)
        return float(p)


@dataclass
class Drift:
    """A stream followed from its beginning; `add` takes its photographs in their order.

    What it says depends on what was added alone: to go on with a stream is to add it again.

    **Level.** Good-looking photographs take part, those below the threshold, of the calibration
    and of the stream, unless a person decided that one is defective: defects move nothing. That
    keeps the test exact. The threshold is a score of the calibration by its rank, so it stays
    where it is when two photographs below it change places: given who lies below, these are
    exchangeable as all good parts were. Of a part, whose photographs say nearly the same, one
    takes part: one of each part of the calibration and, where that has k of a part, every k-th
    of the stream. Without levels of normals a change within the stream is still found. The model
    that was fitted to all photographs lies a little lower on new ones than models of folds did,
    so after cross-fitting a fall is one of more than FOLDS_ABOVE: bets on a fall are held against
    normals lowered by that much, which only lowers what they gain.

    **Alarms.** New good parts lie above the threshold at a rate of at most `promise.interval[1]`.
    Those above count that a person decided are good; of those below all count. A defect among
    these, or a good part above that nobody has decided on, only lowers the capital: it does not
    matter what a person looks at first.

    **Unclear.** The same with all taken for good that nobody decided is defective. What it finds
    are defects or false alarms, and it says so.

    `promise.interval` itself fails in one of a hundred calibrations at its upper end, beside
    ERROR; and with `promise.folds` the rate may be twice as high at worst.
    """

    normal_scores: Sequence[float]
    normal_levels: Sequence[float]
    """Of the calibration's normals, as their scores; may be empty."""
    parts: Sequence[int]
    """Theirs; empty: each its own."""
    threshold: float
    promise: Promise | None
    """None: the level alone is tested."""
    cross_fitted: bool = False
    photographs: int = 0
    undecided: int = 0
    above: int = 0
    """Of the undecided, above the threshold."""
    false_alarms: int = 0
    """Decided to be good, above the threshold."""
    quiet: int = 0
    """Below the threshold and not decided to be defective."""
    moved_at: int = 0
    """The photograph at which the level was found to have moved; 0: it was not."""

    def __post_init__(self) -> None:
        members = list(self.parts) or list(range(len(self.normal_scores)))
        self._stride = max(Counter(members).values(), default=1)
        normals = sorted(self._normals(members))
        slack = FOLDS_ABOVE * float(np.std(normals)) if normals and self.cross_fitted else 0.0
        self._rise, self._fall = Ranks(normals), Ranks([level - slack for level in normals])
        self._level = Purse(len(SLOPES))
        self._alarms, self._unclear = Purse(len(STAKES)), Purse(len(STAKES))
        high = self.promise.interval[1] if self.promise else 1.0
        self._gains = [[1 - stake for stake in STAKES], [1 + s * (1 - high) / high for s in STAKES]]

    @classmethod
    def of(cls, fitted: Calibration) -> Drift:
        """A stream of the model with this calibration, before its first photograph."""
        known = fitted.normal_scores, fitted.normal_levels, fitted.parts
        return cls(*known, fitted.threshold, fitted.promise, fitted.cross_fitted)

    def _normals(self, members: Sequence[int]) -> list[float]:
        """The levels of one photograph of each part, drawn without a look, if it looks good."""
        if not len(self.normal_levels):
            return []
        order = np.random.default_rng(0).permutation(len(members))
        _, first = np.unique(np.asarray(members)[order], return_index=True)
        chosen = order[first].tolist()
        return [self.normal_levels[i] for i in chosen if self.normal_scores[i] < self.threshold]

    def add(self, level: float | None, score: float, good: bool | None = None) -> None:
        """The next photograph; `good` is what a person decided, `level` None where not known."""
        self.photographs += 1
        above = score > self.threshold
        if good is None:
            self.undecided += 1
            self.above += above
        self.false_alarms += above and good is True
        self.quiet += not above and good is not False
        if good is False or (self.photographs - 1) % self._stride:
            return
        if self.promise is not None:
            gains = self._gains[above]
            self._unclear.bet(gains)
            if good or not above:
                self._alarms.bet(gains)
        if level is not None and math.isfinite(level) and score < self.threshold:
            self._follow(level)

    def _follow(self, level: float) -> None:
        if self.moved_at:
            return
        rise, fall = self._rise.p_value(level), self._fall.p_value(level)
        self._level.bet([1 + k * ((rise if k < 0 else fall) - 0.5) for k in SLOPES])
        if self._level.won:
            self.moved_at = self.photographs

    def add_rows(self, rows: Iterable[Mapping[str, Any]]) -> Drift:
        """The photographs of a table, by `score_columns`, that this calibration judged."""
        for row in rows:
            # Neither a stranger to the model nor what another threshold judged is part of it.
            if row.get("threshold") == self.threshold and row.get("familiar") is not False:
                self.add(row.get("level"), row["score"])
        return self

    @property
    def finding(self) -> str:
        """Names of what was found; "" for nothing."""
        bets = {"level": self._level, "alarms": self._alarms, "unclear": self._unclear}
        return " ".join(name for name, bet in bets.items() if bet.won)

    def said(self) -> str:
        """What was found, in one or two sentences; empty where nothing was."""
        return " ".join(filter(None, (self._of_level(), self._of_alarms())))

    def _of_level(self) -> str:
        if not self.moved_at:
            return ""
        shares = self._level.shares
        up = sum(shares[: len(shares) // 2]) > sum(shares[len(shares) // 2 + 1 :])
        what = "the model's normals" if len(self.normal_levels) else "those before"
        return (
            f"The good-looking photographs lie {'higher' if up else 'lower'} than {what}: found at "
            f"photograph {self.moved_at} by a test that is wrong in at most {percent(ERROR)} of "
            "such series. What the threshold promises no longer holds."
        )

    def _of_alarms(self) -> str:
        if self.promise is None:
            return ""
        good, (_, high) = percent(self.promise.rate), self.promise.interval
        if self._alarms.won:
            return (
                f"{self.false_alarms} photographs of good parts lie above the threshold and "
                f"{self.quiet} below: more than promised, about {good}, at most {percent(high)}."
            )
        if self._unclear.won:
            return (
                f"{self.above} of {self.undecided} undecided photographs lie above the threshold, "
                f"of good parts about {good} would: these are defects, or the promise does not "
                "hold here."
            )
        return ""
