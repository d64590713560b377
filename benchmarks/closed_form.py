"""Choices of the closed-form feature score, on the four real sets together.

    python -m benchmarks.closed_form DATA [--sets bottle pill cookie mtd] [--out runs/closed_form]

Fitted to four fifths of the normals, levelled by the rest, judged on the test images. One choice is
changed at a time; a global default is believed only where the sets agree. Rows: noise scales with
the share of the noise that their jumps leave; draws of the noise; what the responsibilities are
taken over; weights of the components; the size of the surroundings. Features are computed once and
kept in --out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from benchmarks.accuracy import COLUMNS, SETS
from benchmarks.cached import features
from ddad.data import datasets as data
from ddad.data.datasets import Sample
from ddad.diffusion import mixture as closed
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import load_image
from ddad.images.masks import load_mask
from ddad.measure.metrics import Evaluation
from ddad.model.checkpoint import BUNDLED
from ddad.score.config import ScoreConfig
from ddad.score.feature import jump
from ddad.score.fusion import calibrate, score_map
from ddad.score.noise import seeded_generator
from ddad.training.fit import COMPONENTS, VECTORS

Steps = tuple[tuple[int, float], ...]
"""(t, share of the noise ratio that its jump leaves)."""
DEFAULT: Steps = tuple((t, ScoreConfig.feature_left) for t in ScoreConfig.feature_timesteps)
GRID = [(t, left) for t in (49, 92, 157, 258, 367) for left in (0.01, 0.1, 0.5)]
Kl = Callable[[NormalMixture, Tensor, float, float], Tensor]
"""Of vectors (N, C) at noise and left: (N,)."""


@dataclass(frozen=True)
class Choice:
    """One row of the table."""

    name: str
    steps: Steps = DEFAULT
    kl: Kl = NormalMixture.kl
    components: int = COMPONENTS
    around: int = -1
    """Cells a side of the surroundings; 0: none; -1: as the product has them."""
    likely: int = closed.LIKELY


def drawn(mixture: NormalMixture, vectors: Tensor, noise: float, left: float) -> Tensor:
    """The KL at a pair of antithetic draws instead of at the noise's mean.

    y = z_0 + sqrt(n) eps moves the responsibilities and m_k; the rest stays.
    """
    eps = torch.randn(vectors.shape, generator=seeded_generator(0))
    z = (vectors - mixture.mean) / mixture.scale @ mixture.basis
    found = []
    for sign in (1, -1):
        y, total = z + sign * noise**0.5 * eps, mixture.variances + noise
        joint = (
            -(
                (y.square() / total).sum(1, True)
                - 2 * (y / total) @ mixture.rotated.T
                + (mixture.rotated.square() / total).sum(1)
            )
            / 2
        )
        log_r, likely = torch.log_softmax(joint, 1).topk(min(8, joint.shape[1]), 1)
        centre = mixture.rotated[likely]
        mean = centre + mixture.variances / total * (y[:, None] - centre)
        variance, step = mixture.variances * noise / total, left * noise / (noise - left)
        error = ((z[:, None] - mean).square() + step) / (step + variance) - 1
        kl = (torch.log1p(variance / step) + error).sum(2) / 2
        found.append(-torch.logsumexp(log_r - kl, 1))
    return torch.stack(found).mean(0)


def choices() -> list[Choice]:
    rows = [Choice(f"t = {t}, {left:g} of the noise left", ((t, left),)) for t, left in GRID]
    rows += [
        Choice("the default"),
        Choice("the default, two antithetic draws", kl=drawn),
        Choice("the default, the likeliest component alone", likely=1),
        Choice("the default, no surroundings", around=0),
        Choice("the default, surroundings of 5 cells", around=5),
        Choice("the default, surroundings of 13 cells", around=13),
        Choice("the default, 256 components", components=256),
    ]
    return rows


class Set:
    """A data set's features and truths, and the mixtures fitted so far."""

    def __init__(self, folder: Path, kept: Path) -> None:
        samples = data.read(folder)
        normals = [s for s in samples if s.split == "train"]
        self.tests = [s for s in samples if s.split == "test"]
        part, self.held = data.hold_out(normals, 0.2, 0)
        self.extractor = Extractor.load(BUNDLED)

        def of(group: Sequence[Sample]) -> list[np.ndarray]:
            paths = [sample.path for sample in group]
            return features(paths, self.extractor, ScoreConfig.feature_size, kept)

        self.part, self.levels, self.judged = of(part), of(self.held), of(self.tests)
        self.shapes = [load_image(s.path).pixels.shape for s in self.held]
        self.masks = [_mask(sample) for sample in self.tests]
        self._fitted: dict[tuple[int, int], NormalMixture] = {}

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

    def mixture(self, choice: Choice) -> NormalMixture:
        key = choice.around, choice.components
        if key not in self._fitted:
            each = -(-VECTORS // len(self.part))
            sampled = []
            for index, kept in enumerate(self.part):
                flat = self.vectors(kept, choice.around).flatten(1).T
                order = np.random.default_rng((0, index)).permutation(len(flat))[:each]
                sampled.append(flat[torch.from_numpy(order)])
            self._fitted[key] = NormalMixture.fit(torch.cat(sampled), choice.components)
        return self._fitted[key]

    def row(self, choice: Choice) -> list[float]:
        """Image AUROC, pixel AUROC, AP and AUPRO."""
        mixture, chain = self.mixture(choice), linear_chain()
        steps = [jump(chain, t, left) for t, left in choice.steps]

        def maps(kept: np.ndarray) -> dict[str, np.ndarray]:
            closed.LIKELY = choice.likely
            laid = self.vectors(kept, choice.around)
            flat = laid.flatten(1).T
            found = [choice.kl(mixture, flat, *step).view(laid.shape[1:]) for step in steps]
            return {"feature": torch.stack(found).numpy()}

        with torch.inference_mode():
            pairs = [
                (maps(kept), shape) for kept, shape in zip(self.levels, self.shapes, strict=True)
            ]
            fitted = calibrate(
                pairs, {"feature": 1.0}, 0.05, parts=[sample.group for sample in self.held]
            )
            evaluation = Evaluation()
            for sample, kept, mask in zip(self.tests, self.judged, self.masks, strict=True):
                found = score_map(fitted, maps(kept), {"feature": 1.0}, mask.shape)
                evaluation.add(float(found.max()), found, mask, sample.defect or "good")
        metrics = evaluation.result()
        return [metrics[column] for column in COLUMNS]


def _mask(sample: Sample) -> np.ndarray:
    if sample.mask_path is not None:
        return load_mask(sample.mask_path)
    return np.zeros(load_image(sample.path).pixels.shape[:2], bool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--out", type=Path, default=Path("runs/closed_form"))
    args = parser.parse_args()
    whole: dict[str, list[list[float]]] = {}
    for name in args.sets:
        one = Set(args.data / SETS[name][0], args.out)
        for choice in choices():
            whole.setdefault(choice.name, []).append(one.row(replace(choice)))
            text = " ".join(f"{v:.3f}" for v in whole[choice.name][-1])
            print(f"{name}: {choice.name}: {text}", flush=True)
    print("\n| image AUROC / pixel AUROC / AP / AUPRO | " + " | ".join(args.sets) + " |")
    print("|---" * (1 + len(args.sets)) + "|")
    for label, rows in whole.items():
        cells = [" / ".join(f"{v:.3f}".lstrip("0") for v in row) for row in rows]
        print(f"| {label} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
