"""The photographs that a person decided on, beside those that were scored and not decided on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ddad.measure.decided import Rate, evened, fair, outcome, weighed
from demo.store.records import DECIDED, Item, Result
from demo.store.session import Session

Standing = Literal["whole", "fair", "uneven", "blind", "picked"]
"""All was decided on; as many everywhere as a random draw would have it; more on one side of the
threshold than on the other; nothing on one side; on one side the loudest or the quietest first."""


@dataclass(frozen=True)
class Sample:
    """Of the model that scored last. A decision counts whichever model it was made of."""

    result: Result
    """One of that model: what it is called, its calibrated threshold and what that promises."""
    names: tuple[str, ...]
    scores: np.ndarray
    """Of those decided on, float32 (n,)."""
    defective: np.ndarray
    """Whether a person found a defect, bool (n,)."""
    others: np.ndarray
    """Scores of those not decided on, float32 (m,)."""
    undecided: tuple[str, ...]
    """Ids of those to decide on: without those that were skipped."""
    now: float
    """The threshold in force for them; where none is left, calibration's."""

    @property
    def defects(self) -> int:
        return int(self.defective.sum())

    @property
    def sides(self) -> tuple[int, int, int, int]:
        """At or below the threshold in force: decided on, of all scored; above it: the same."""
        cut = np.float32(self.now)
        mine, rest = self.scores > cut, self.others > cut
        below = int((~mine).sum()), int((~mine).sum() + (~rest).sum())
        return *below, int(mine.sum()), int(mine.sum() + rest.sum())

    @property
    def standing(self) -> Standing:
        """What it can say of all that was scored."""
        low, all_low, high, all_high = self.sides
        if not len(self.others):
            return "whole"
        if (all_low and not low) or (all_high and not high):
            return "blind"
        if fair(self.scores, self.others):
            return "fair"
        mine, rest = self.scores > np.float32(self.now), self.others > np.float32(self.now)
        drawn = (fair(self.scores[mine == side], self.others[rest == side]) for side in (0, 1))
        return "uneven" if all(drawn) else "picked"

    def rates(self, threshold: float) -> tuple[Rate, Rate] | None:
        """Missed and false alarms among all that was scored; None where that is not known."""
        if self.standing in ("blind", "picked"):
            return None
        if self.standing == "uneven":
            return weighed(self.scores, self.defective, self.others, threshold)
        found = outcome(self.scores, self.defective, threshold)
        return found.missed, found.alarms

    def check(self) -> None:
        """Raises ValueError where no threshold can be proposed, with what is lacking."""
        low, *_ = self.sides
        if self.standing == "blind":
            side = "above" if low else "at or below"
            raise ValueError(
                f"Nothing {side} the threshold of {self.now:.2f} is decided on, so what any "
                "threshold misses isn't known: decide on some photographs picked at random."
            )
        if self.standing == "picked":
            raise ValueError(
                "Those decided on weren't picked at random: the loudest or the quietest came "
                "first. Decide on some picked at random."
            )

    def even(self) -> Sample:
        """Those decided on that are a fair sample of all, as far as there is one."""
        if self.standing != "uneven":
            return self
        kept = evened(self.scores, self.others, self.now)
        names = tuple(name for name, keep in zip(self.names, kept, strict=True) if keep)
        return replace(self, names=names, scores=self.scores[kept], defective=self.defective[kept])


def sample(session: Session) -> Sample | None:
    """What is decided in a session, None where nothing is scored."""
    scored = [item for item in session.items(state="scored") if item.result]
    if not scored:
        return None
    last = scored[-1].result
    assert last is not None
    mine = [item for item in scored if item.result and item.result.fingerprint == last.fingerprint]
    decided = [item for item in mine if item.decision in DECIDED]
    others = [item for item in mine if item.decision not in DECIDED]
    cuts = Counter(item.threshold for item in others if not (item.review and item.review.edited))
    return Sample(
        last,
        tuple(item.name for item in decided),
        _scores(decided),
        np.array([item.decision == "defective" for item in decided], bool),
        _scores(others),
        tuple(item.id for item in others if item.decision == "undecided"),
        cuts.most_common(1)[0][0] or 0.0 if cuts else last.threshold,
    )


def _scores(items: list[Item]) -> np.ndarray:
    return np.array([item.score for item in items], np.float32)
