"""The paper's feature score: a head of the U-Net predicts the clean image's features from x_t."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from diffusers import UNet2DModel
from torch import Tensor

from ddad.diffusion.extractor import GRID, Extractor
from ddad.diffusion.networks import FeatureHead, predict_features
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.config import ScoreConfig
from ddad.score.pixel import drawn, over_draws


def head_maps(
    unet: UNet2DModel,
    head: FeatureHead,
    extractor: Extractor,
    scheduler: PosteriorDDPMScheduler,
    x0: Tensor,
    config: ScoreConfig,
    *,
    rows: int = 16,
) -> Iterator[Tensor]:
    """1/C sum_c |f(x_0) - F_theta(x_t, t)|^2, averaged over draws: (B, h / 8, w / 8) at each of the
    pixel branch's timesteps in turn, for images x0 (B, 3, h, w).

    In squares of the head's unit. Lu et al. 2023, feature-level score.
    """
    grid = x0.shape[2] // GRID, x0.shape[3] // GRID
    wanted = torch.cat([head.scaled(extractor(image[None])) for image in x0])
    for step in config.timesteps:
        maps = []
        for row, eps, t in drawn(x0, config, step, rows):
            x_t = scheduler.q_sample(x0[row], t, eps)
            _, found = predict_features(unet, head, x_t, t, grid)
            maps.append((found - wanted[row]).square().mean(1))
        yield over_draws(maps, config.draws)
