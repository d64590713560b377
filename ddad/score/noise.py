"""Seeded noise: the same for every image of a shape, whatever the batch or the machine."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ddad.score.config import ScoreConfig


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
