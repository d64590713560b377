"""The pixel score: KL between true and predicted posterior, per pixel and noise scale.

Knows the diffusion process and a network, nothing of files, calibration or thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

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
    for step in config.timesteps:
        maps = [
            kl_map(predict, scheduler, x0[row], eps, t, jump=config.jump)
            for row, eps, t in drawn(x0, config, step, rows)
        ]
        yield over_draws(maps, config.draws)


def drawn(
    x0: Tensor, config: ScoreConfig, step: int, rows: int
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Every draw of every image at a timestep, `rows` at a time: which image, its eps, and t."""
    noise = scale_noise(config, step, x0.shape[1:])
    for row in torch.arange(len(x0) * config.draws).split(rows):
        eps = noise[row % config.draws].to(x0)
        yield row // config.draws, eps, torch.full((len(row),), step, device=x0.device)


def over_draws(maps: Sequence[Tensor], draws: int) -> Tensor:
    """The mean over draws, (B, h, w), of what was made of `drawn`."""
    every = torch.cat([*maps])
    return every.view(-1, draws, *every.shape[1:]).mean(1)
