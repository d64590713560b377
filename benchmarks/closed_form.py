"""Choices of the closed-form feature score, on the four real sets together.

    python -m benchmarks.closed_form DATA [--sets bottle pill cookie mtd] [--out runs/closed_form]

Fitted to four fifths of the normals, levelled by the rest, judged on the test images. One choice is
changed at a time; a global default is believed only where the sets agree. Rows: noise scales with
the share of the noise that their jumps leave; draws of the noise; what the responsibilities are
taken over; weights of the components and covariances of groups of them; the size of the
surroundings. Of bottle every second test image is judged, of pill every fourth and of mtd every
eighth, and at most HELD normals set levels, unless --whole.
Features are computed once and kept in --out.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from benchmarks.accuracy import COLUMNS, SETS
from benchmarks.cached import features
from benchmarks.mixtures import (
    Fitted,
    Kl,
    as_shipped,
    by_kind,
    by_spread,
    drawn,
    likeliest,
    weighted,
)
from ddad.data import datasets as data
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import load_image
from ddad.images.geometry import feature_shape, to_model
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.checkpoint import BUNDLED
from ddad.score.config import ScoreConfig
from ddad.score.feature import jump
from ddad.score.fusion import Maps, calibrate, score_map
from ddad.score.look import described
from ddad.training.fit import COMPONENTS, VECTORS

Steps = tuple[tuple[int, float], ...]
"""(t, share of the noise ratio that its jump leaves)."""
DEFAULT: Steps = tuple((t, ScoreConfig.feature_left) for t in ScoreConfig.feature_timesteps)
GRID = [(92, 0.1), (258, 0.01), (258, 0.1), (258, 0.5), (367, 0.1), (367, 0.5), (484, 0.5)]
THIN = {"pill": 2, "mtd": 4}
FEW = {"bottle": 2, "pill": 4, "mtd": 8}
HELD = 60
"""Held-out normals that set levels here; the others wait."""


@dataclass(frozen=True)
class Choice:
    """One row of the table."""

    name: str
    steps: Steps = DEFAULT
    kl: Kl = as_shipped
    components: int = COMPONENTS
    around: int = -1
    """Cells a side of the surroundings; 0: none; -1: as the product has them."""


def choices() -> list[Choice]:
    rows = [Choice(f"t = {t}, {left:g} of the noise left", ((t, left),)) for t, left in GRID]
    rows += [
        Choice("the default"),
        Choice("the default, two antithetic draws", kl=drawn),
        Choice("the default, the likeliest component alone", kl=likeliest),
        Choice("the default, fitted weights", kl=weighted),
        Choice("the default, a covariance a kind", kl=by_kind),
        Choice("the default, a covariance for each eighth", kl=by_spread),
        Choice("the default, no surroundings", around=0),
        Choice("the default, surroundings of 5 cells", around=5),
        Choice("the default, surroundings of 13 cells", around=13),
        Choice("the default, 256 components", components=256),
    ]
    return rows


class Set:
    """A data set's features and truths, and the mixtures fitted so far."""

    def __init__(self, folder: Path, kept: Path, *, thin: int = 1, held: int = 10**6) -> None:
        samples = data.read(folder)
        normals = [s for s in samples if s.split == "train"]
        self.tests = [s for s in samples if s.split == "test"][::thin]
        self.fitted_to, others = data.hold_out(normals, 0.2, 0)
        self.held = others[:held]
        self.extractor = Extractor.load(BUNDLED)

        def of(group: Sequence[Sample]) -> list[np.ndarray]:
            paths = [sample.path for sample in group]
            return features(paths, self.extractor, ScoreConfig.feature_size, kept)

        self.part, self.levels = of(self.fitted_to), of(self.held)
        self.judged = of(self.tests)
        self.shapes = [load_image(s.path).pixels.shape for s in self.held]
        self.truths = [truth(s, load_image(s.path).pixels.shape[:2]) for s in self.tests]
        self._fitted: dict[tuple[int, int], Fitted] = {}

    def vectors(self, kept: np.ndarray, around: int) -> Tensor:
        """Of one photograph, (C, h, w)."""
        found = torch.from_numpy(np.array(kept, np.float32))
        if around < 0:
            return found
        coarse = self.extractor.coarsest
        own, last = found[:-coarse], found[-2 * coarse : -coarse]
        if not around:
            return own
        near = avg_pool2d(last[None], around, 1, around // 2, count_include_pad=False)[0]
        return torch.cat([own, near])

    def fitted(self, choice: Choice) -> Fitted:
        key = choice.around, choice.components
        if key not in self._fitted:
            each = -(-VECTORS // len(self.part))
            sampled = []
            for index, kept in enumerate(self.part):
                flat = self.vectors(kept, choice.around).flatten(1).T
                order = np.random.default_rng((0, index)).permutation(len(flat))[:each]
                sampled.append(flat[torch.from_numpy(order)])
            self._fitted[key] = Fitted.to(torch.cat(sampled), choice.components)
        return self._fitted[key]

    @torch.inference_mode()
    def maps(self, choice: Choice, kept: np.ndarray) -> np.ndarray:
        """(T, h, w) of one photograph."""
        laid = self.vectors(kept, choice.around)
        flat, chain, found = laid.flatten(1).T, linear_chain(), []
        for t, left in choice.steps:
            kl = choice.kl(self.fitted(choice), flat, *jump(chain, t, left))
            found.append(kl.view(laid.shape[1:]))
        return torch.stack(found).numpy()

    @torch.inference_mode()
    def maps_of(self, pixels: np.ndarray) -> np.ndarray:
        """(T, h, w) of an image by the default."""
        x = to_model(pixels, feature_shape(pixels.shape, ScoreConfig.feature_size))
        return self.maps(Choice("default"), np.asarray(described(self.extractor, x[None])[0]))

    def closed_form(self, choice: Choice) -> tuple[list[Maps], list[Maps]]:
        """The feature branch's maps of the photographs that level, and of those that are judged."""
        levels, judged = (
            [{"feature": self.maps(choice, kept)} for kept in each]
            for each in (self.levels, self.judged)
        )
        return levels, judged

    def say_parts(self) -> None:
        """The KL of good parts at each of the default's timesteps, and what of it is the variance's
        alone: there with no error at all, the same at every place."""
        mixture, chain = self.fitted(Choice("default")).mixture, linear_chain()
        maps, _ = self.closed_form(Choice("default"))
        for index, (t, left) in enumerate(DEFAULT):
            n, s = jump(chain, t, left)
            step, variance = s * n / (n - s), mixture.variances * n / (mixture.variances + n)
            alone = (torch.log1p(variance / step) - variance / (step + variance)).sum() / 2
            whole = np.mean([each["feature"][index].mean() for each in maps])
            print(f"t = {t}: KL of good parts {whole:.1f} nats, variance alone {float(alone):.1f}")

    def judge(
        self,
        levels: Sequence[Maps],
        judged: Sequence[Maps],
        weights: Mapping[str, float],
        truths: Sequence[tuple[str, np.ndarray | None]] | None = None,
    ) -> dict[str, Any]:
        """The metrics of maps whose branches have these weights; of the test images, unless other
        masks with their kinds are given."""
        pairs = list(zip(levels, self.shapes, strict=True))
        fitted = calibrate(pairs, weights, 0.05, parts=[sample.group for sample in self.held])
        evaluation = Evaluation()
        for (kind, mask), maps in zip(truths or self.truths, judged, strict=True):
            assert mask is not None  # every defect of these sets has one
            found = score_map(fitted, maps, weights, mask.shape)
            evaluation.add(float(found.max()), found, mask, kind)
        return evaluation.result()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--whole", action="store_true", help="judge every test image")
    parser.add_argument("--out", type=Path, default=Path("runs/closed_form"))
    args = parser.parse_args()
    whole: dict[str, list[list[float]]] = {}
    for name in args.sets:
        few = {} if args.whole else {"thin": FEW.get(name, 1), "held": HELD}
        one = Set(args.data / SETS[name], args.out, **few)
        for choice in choices():
            metrics = one.judge(*one.closed_form(choice), {"feature": 1.0})
            whole.setdefault(choice.name, []).append([metrics[column] for column in COLUMNS])
            text = " ".join(f"{v:.3f}" for v in whole[choice.name][-1])
            print(f"{name}: {choice.name}: {text}", flush=True)
        one.say_parts()
    say_table(args.sets, whole)


def say_table(sets: Sequence[str], whole: dict[str, list[list[float]]]) -> None:
    """Four figures a cell, a column a set, their mean in the last."""
    print("\n| image AUROC / pixel AUROC / AP / AUPRO | " + " | ".join([*sets, "mean"]) + " |")
    print("|---" * (2 + len(sets)) + "|")
    for label, rows in whole.items():
        every = [*rows, np.mean(rows, 0).tolist()]
        cells = [" / ".join(f"{v:.3f}".lstrip("0") for v in row) for row in every]
        print(f"| {label} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
