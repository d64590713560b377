"""The pixel score: KL between true and predicted posterior, per pixel and noise scale.

Knows the diffusion process and a network, nothing of files, calibration or thresholds.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ddad.diffusion.losses import kl
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.config import ScoreConfig
from ddad.score.noise import scale_noise


@torch.inference_mode()
def pixel_maps(
    predict: Callable[[Tensor, Tensor], Tensor],
    scheduler: PosteriorDDPMScheduler,
    x0: Tensor,
    config: ScoreConfig,
    *,
    rows: int = 16,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """KL(q(x_s | x_t, x_0) || p_theta(x_s | x_t)) as maps (B, timesteps, h, w), nats a pixel.

    Summed over colour channels, averaged over draws. Lu et al. 2023, pixel-level score.
    x0 is (B, C, h, w) in [-1, 1]; `predict(x_t, t)` is the network. All images, timesteps and
    draws are rows of one batch, run at most `rows` at a time.
    """
    batch, n_t, draws = len(x0), len(config.timesteps), config.draws
    noise = torch.cat([scale_noise(config, t, x0.shape[1:]) for t in config.timesteps])
    steps = torch.tensor(config.timesteps).repeat_interleave(draws)
    maps = []
    total = batch * n_t * draws
    for first in range(0, total, rows):
        row = torch.arange(first, min(first + rows, total))
        clean, eps = x0[row // (n_t * draws)], noise[row % (n_t * draws)].to(x0)
        t = steps[row % (n_t * draws)].to(x0.device)
        x_t = scheduler.q_sample(clean, t, eps)
        s = t - config.jump
        p, _ = scheduler.p_posterior(predict(x_t, t), x_t, t, s, clip=True)
        maps.append(kl(scheduler.q_posterior(clean, x_t, t, s), p).sum(1))
        on_progress(int(row[-1]) + 1, total)
    return torch.cat(maps).view(batch, n_t, draws, *x0.shape[2:]).mean(2)
