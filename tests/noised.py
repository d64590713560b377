"""What a step of the diffusion is given, drawn: images, timesteps, noise, an output."""

from __future__ import annotations

import torch


def batch(ts, seed=0, channels=3):
    generator = torch.Generator().manual_seed(seed)
    t = torch.tensor(ts)
    shape = (len(t), channels, 4, 4)
    x0 = torch.rand(shape, generator=generator) * 2 - 1
    eps = torch.randn(shape, generator=generator)
    out = torch.randn(len(t), 2 * channels, 4, 4, generator=generator)
    return x0, t, eps, out
