from __future__ import annotations

import torch

from ddad.score.config import ScoreConfig
from ddad.score.noise import scale_noise


def test_draws_are_antithetic_pairs_and_seeded():
    config = ScoreConfig(draws=4, seed=3)
    noise = scale_noise(config, 20, (3, 8, 8))
    assert torch.equal(noise[1], -noise[0])
    assert torch.equal(noise[3], -noise[2])
    assert not torch.equal(noise[2], noise[0])
    assert torch.equal(noise, scale_noise(config, 20, (3, 8, 8)))
    assert not torch.equal(noise, scale_noise(config, 50, (3, 8, 8)))
    other = ScoreConfig(draws=4, seed=4)
    assert not torch.equal(noise, scale_noise(other, 20, (3, 8, 8)))
