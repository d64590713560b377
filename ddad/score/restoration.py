"""A restoration: an image with a defect turned into the part as it should have been.

Gradient denoising (Lu et al. 2023, section 3.4) and the procedures it is compared with, in the
same frame (`ddad.score.scene`) and at the same budget of network evaluations.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ddad.images.geometry import carry, resize
from ddad.score.calibration import Calibration
from ddad.score.config import RestoreConfig
from ddad.score.gradient import descend
from ddad.score.scene import Scene
from ddad.score.scorer import Scorer

STRIDES = 20
"""Strides in which inpainting comes down from t; what is left of the budget repeats them."""


@dataclass(frozen=True)
class RestorationStep:
    """Where a restoration stands. Step 0 is the original, step `total` the result.

    `total` is the most there can be until the result is there. An image with nothing above the
    threshold is its own normal version: its `total` is 0.
    """

    image: np.ndarray
    """uint8 (H, W, 3), the original's size."""
    step: int
    total: int
    evaluations: int
    """Network evaluations so far, with those that judged it on the way."""
    score: float | None = None
    """Of the original and the result; None in between."""

    @property
    def done(self) -> bool:
        return self.score is not None and self.step == self.total


def restoring(
    scorer: Scorer, fitted: Calibration, pixels: np.ndarray, config: RestoreConfig
) -> Iterator[RestorationStep]:
    """The image uint8 (H, W, 3), step by step, as it should have been; stop whenever you like.

    The first step is the image itself with its score, the last the result with its own. The
    scorer must have a pixel branch, and a feature branch where the config's energy asks for it.
    """
    scene = Scene(scorer, fitted, pixels, config)
    total = most_steps(scene)
    latest = RestorationStep(pixels, 0, total, 0, scene.score_of(scene.base))
    canvas = scene.base
    for number, canvas in enumerate(restore(scene), 1):
        yield latest
        latest = RestorationStep(scene.image(canvas), number, total, scene.evaluations)
    yield replace(latest, total=latest.step, score=scene.score_of(canvas))


def restore(scene: Scene) -> Iterator[Tensor]:
    """The canvas after each step of the configured method; deterministic for a seed.

    Nothing for an image without a pixel above the threshold. No more than `evaluations` network
    evaluations, counted in the scene.
    """
    config = scene.config
    if not bool(scene.weight.any()):
        return
    if config.method == "one-step":
        yield from _one_step(scene, config.evaluations)
    elif config.method == "gradient":
        rounds, updates = _rounds(scene)
        x = scene.base
        for x in _begin(scene, config.start, _start(scene)):
            yield x
        yield from descend(scene, x, rounds, updates)
    else:
        yield from _begin(scene, config.method, config.evaluations)


def most_steps(scene: Scene) -> int:
    """The most canvases that `restore` yields."""
    budget, config = scene.config.evaluations, scene.config
    if not bool(scene.weight.any()):
        return 0
    if config.method == "one-step":
        return budget
    if config.method == "gradient":
        rounds, updates = _rounds(scene)
        return _strides(config, config.start, _start(scene))[0] + rounds * updates
    return _strides(config, config.method, budget)[0]


def _rounds(scene: Scene) -> tuple[int, int]:
    """Rounds of the gradient that fit into the budget beside its start, and updates in each.

    None fits into a very small one, which all goes into the start then.
    """
    config = scene.config
    left = config.evaluations - _share(config) - scene.scorer.evaluations
    descended = {"feature", "pixel"} & set(scene.scorer.weights)  # closer looks only judge
    each = 2 * (len(descended) if config.energy == "score" else 1)
    whole = each * config.every + 1 + scene.scorer.evaluations
    if left >= whole:
        return left // whole, config.every
    updates = (left - 1 - scene.scorer.evaluations) // each
    return (1, updates) if updates > 0 else (0, 0)


def _share(config: RestoreConfig) -> int:
    return 0 if config.start == "image" else config.evaluations // 3


def _start(scene: Scene) -> int:
    """Evaluations of the gradient's start."""
    config = scene.config
    return _share(config) if _rounds(scene)[0] or config.start == "image" else config.evaluations


def _begin(scene: Scene, method: str, budget: int) -> Iterator[Tensor]:
    strides, repeats = _strides(scene.config, method, budget)
    if strides:
        yield from _reverse_chain(scene, strides, repeats, keep=method == "inpaint")


def _strides(config: RestoreConfig, method: str, budget: int) -> tuple[int, int]:
    """Strides of a chain from t down, and how often each but the last is done."""
    if method == "image":
        return 0, 0
    if method == "partial":
        return min(budget, config.t), 1
    strides = min(budget, STRIDES, config.t)
    return strides, (budget - 1) // max(strides - 1, 1) if strides else 0


def _reverse_chain(scene: Scene, strides: int, repeats: int, *, keep: bool) -> Iterator[Tensor]:
    """From the original noised to t down the chain; yields the predicted clean image.

    With `keep`, pixels outside the weight follow the original on every timestep, and each stride
    is repeated, noise put back between, so that the two sides agree (RePaint).
    """
    chain, t = scene.scorer.scheduler, scene.config.t
    y = resize(scene.base, scene.model_size)
    weight = resize(scene.weight, scene.model_size)
    x = chain.q_sample(y, torch.tensor([t]), scene.noise(y))
    times = [round(t * (strides - k) / strides) for k in range(strides + 1)]
    for now, then in zip(times[:-1], times[1:], strict=True):
        for left in reversed(range(repeats if then else 1)):
            x_s, clean = scene.reverse(x, now, then, sample=then > 0)
            if keep and then:
                known = chain.q_sample(y, torch.tensor([then]), scene.noise(y))
                x_s = weight * x_s + (1 - weight) * known
            if left:
                share = float(chain.tables[now + 1] / chain.tables[then + 1])
                x_s = math.sqrt(share) * x_s + math.sqrt(1 - share) * scene.noise(y)
            x = x_s
        yield carry(scene.base, weight * (clean - y))


def _one_step(scene: Scene, draws: int) -> Iterator[Tensor]:
    """The clean image predicted from x_t at once; yields the mean over the draws so far."""
    t = torch.tensor([scene.config.t])
    y = resize(scene.base, scene.model_size)
    weight = resize(scene.weight, scene.model_size)
    total = torch.zeros_like(y)
    for draw in range(1, draws + 1):
        x_t = scene.scorer.scheduler.q_sample(y, t, scene.noise(y))
        total = total + scene.reverse(x_t, scene.config.t, 0, sample=False)[1]
        yield carry(scene.base, weight * (total / draw - y))
