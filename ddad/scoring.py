"""The pixel score: KL between true and predicted posterior, per pixel and noise scale.

Knows the diffusion process and a network, nothing of files, calibration or thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ddad.diffusion import PosteriorDDPMScheduler, kl

CHAIN = 1000
"""T of the chain that timesteps count on."""


@dataclass(frozen=True)
class ScoreConfig:
    """What a score depends on besides the image and the weights."""

    size: int = 128
    """The image is resized to about size x size pixels in area."""
    timesteps: tuple[int, ...] = (20, 50, 100, 200)
    """Noise scales, of a chain of 1000 steps."""
    draws: int = 2
    """Noise draws a scale; every second one is the negative of the one before (antithetic)."""
    jump: int = 1
    """The KL is that of x_{t - jump} given x_t."""
    blur: float = 2.0
    """Gaussian smoothing of each map: standard deviation in pixels at model size."""
    feature_size: int = 320
    """The feature branch sees the image at about this many pixels squared; see `feature_shape`."""
    feature_timesteps: tuple[int, ...] = (100, 160, 260, 400)
    """Noise scales of the feature branch, of the same chain."""
    feature_blur: float = 0.0
    """Smoothing of its maps: standard deviation in cells of its grid."""
    pixel_weight: float = 0.1
    """Weight of the pixel branch where a model has both; the feature branch has the rest."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.timesteps or self.draws < 1 or self.jump < 1 or self.size < 16:
            raise ValueError("a score needs timesteps, draws >= 1, jump >= 1 and size >= 16")
        if min(self.timesteps) < self.jump:
            raise ValueError(
                f"timestep {min(self.timesteps)} is smaller than the jump of {self.jump}: "
                "the KL needs t - jump >= 0"
            )
        for steps in (self.timesteps, self.feature_timesteps):
            if len(set(steps)) < len(steps):
                raise ValueError("each timestep may be named once")
            if steps and not 0 <= min(steps) <= max(steps) < CHAIN:
                raise ValueError(f"timesteps lie between 0 and {CHAIN - 1}")
        if not self.feature_timesteps or self.feature_size < 64 or not 0 <= self.pixel_weight <= 1:
            raise ValueError(
                "a feature score needs timesteps, a size of at least 64 and a weight within 0..1"
            )


def seeded_generator(*key: int) -> torch.Generator:
    """A CPU generator that depends on the key alone."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


def scale_noise(config: ScoreConfig, t: int, shape: Sequence[int]) -> Tensor:
    """Noise (draws, C, h, w) for timestep t: the same for every image of that shape.

    Common noise makes an image's score independent of its neighbours, and its fixed pattern is
    part of what the statistics of normal images subtract.
    """
    draws: list[Tensor] = []
    for draw in range(config.draws):
        if draw % 2:
            draws.append(-draws[-1])
        else:
            draws.append(torch.randn(*shape, generator=seeded_generator(config.seed, t, draw)))
    return torch.stack(draws)


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
