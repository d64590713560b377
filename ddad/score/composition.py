"""How much of each kind of appearance a photograph holds, and where, beside what good parts hold.

A missing or a doubled part has no strange pixel: everything that is there is known. But there is
less, or more, of it than on good parts. Kinds are those of the mixture's centres; amounts are mean
responsibilities over the whole picture and over its quarters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter, label

HELD = "held"
"""Key, beside the branches of an image's maps, of its kinds by place (G, PLACES, PLACES)."""
PLACES = 12
"""Rows and columns of places in which a photograph's kinds are kept."""
HALVES = (1, 2)
"""The whole, and its quarters."""
FEWEST = 10
"""Parts without which nothing is said of amounts."""
MARGIN, SLOPE = 1.5, 4.0
"""See `_as_score`."""
FLOOR = 0.003
"""Deviation of an amount below which it is not believed, a share of the picture."""


def amounts(held: np.ndarray) -> np.ndarray:
    """Shares of the picture (A,) of each kind in the whole and in each quarter, in turn.

    `held` is (G, PLACES, PLACES). A quarter's are shares of the quarter.
    """
    return np.concatenate(shares(held))


def shares(held: Any) -> list[Any]:
    """Those of the whole and those of the quarters, of an array or of a tensor."""
    sides = [(cut, PLACES // cut) for cut in HALVES]
    return [held.reshape(-1, cut, s, cut, s).mean((2, 4)).ravel() for cut, s in sides]


@dataclass(frozen=True)
class Usual:
    """What normal images hold, and what their strangeness is in the unit of the score."""

    means: tuple[float, ...]
    """(A,) of `amounts`."""
    stds: tuple[float, ...]
    places: tuple[float, ...]
    """(G * PLACES * PLACES,): the mean share of each kind at each place."""
    ordinary: tuple[float, float]
    """Median strangeness of normal images, and the median score of their maps."""
    farthest: tuple[float, float]
    """The largest of both."""

    @classmethod
    def read(cls, values: object) -> Usual:
        """From JSON. Raises ValueError for what it cannot be."""
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or set(values) != set(names):
            raise ValueError(f"what normal images hold has exactly the fields {', '.join(names)}")
        found = cls(**{name: tuple(map(float, values[name])) for name in names})  # type: ignore[arg-type]
        numbers = [number for name in names for number in getattr(found, name)]
        kinds, rest = divmod(len(found.places), PLACES**2)
        lengths = {len(found.means), len(found.stds)}
        if (
            not all(map(math.isfinite, numbers))
            or rest
            or lengths != {kinds * sum(cut**2 for cut in HALVES)}
            or min(found.stds, default=0) <= 0
            or (len(found.ordinary), len(found.farthest)) != (2, 2)
        ):
            raise ValueError("what normal images hold does not fit together")
        return found

    def score(self, held: np.ndarray) -> float:
        """An image's strangeness in the unit of the score map's highest value."""
        return float(self.as_score(self.strangeness(held)))

    def as_score(self, strangeness: Any) -> Any:
        """A strangeness, a number or a tensor, in that unit."""
        return _as_score(strangeness, self.ordinary, self.farthest)

    @property
    def held(self) -> np.ndarray:
        return np.asarray(self.places).reshape(-1, PLACES, PLACES)

    def deviations(self, held: np.ndarray) -> np.ndarray:
        """Each amount's distance from the mean of normal images, in deviations (A,)."""
        found: np.ndarray = (amounts(held) - self.means) / self.stds
        return found

    def strangeness(self, held: np.ndarray) -> float:
        """Root mean square of the deviations: about 1 for a normal image."""
        return float(np.sqrt(np.square(self.deviations(held)).mean()))

    def findings(self, held: np.ndarray, most: int = 2) -> list[Finding]:
        """What there is less or more of, the strangest first, a kind once."""
        found: list[Finding] = []
        kinds = len(held)
        z, seen, mean = self.deviations(held), amounts(held), np.asarray(self.means)
        for place in np.argsort(-np.abs(z)):
            kind, cut = _whose(int(place), kinds)
            if abs(z[place]) < 3 or len(found) == most:
                break
            if kind not in [each.kind for each in found]:
                change = (held[kind] - self.held[kind]) * np.sign(z[place])
                numbers = float(seen[place]), float(mean[place]), float(z[place])
                found.append(Finding(kind, cut, *numbers, _around_the_most(change)))
        return found


def joined(held: np.ndarray, scores: np.ndarray, members: np.ndarray) -> tuple[Usual, np.ndarray]:
    """What normal images (N, G, PLACES, PLACES) hold, and their scores (N,) with it taken in.

    An image's score is the larger of its map's highest value and of its strangeness in that unit.
    As everywhere in a calibration, each part, by `members`, is judged by the others alone.
    """
    every = np.stack([amounts(each) for each in held])
    strange, result = np.empty(len(every)), scores.copy()
    parts = [members == part for part in range(members.max() + 1)]
    for own in parts:
        mean, std = _spread(every[~own])
        strange[own] = np.sqrt(np.square((every[own] - mean) / std).mean(1))
    for own in parts:
        ends = _ends(strange[~own], scores[~own])
        result[own] = np.maximum(scores[own], _as_score(strange[own], *ends))
    mean, std = _spread(every)
    where = tuple(round(float(value), 4) for value in held.mean(0).ravel())
    numbers = (tuple(map(float, mean)), tuple(map(float, std)), where)
    return Usual(*numbers, *_ends(strange, scores)), result


def _around_the_most(change: np.ndarray) -> np.ndarray:
    """Where a change (PLACES, PLACES) is most, and what joins it there down to half of that.

    Smoothed by a little, as parts do not keep to places.
    """
    soft = gaussian_filter(change, 0.7)
    regions, _ = label(soft >= max(0.5 * float(soft.max()), 1e-9))
    found: np.ndarray = (regions == regions.flat[soft.argmax()]) & (regions > 0)
    return found


def _spread(every: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return every.mean(0), np.sqrt(every.var(0) + FLOOR**2)


def _ends(strange: np.ndarray, scores: np.ndarray) -> tuple[tuple[float, float], ...]:
    pairs = [(float(of(strange)), float(of(scores))) for of in (np.median, np.max)]
    return pairs[0], pairs[1]


def _as_score(strange: Any, ordinary: Sequence[float], farthest: Sequence[float]) -> Any:
    """Strangeness in the unit of the score: as much as the farthest normal's score where it is
    MARGIN times as far above the median as the farthest normal's strangeness, and SLOPE times as
    steep. So amounts speak up where they are beyond doubt, and elsewhere the map decides alone."""
    far = (strange - ordinary[0]) / max(farthest[0] - ordinary[0], 1e-6)
    return farthest[1] + SLOPE * (far - MARGIN) * max(farthest[1] - ordinary[1], 1e-6)


@dataclass(frozen=True)
class Finding:
    """Less or more of one kind of appearance than on good parts."""

    kind: int
    quarter: int | None
    """0 to 3, row by row, or None: the whole picture."""
    share: float
    """Of the picture or the quarter."""
    usual: float
    """The mean of normal images."""
    deviations: float
    where: np.ndarray
    """bool (PLACES, PLACES): where good parts have it, or where it is too much."""

    @property
    def places(self) -> list[int]:
        """The numbers of these places, row by row."""
        return [int(place) for place in np.flatnonzero(self.where)]

    @property
    def sentence(self) -> str:
        """In words."""
        less = self.deviations < 0
        corner = "" if self.quarter is None else f" in the {QUARTERS[self.quarter]}"
        what = "less of this than on good parts" if less else "more of this than on good parts"
        return f"{what}{corner}: {_percent(self.share)} instead of {_percent(self.usual)}"


QUARTERS = ("upper left", "upper right", "lower left", "lower right")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= 0.0005 else "none"


def _whose(place: int, kinds: int) -> tuple[int, int | None]:
    """Kind and quarter of one of the amounts."""
    if place < kinds:
        return place, None
    kind, quarter = divmod(place - kinds, HALVES[1] ** 2)
    return kind, quarter
