"""Anomaly energies with a gradient: what `detect` measures, as functions of the image.

Knows networks and calibrations as they are handed in. Images are (1, 3, h, w) in [-1, 1] at the
size of the branch in question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ddad.diffusion.losses import kl
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.calibration import Calibration, border_factors
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel
from ddad.score.noise import scale_noise


def gaussian_energy(
    features: FeatureModel, scheduler: PosteriorDDPMScheduler, x: Tensor, config: ScoreConfig
) -> Tensor:
    """(f(x) - mu)^T S^-1 (f(x) - mu), mean over patches and dimensions. Lu et al. 2023, Alg. 1.

    Theirs has a Gaussian a position; ours the mixture's likeliest centre, with the noise of the
    smallest timestep on the covariance, so that it suits textures and parts that are not aligned.
    """
    tokens, _ = _tokens(features, x)
    noise = scheduler.noise_ratio(min(config.feature_timesteps))
    return features.mixture.energy(tokens, noise).mean()


def feature_level(
    features: FeatureModel,
    scheduler: PosteriorDDPMScheduler,
    x: Tensor,
    config: ScoreConfig,
    fitted: Calibration,
) -> Tensor:
    """The feature branch's part of the score map (h, w) in z-units, not smoothed."""
    tokens, size = _tokens(features, x)
    ratios = [scheduler.noise_ratio(t) for t in config.feature_timesteps]
    errors = torch.stack([e.view(size) for e in features.mixture.errors(tokens, ratios)])
    return _normalised(fitted, "feature", errors, slice(None)).mean(0)


def kl_level(
    predict: Callable[[Tensor, Tensor], Tensor],
    scheduler: PosteriorDDPMScheduler,
    x: Tensor,
    config: ScoreConfig,
    fitted: Calibration,
    number: int,
) -> Tensor:
    """The pixel branch's part (h, w) in z-units, of one noise scale and draw, not smoothed.

    `number` counts through scales, then draws: one of them costs an eighth of the whole, and in
    turn they are an unbiased view of it.
    """
    index, draw = number % len(config.timesteps), number // len(config.timesteps)
    t = torch.tensor([config.timesteps[index]], device=x.device)
    one = replace(config, seed=config.seed + draw, draws=1)
    x_t = scheduler.q_sample(x, t, scale_noise(one, int(t), x.shape[1:]).to(x))
    s = t - config.jump
    p, _ = scheduler.p_posterior(predict(x_t, t), x_t, t, s, clip=False)
    maps = kl(scheduler.q_posterior(x, x_t, t, s), p).sum(1)
    return _normalised(fitted, "pixel", maps, slice(index, index + 1))[0]


def excess(level: Tensor, low: float) -> Tensor:
    """Mean square of what lies above the quiet level of normal parts, a scalar."""
    return (level - low).clamp(min=0).square().mean()


def _tokens(features: FeatureModel, x: Tensor) -> tuple[Tensor, torch.Size]:
    found = features.extractor(x)
    return found[0].flatten(1).T, found.shape[2:]


def _normalised(fitted: Calibration, branch: str, maps: Tensor, scales: slice) -> Tensor:
    """`Calibration.normalise` with a gradient: maps (n, h, w) of some scales."""
    factors = np.asarray(border_factors(fitted.borders[branch], *maps.shape[1:]))
    means, stds = (
        maps.new_tensor(values[branch][scales])[:, None, None]
        for values in (fitted.means, fitted.stds)
    )
    return (maps / maps.new_tensor(factors) - means) / stds
