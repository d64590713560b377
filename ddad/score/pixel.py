"""The pixel score: KL between true and predicted posterior, per pixel and noise scale.

Knows the diffusion process and a network, nothing of files, calibration or thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from ddad.diffusion.losses import kl
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.config import ScoreConfig
from ddad.score.noise import scale_noise

Predict = Callable[[Tensor, Tensor], Tensor]
"""The U-Net: x_t (B, C, h, w) and t (B,) to 2C channels."""


def kl_map(
    predict: Predict,
    scheduler: PosteriorDDPMScheduler,
    x0: Tensor,
    eps: Tensor,
    t: Tensor,
    *,
    jump: int = 1,
    clip: bool = True,
) -> Tensor:
    """KL(q(x_s | x_t, x_0) || p_theta(x_s | x_t)) with s = t - jump: (B, h, w), nats a pixel.

    Summed over colour channels. Lu et al. 2023, pixel-level score. x0 and eps are (B, C, h, w),
    t is (B,); differentiable in x0. `clip` clamps the predicted clean image to [-1, 1], which
    stops gradients where it acts.
    """
    x_t, s = scheduler.q_sample(x0, t, eps), t - jump
    p, _ = scheduler.p_posterior(predict(x_t, t), x_t, t, s, clip=clip)
    return kl(scheduler.q_posterior(x0, x_t, t, s), p).sum(1)


def pixel_maps(
    predict: Predict,
    scheduler: PosteriorDDPMScheduler,
    x0: Tensor,
    config: ScoreConfig,
    *,
    rows: int = 16,
) -> Iterator[Tensor]:
    """`kl_map` of images x0 (B, C, h, w) averaged over draws: (B, h, w) of each timestep in turn.

    All images and draws of a timestep are rows of one batch, run at most `rows` at a time.
    """
    total = len(x0) * config.draws
    for step in config.timesteps:
        noise = scale_noise(config, step, x0.shape[1:])
        maps = []
        for row in torch.arange(total).split(rows):
            clean, eps = x0[row // config.draws], noise[row % config.draws].to(x0)
            t = torch.full((len(row),), step, device=x0.device)
            maps.append(kl_map(predict, scheduler, clean, eps, t, jump=config.jump))
        yield torch.cat(maps).view(len(x0), config.draws, *x0.shape[2:]).mean(1)
