from __future__ import annotations

import torch

from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.config import ScoreConfig
from ddad.score.noise import seeded_generator
from ddad.score.pixel import pixel_maps

SCHEDULER = PosteriorDDPMScheduler(variance_type="learned_range")


def oracle(clean):
    """A network that knows the clean images: eps exact, variance at its lower bound."""

    def predict(x_t, t):
        abar = SCHEDULER.tables[t + 1].float().view(-1, 1, 1, 1)
        eps = (x_t - abar.sqrt() * clean.expand_as(x_t)) / (1 - abar).sqrt()
        return torch.cat([eps, torch.full_like(eps, -1.0)], dim=1)

    return predict


def stacked(predict, x0, config, **how):
    """(B, timesteps, h, w)."""
    return torch.stack(list(pixel_maps(predict, SCHEDULER, x0, config, **how)), 1)


def test_kl_vanishes_where_the_image_is_as_predicted_and_only_there():
    clean = torch.rand(1, 3, 8, 8, generator=seeded_generator(0)) - 0.5
    broken = clean.clone()
    broken[..., 2:4, 2:4] += 0.4
    for jump in (1, 15):
        config = ScoreConfig(timesteps=(20, 200), draws=2, jump=jump)
        maps = stacked(oracle(clean), broken, config)
        assert maps.shape == (1, 2, 8, 8)
        inside, outside = maps[..., 2:4, 2:4], maps.clone()
        outside[..., 2:4, 2:4] = 0
        assert (inside > 1e-4).all()
        assert outside.abs().max() < 1e-4 * inside.min()


def test_kl_of_a_known_error_has_its_closed_form():
    """With equal variances KL is coef1^2 (x0 - x0_hat)^2 / (2 betatilde), summed over channels."""
    clean = torch.zeros(1, 3, 4, 4)
    config = ScoreConfig(timesteps=(50,), draws=1)
    maps = stacked(oracle(clean), clean + 0.1, config)
    abar_t, abar_s = SCHEDULER.tables[51], SCHEDULER.tables[50]
    beta = 1 - abar_t / abar_s
    weight = (beta * abar_s.sqrt() / (1 - abar_t)) ** 2 / (2 * beta * (1 - abar_s) / (1 - abar_t))
    torch.testing.assert_close(
        maps, torch.full_like(maps, float(3 * weight * 0.01)), rtol=2e-3, atol=0
    )


def test_splitting_rows_over_forwards_changes_nothing():
    clean = torch.rand(3, 3, 8, 8, generator=seeded_generator(0)) - 0.5
    predict = oracle(torch.zeros(1, 3, 8, 8))
    config = ScoreConfig(timesteps=(20, 50, 200), draws=2)
    calls = []

    def counted(x_t, t):
        calls.append(len(t))
        return predict(x_t, t)

    whole = stacked(counted, clean, config, rows=64)
    split = stacked(counted, clean, config, rows=4)
    torch.testing.assert_close(whole, split, rtol=1e-6, atol=0)
    assert calls == [6] * 3 + [4, 2] * 3
