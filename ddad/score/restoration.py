"""Gradient denoising: turn an image with a defect into the part as it should have been.

Lu et al. 2023, section 3.4: descend an anomaly energy with shrinkage, treat the standardised
gradient as noise, and let a reverse diffusion step take that noise out. Beside it the procedures it
is compared with, in the same frame: where the image may change is decided once, from its score
map, and a change found at the networks' sizes is brought back onto the original's own pixels.
Knows networks and calibrations as they are handed in; nothing of files.

Tensors are float (1, 3, h, w) in [-1, 1] on one of three sizes: the U-Net's ("model"), the
original's, and between them the "canvas", where gradients act: the original's size, or the
feature branch's where that is smaller.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from scipy.ndimage import gaussian_filter, label, maximum_filter
from torch import Tensor

from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.geometry import carry, feature_shape, model_shape, resize, to_model
from ddad.score.calibration import Calibration
from ddad.score.config import ScoreConfig
from ddad.score.energy import excess, feature_level, gaussian_energy, kl_level
from ddad.score.feature import FeatureModel
from ddad.score.noise import seeded_generator

METHODS = ("gradient", "inpaint", "partial", "one-step")
ENERGIES = ("score", "feature")
STARTS = ("inpaint", "partial", "image")
STRIDES = 20
"""Strides in which inpainting comes down from t; what is left of the budget repeats them."""


@dataclass(frozen=True)
class RestoreConfig:
    """What a restoration depends on besides the image and the model."""

    method: str = "gradient"
    """gradient; or what it is compared with: inpaint (the marked region drawn anew, after
    Lugmayr et al. 2022), partial (noised to t and denoised, after Wyatt et al. 2022), one-step
    (the clean image predicted from x_t, mean over draws)."""
    evaluations: int = 135
    """Most network evaluations: forwards or backwards, of U-Net or extractor."""
    energy: str = "score"
    """What the gradient descends: score, the model's own map (feature error and KL) above the
    level of good parts; or feature, the energy of the Gaussian mixture of normal features."""
    start: str = "inpaint"
    """The gradient's: inpaint or partial, a third of the budget, or image, as in the paper."""
    step: float = 0.02
    """s of the update x <- sqrt(1 - s^2) x + s g."""
    every: int = 5
    """N_d: a reverse diffusion step follows so many updates."""
    sample: bool = False
    """Whether the reverse step draws from p_theta instead of taking its mean. The mean is the
    default: at the paper's hundred rounds what one draw adds the next ones take out, at the few
    that fit into seconds it would stay in the picture as grain."""
    t: int = 400
    """Timestep from which inpaint, partial and one-step start."""
    reach: float = 0.01
    """How far the image may change around what is marked: share of its shorter side."""
    level: float = 0.8
    """Where marking begins: share of the way from a quiet pixel's value to the threshold."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, values in (("method", METHODS), ("energy", ENERGIES), ("start", STARTS)):
            if getattr(self, name) not in values:
                raise ValueError(
                    f"no {name} '{getattr(self, name)}' of a restoration: use {', '.join(values)}"
                )
        if not 0 < self.step < 1 or self.every < 1 or self.t < 1 or self.evaluations < 1:
            raise ValueError(
                "a restoration needs a step between 0 and 1, and every, t and evaluations >= 1"
            )
        if not 0 <= self.reach <= 1 or not 0 <= self.level < 1:
            raise ValueError("a restoration needs a reach within 0..1 and a level within 0..1")


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


@dataclass
class Scene:
    """One image, and the model that judges and denoises it."""

    pixels: np.ndarray
    score_map: np.ndarray
    """float32 (H, W), as in a Detection: the original's, later that of the canvas judged last."""
    judge: Callable[[np.ndarray], np.ndarray]
    """The score map of an image like `pixels`."""
    scoring: int
    """Network evaluations of `judge`."""
    predict: Callable[[Tensor, Tensor], Tensor]
    """The U-Net, (x_t, t) to 2C channels."""
    stride: int
    scheduler: PosteriorDDPMScheduler
    features: FeatureModel | None
    weights: dict[str, float]
    """Each branch's share in the score."""
    calibration: Calibration
    score: ScoreConfig
    config: RestoreConfig
    device: torch.device
    evaluations: int = 0
    generator: torch.Generator = field(init=False)
    weight: Tensor = field(init=False)
    """How far each pixel of the canvas may change, (1, 1, h, w), 0 to 1."""

    def __post_init__(self) -> None:
        self.generator = seeded_generator(self.config.seed)
        self.weight = self._marked()
        self._judged = self.base

    @cached_property
    def model_size(self) -> tuple[int, int]:
        return model_shape(self.pixels.shape, self.score.size, self.stride)

    @cached_property
    def feature_size(self) -> tuple[int, int]:
        return feature_shape(self.pixels.shape, self.score.feature_size)

    @cached_property
    def original(self) -> Tensor:
        height, width = self.pixels.shape[:2]
        return to_model(self.pixels, (height, width))[None].to(self.device)

    @cached_property
    def base(self) -> Tensor:
        """The original on the canvas."""
        height, width = self.pixels.shape[:2]
        larger = height * width > math.prod(self.feature_size)
        return resize(self.original, self.feature_size) if larger else self.original

    def score_of(self, x: Tensor) -> float:
        """The image score of the canvas x; what is found above the threshold may change as well."""
        if x is not self._judged:
            self.evaluations += self.scoring
            self.score_map, self._judged = self.judge(self.image(x)), x
            self.weight = torch.maximum(self.weight, self._marked())
        return float(self.score_map.max())

    def _marked(self) -> Tensor:
        fitted = self.calibration
        soft = change_weight(self.score_map, fitted.map_low, fitted.threshold, self.config)
        found = torch.from_numpy(soft)[None, None].to(self.device)
        return resize(found, self.base.shape[-2:])

    def noise(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.generator).to(like)

    def image(self, x: Tensor) -> np.ndarray:
        """The canvas x as the original image with its change."""
        found = carry(self.original, x - self.base).clamp(-1, 1)[0].permute(1, 2, 0)
        return np.asarray(((found + 1) * 127.5).round().byte().cpu())

    @torch.no_grad()
    def reverse(self, x_t: Tensor, t: int, s: int, *, sample: bool) -> tuple[Tensor, Tensor]:
        """x_s given x_t, a draw or the mean, and the predicted clean image. s = 0 ends there."""
        at, to = torch.tensor([t], device=x_t.device), torch.tensor([s], device=x_t.device)
        self.evaluations += 1
        p, clean = self.scheduler.p_posterior(self.predict(x_t, at), x_t, at, to, clip=True)
        if not sample:
            return (p.mean if s else clean), clean
        return p.mean + (p.log_var / 2).exp() * self.noise(x_t), clean


