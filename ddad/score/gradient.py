"""Gradient denoising: the anomaly energies, their gradient, and the descent that takes it as noise.

Lu et al. 2023, section 3.4 and Algorithm 1. The energies are the scores themselves, not smoothed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import adaptive_max_pool2d, max_pool2d

from ddad.images.geometry import resize
from ddad.score.calibration import Calibration
from ddad.score.feature import feature_energy, jump, tokens
from ddad.score.fusion import normalise
from ddad.score.look import described
from ddad.score.noise import scale_noise
from ddad.score.pixel import kl_map
from ddad.score.scene import Scene
from ddad.score.scorer import Scorer

REACH = 2
"""Places around what may change whose features are judged as well: they see it too."""


def feature_level(scorer: Scorer, fitted: Calibration, x: Tensor, weight: Tensor) -> Tensor:
    """The feature branch's part of the score map (h, w) in z-units; x at its size.

    Where `weight`, (1, 1, H, W), lets the image change, and REACH around it. All other places are
    taken for average: most of a part stays as it is, and the mixture is what takes the time.
    """
    assert scorer.features is not None
    config, chain = scorer.config, scorer.scheduler
    found = described(scorer.features.extractor, x)
    size = found.shape[2:]
    near = max_pool2d(adaptive_max_pool2d(weight, size), 2 * REACH + 1, 1, REACH)
    places = near[0, 0].flatten() > 0
    steps = [jump(chain, t, config.feature_left) for t in config.feature_timesteps]
    judged = scorer.features.mixture.steps(tokens(found)[places], steps)
    means = x.new_tensor(fitted.means["feature"])[:, None].expand(-1, len(places))
    maps = means.clone()
    maps[:, places] = torch.stack([step.kl for step in judged])
    return normalise(fitted, "feature", maps.view(-1, *size)).mean(0)


def kl_level(scorer: Scorer, fitted: Calibration, x: Tensor, number: int) -> Tensor:
    """The pixel branch's part (h, w) in z-units, of one noise scale and draw; x at its size.

    `number` counts through scales, then draws: one of them costs an eighth of the whole, and in
    turn they are an unbiased view of it. The predicted image is not clipped.
    """
    config = scorer.config
    index, draw = number % len(config.timesteps), number // len(config.timesteps)
    one = replace(config, seed=config.seed + draw, draws=1)
    t = torch.tensor([config.timesteps[index]], device=x.device)
    eps = scale_noise(one, int(t), x.shape[1:]).to(x)
    found = kl_map(scorer.predict, scorer.scheduler, x, eps, t, jump=config.jump, clip=False)
    return normalise(fitted, "pixel", found, slice(index, index + 1))[0]


def excess(level: Tensor, low: float) -> Tensor:
    """Mean square of what lies above the quiet level of normal parts, a scalar."""
    return (level - low).clamp(min=0).square().mean()


def energy(scene: Scene, x: Tensor, number: int) -> Tensor:
    """The configured anomaly energy of a canvas, a scalar that falls as x becomes normal."""
    scorer, fitted = scene.scorer, scene.fitted
    weights, total = scorer.weights, torch.zeros((), device=x.device)
    if scorer.features is not None and scene.config.energy == "feature":
        scene.evaluations += 2
        seen, steps = resize(x, scene.feature_size), scorer.config.feature_timesteps
        return feature_energy(scorer.features, scorer.scheduler, seen, steps)
    if "feature" in weights:
        scene.evaluations += 2
        level = feature_level(scorer, fitted, resize(x, scene.feature_size), scene.weight)
        total = total + weights["feature"] * excess(level, fitted.map_low)
    if "pixel" in weights:
        scene.evaluations += 2
        level = kl_level(scorer, fitted, resize(x, scene.model_size), number)
        total = total + weights["pixel"] * excess(level, fitted.map_low)
    return total


def gradient(scene: Scene, x: Tensor, number: int) -> Tensor:
    """Gradient of the energy at the canvas x; `number` picks the noise of the KL."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        (found,) = torch.autograd.grad(energy(scene, x, number), x)
    return found


def descend(scene: Scene, x: Tensor, rounds: int, updates: int) -> Iterator[Tensor]:
    """Algorithm 1, within the weight: updates by the gradient, then a step that denoises them.

    Before each round the canvas is judged: under the threshold it is left as it is, and what else
    is found above may change from there on. The best canvas is the last.
    """
    s, threshold = scene.config.step, scene.fitted.threshold
    t = scene.scorer.scheduler.noisy_as(1 - (1 - s * s) ** updates)
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
