"""Does a threshold keep its promise? The realised rate of false alarms beside the promised one.

    python -m benchmarks.promise                             made-up scores, light and heavy tails
    python -m benchmarks.promise --data DATA [--out runs/promise] [--sets ...] [--runs 200]

Every row is so many calibrations of random good parts, each judged by good parts that it has not
seen. A row says what was promised, what was realised on the mean, and how often the realised count
lies where the promise says: it says so of CERTAINTY = 98 % of calibrations. "before" is the mean
realised rate by the way of before: the same photographs set levels and threshold, and count as
parts.

On real sets the trainings are true ones but small, so that hundreds are affordable: every second
cell of the feature grid, and SMALL vectors for the mixture.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.stats import norm, t
from tqdm import tqdm

from benchmarks.cached import features
from ddad.data import datasets
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.model.checkpoint import BUNDLED
from ddad.score.calibration import Calibration
from ddad.score.config import ScoreConfig
from ddad.score.feature import jump
from ddad.score.fusion import calibrate, score_map
from ddad.score.promise import CERTAINTY, conformal_threshold, percent
from ddad.training.fit import COMPONENTS, fold_of

WEIGHTS = {"feature": 1.0}
SMALL = 3000
NEW = 40
"""Most photographs of new parts."""
SHOTS = 2
"""Most photographs of a part on real sets."""


@dataclass(frozen=True)
class Trial:
    """One calibration and what it realised."""

    promised: float
    realised: float
    kept: bool
    before: float


def judge(fitted: Calibration, maps: Sequence[np.ndarray]) -> np.ndarray:
    """The image score of each of the maps (T, h, w)."""
    return np.array([score_map(fitted, {"feature": m}, WEIGHTS, m.shape[1:]).max() for m in maps])


def trial(
    normals: Sequence[np.ndarray],
    parts: Sequence[str],
    fresh: Sequence[np.ndarray],
    owners: Sequence[str],
    rate: float,
    *,
    folds: bool = False,
) -> Trial:
    """Calibrate on maps of good parts, and count which of other parts' lie above the threshold.

    The rate is that over photographs of new parts, so one photograph of each new part is counted.
    """
    pairs = [({"feature": m}, m.shape[1:]) for m in normals]
    fitted = calibrate(pairs, WEIGHTS, rate, parts=list(parts), cross_fitted=folds)
    promise = fitted.promise
    assert promise is not None
    first = np.unique(np.asarray(owners), return_index=True)[1]
    scores = judge(fitted, [fresh[i] for i in first])
    above = int((scores > fitted.threshold).sum())
    low, high = promise.counts(len(scores))
    old = conformal_threshold(judge(fitted, normals), range(len(normals)), rate)
    return Trial(
        promise.rate,
        above / len(scores),
        low <= above <= high,
        float((scores > old).mean()),
    )


def row(label: str, trials: Sequence[Trial]) -> None:
    promised, realised, before = (
        float(np.mean([getattr(each, name) for each in trials]))
        for name in ("promised", "realised", "before")
    )
    kept = float(np.mean([each.kept for each in trials]))
    cells = [percent(v) for v in (promised, realised, before, kept)]
    print(f"| {label} | {' | '.join(cells)} | {len(trials)} |", flush=True)


def head(what: str) -> None:
    print(f"| {what} | promised | realised | before | within | calibrations |")
    print("|---|---|---|---|---|---|")


# Made-up maps, so that the truth is known: T scales whose loudness differs from part to part.
SCALES, SIDE, FRESH = 4, 6, 400
ALIKE = 0.8
"""Share of the variance of a photograph's loudness that is its part's."""
TAILS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "light": lambda z: np.exp(0.2 * z),
    "heavy": lambda z: 1 + np.abs(t.ppf(norm.cdf(z), 1.5)),
}


def world(
    tail: str, parts: int, shots: int, rng: np.random.Generator
) -> tuple[list[np.ndarray], list[str]]:
    """Maps (SCALES, SIDE, SIDE) of so many photographs of so many parts, and the part of each."""
    own = rng.normal(size=(parts, 1, SCALES))
    each = rng.normal(size=(parts, shots, SCALES))
    loud = TAILS[tail](ALIKE**0.5 * own + (1 - ALIKE) ** 0.5 * each)
    ground = rng.gamma(4, 0.25, size=(parts, shots, SCALES, SIDE, SIDE))
    maps = (loud[..., None, None] * ground).reshape(-1, SCALES, SIDE, SIDE)
    return list(maps.astype(np.float32)), [str(i // shots) for i in range(parts * shots)]


def worlds(runs: int, rate: float) -> None:
    head(f"tail, parts x photographs, {percent(rate)} asked")
    for tail in TAILS:
        for shots in (1, 4, 15):
            for parts in (5, 10, 19, 50, 100, 200, 500):
                if parts * shots > 1500:
                    continue
                trials = []
                for seed in range(runs):
                    rng = np.random.default_rng((seed, parts, shots))
                    normals, owners = world(tail, parts, shots, rng)
                    fresh, others = world(tail, FRESH, 1, rng)
                    trials.append(trial(normals, owners, fresh, others, rate))
                row(f"{tail}, {parts} x {shots}", trials)


# Real photographs.
SETS = {
    "aws_cookie": (19, 31),
    "mvtec_bottle": (19, 60),
    "mvtec_pill": (19,),
    "mtd": (19, 60),
}
"""Parts that a calibration gets."""


@dataclass(frozen=True)
class Real:
    """The good parts of a set as feature vectors, a (tokens, C) tensor and a grid a photograph."""

    samples: list[Sample]
    tokens: list[torch.Tensor]
    shapes: list[tuple[int, int]]

    @classmethod
    def of(cls, root: Path, extractor: Extractor, cache: Path) -> Real:
        good = [s for s in datasets.read(root) if not s.anomalous]
        counts: dict[str, int] = {}
        chosen = []
        for sample in good:
            counts[sample.group] = counts.get(sample.group, 0) + 1
            if counts[sample.group] <= SHOTS:
                chosen.append(sample)
        kept = features([s.path for s in chosen], extractor, ScoreConfig().feature_size, cache)
        thin = [torch.from_numpy(np.array(f[:, ::2, ::2], np.float32)) for f in kept]
        return cls(chosen, [f.flatten(1).T for f in thin], [(f.shape[1], f.shape[2]) for f in thin])

    def fit(self, rows: Sequence[int], rng: np.random.Generator) -> NormalMixture:
        each = -(-SMALL // len(rows))
        drawn = [
            self.tokens[i][torch.from_numpy(rng.permutation(len(self.tokens[i]))[:each])]
            for i in rows
        ]
        return NormalMixture.fit(torch.cat(drawn), COMPONENTS, sweeps=4)

    def maps(self, mixture: NormalMixture, row: int) -> np.ndarray:
        chain, config = linear_chain(), ScoreConfig()
        steps = [jump(chain, t, config.feature_left) for t in config.feature_timesteps]
        found = mixture.steps(self.tokens[row], steps)
        return np.stack([step.kl.view(self.shapes[row]).numpy() for step in found])

    def draw(
        self, parts: int, rng: np.random.Generator, *, mixed: bool
    ) -> tuple[list[int], list[int]]:
        """Rows of so many parts, and rows of new ones.

        As the set is split, from train and from test; or `mixed`, both from all good parts, so
        that they are exchangeable, which the split of a set need not make them.
        """
        groups = sorted({s.group for s in self.samples if mixed or s.split == "train"})
        chosen = set(rng.permutation(groups)[:parts].tolist())
        mine = [i for i, s in enumerate(self.samples) if s.group in chosen]
        rest = [i for i, s in enumerate(self.samples) if s.group not in chosen]
        new = [i for i in rest if mixed or self.samples[i].split == "test"]
        return mine, rng.permutation(new)[:NEW].tolist()

    def folds(self, parts: int, rate: float, seed: int, *, mixed: bool) -> Trial:
        """As `cross_fit`: each photograph judged by a mixture of the other folds' parts."""
        rng = np.random.default_rng((seed, parts))
        mine, others = self.draw(parts, rng, mixed=mixed)
        groups = [self.samples[i].group for i in mine]
        folds = fold_of(groups, seed)
        normals: dict[int, np.ndarray] = {}
        for fold in np.unique(folds):
            mixture = self.fit([i for i, f in zip(mine, folds, strict=True) if f != fold], rng)
            for i, f in zip(mine, folds, strict=True):
                if f == fold:
                    normals[i] = self.maps(mixture, i)
        final = self.fit(mine, rng)
        return trial(
            [normals[i] for i in mine],
            groups,
            [self.maps(final, i) for i in others],
            [self.samples[i].group for i in others],
            rate,
            folds=True,
        )

    def split(self, runs: int, parts: int, rate: float) -> list[Trial]:
        """One model fitted to a third of the train's parts, calibrated by parts of all the rest."""
        rng = np.random.default_rng(0)
        groups = sorted({s.group for s in self.samples if s.split == "train"})
        fitted = set(rng.permutation(groups)[: len(groups) // 3].tolist())
        mixture = self.fit([i for i, s in enumerate(self.samples) if s.group in fitted], rng)
        pool = [i for i, s in enumerate(self.samples) if s.group not in fitted]
        maps = {i: self.maps(mixture, i) for i in pool}
        names = sorted({self.samples[i].group for i in pool})
        if len(names) < parts + 14:
            return []
        trials = []
        for seed in range(runs):
            chosen = set(np.random.default_rng((seed, 1)).permutation(names)[:parts].tolist())
            mine = [i for i in pool if self.samples[i].group in chosen]
            others = [i for i in pool if self.samples[i].group not in chosen]
            trials.append(
                trial(
                    [maps[i] for i in mine],
                    [self.samples[i].group for i in mine],
                    [maps[i] for i in others],
                    [self.samples[i].group for i in others],
                    rate,
                )
            )
        return trials


def real(data: Path, out: Path, sets: Sequence[str], runs: int, rate: float) -> None:
    extractor = Extractor.load(BUNDLED)
    head(f"set, way, parts, {percent(rate)} asked")
    for name in sets:
        found = Real.of(data / name, extractor, out / "features")
        for parts in SETS[name]:
            if trials := found.split(runs, parts, rate):
                row(f"{name}, split, {parts}", trials)
        for parts, mixed in ((p, m) for p in SETS[name] for m in (True, False)):
            if mixed and len({s.group for s in found.samples}) < parts + 14:
                continue
            seeds = tqdm(range(runs), desc=f"{name} {parts}", disable=None)
            label = f"{name}, folds, {parts}" + ("" if mixed else ", its own test split")
            row(label, [found.folds(parts, rate, seed, mixed=mixed) for seed in seeds])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="the real sets; without it, made-up scores")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--out", type=Path, default=Path("runs/promise"))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--fpr", type=float, default=0.05)
    args = parser.parse_args()
    print(f"within: the count lies where {percent(CERTAINTY)} of calibrations should have it\n")
    if args.data is None:
        worlds(args.runs, args.fpr)
    else:
        real(args.data, args.out, args.sets, args.runs, args.fpr)


if __name__ == "__main__":
    main()