def change_weight(
    score_map: np.ndarray, low: float, threshold: float, config: RestoreConfig
) -> np.ndarray:
    """Where an image may change, float32 (H, W) in [0, 1]: 1 where the map is above the threshold.

    From there it reaches out over what is louder than `level` and joined to it, then `reach` on,
    softly. Nothing above the threshold, nothing to change.
    """
    begin = low + config.level * (threshold - low)
    marked = np.clip((score_map - begin) / max(threshold - begin, 1e-9), 0, 1)
    regions, count = label(marked > 0, np.ones((3, 3)))
    loud = np.zeros(count + 1, bool)
    loud[regions[score_map > np.float32(threshold)]] = True
    reach = max(1, round(config.reach * min(score_map.shape)))
    wide = maximum_filter(np.where(loud[regions], marked, 0), 2 * reach + 1)
    return np.asarray(gaussian_filter(wide, reach / 2).clip(0, 1), np.float32)


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
        yield from _gradient(scene, x, rounds, updates)
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
    left = config.evaluations - _share(config) - scene.scoring
    each = 2 * (len(scene.weights) if config.energy == "score" else 1)
    whole = each * config.every + 1 + scene.scoring
    if left >= whole:
        return left // whole, config.every
    updates = (left - 1 - scene.scoring) // each
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
    chain, t = scene.scheduler, scene.config.t
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
        x_t = scene.scheduler.q_sample(y, t, scene.noise(y))
        total = total + scene.reverse(x_t, scene.config.t, 0, sample=False)[1]
        yield carry(scene.base, weight * (total / draw - y))


def _gradient(scene: Scene, x: Tensor, rounds: int, updates: int) -> Iterator[Tensor]:
    """Algorithm 1, within the weight: updates by the gradient, then a step that denoises them.

    Before each round the canvas is judged: under the threshold it is left as it is, and what else
    is found above may change from there on. The best canvas is the last.
    """
    s, threshold = scene.config.step, scene.calibration.threshold
    variance = 1 - (1 - s * s) ** updates
    tables = 1 - scene.scheduler.tables
    t = max(1, int(torch.searchsorted(tables, tables.new_tensor(variance))) - 1)
    best, least = x, math.inf
    for number in range(rounds * updates):
        if number % updates == 0:
            score = scene.score_of(x)
            best, least = (x, score) if score < least else (best, least)
            if score <= threshold:
                return
        weight = scene.weight
        area = (3 * weight.square().sum()).clamp(min=1e-9)
        g = -gradient(scene, x, number)
        g = g / ((g * weight).square().sum() / area).sqrt().clamp(min=1e-12)
        x = x + weight * ((math.sqrt(1 - s * s) - 1) * x + s * g)
        if (number + 1) % updates == 0:
            y = resize(x, scene.model_size)
            denoised, _ = scene.reverse(y, t, 0, sample=scene.config.sample)
            x = (x + weight * resize(denoised - y, x.shape[-2:])).clamp(-1, 1)
        if number + 1 == rounds * updates and scene.score_of(x) > least:
            x = best
        yield x


def gradient(scene: Scene, x: Tensor, number: int) -> Tensor:
    """Gradient of the energy at the canvas x; `number` picks the noise of the KL."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (found,) = torch.autograd.grad(energy(scene, x, number), x)
    return found


def energy(scene: Scene, x: Tensor, number: int = 0) -> Tensor:
    """The configured anomaly energy of a canvas, a scalar that falls as x becomes normal."""
    total = torch.zeros((), device=x.device)
    if scene.features is not None:
        scene.evaluations += 2
        seen = resize(x, scene.feature_size)
        if scene.config.energy == "feature":
            return gaussian_energy(scene.features, scene.scheduler, seen, scene.score)
        z = feature_level(scene.features, scene.scheduler, seen, scene.score, scene.calibration)
        total = total + scene.weights["feature"] * excess(z, scene.calibration.map_low)
    scene.evaluations += 2
    y = resize(x, scene.model_size)
    z = kl_level(scene.predict, scene.scheduler, y, scene.score, scene.calibration, number)
    return total + scene.weights["pixel"] * excess(z, scene.calibration.map_low)
