from __future__ import annotations

import pytest
import torch

from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.config import ScoreConfig
from ddad.score.noise import scale_noise, seeded_generator
from ddad.score.pixel import pixel_maps

SCHEDULER = PosteriorDDPMScheduler(variance_type="learned_range")


def oracle(clean):
    """A network that knows the clean images: eps exact, variance at its lower bound."""

    def predict(x_t, t):
        abar = SCHEDULER.tables[t + 1].float().view(-1, 1, 1, 1)
        eps = (x_t - abar.sqrt() * clean.expand_as(x_t)) / (1 - abar).sqrt()
        return torch.cat([eps, torch.full_like(eps, -1.0)], dim=1)

    return predict


def test_kl_vanishes_where_the_image_is_as_predicted_and_only_there():
    clean = torch.rand(1, 3, 8, 8, generator=seeded_generator(0)) - 0.5
    broken = clean.clone()
    broken[..., 2:4, 2:4] += 0.4
    for jump in (1, 15):
        config = ScoreConfig(timesteps=(20, 200), draws=2, jump=jump)
        maps = pixel_maps(oracle(clean), SCHEDULER, broken, config)
        assert maps.shape == (1, 2, 8, 8)
        inside, outside = maps[..., 2:4, 2:4], maps.clone()
        outside[..., 2:4, 2:4] = 0
        assert (inside > 1e-4).all()
        assert outside.abs().max() < 1e-4 * inside.min()


def test_kl_of_a_known_error_has_its_closed_form():
    """With equal variances KL is coef1^2 (x0 - x0_hat)^2 / (2 betatilde), summed over channels."""
    clean = torch.zeros(1, 3, 4, 4)
    config = ScoreConfig(timesteps=(50,), draws=1)
    maps = pixel_maps(oracle(clean), SCHEDULER, clean + 0.1, config)
    abar_t, abar_s = SCHEDULER.tables[51], SCHEDULER.tables[50]
    beta = 1 - abar_t / abar_s
    weight = (beta * abar_s.sqrt() / (1 - abar_t)) ** 2 / (2 * beta * (1 - abar_s) / (1 - abar_t))
    torch.testing.assert_close(
        maps, torch.full_like(maps, float(3 * weight * 0.01)), rtol=2e-3, atol=0
    )


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


def test_splitting_rows_over_forwards_changes_nothing():
    clean = torch.rand(3, 3, 8, 8, generator=seeded_generator(0)) - 0.5
    predict = oracle(torch.zeros(1, 3, 8, 8))
    config = ScoreConfig(timesteps=(20, 50, 200), draws=2)
    whole = pixel_maps(predict, SCHEDULER, clean, config, rows=64)
    calls = []
    split = pixel_maps(
        predict, SCHEDULER, clean, config, rows=5, on_progress=lambda d, n: calls.append((d, n))
    )
    torch.testing.assert_close(whole, split, rtol=1e-6, atol=0)
    assert calls == [(5, 18), (10, 18), (15, 18), (18, 18)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"timesteps": ()},
        {"draws": 0},
        {"jump": 0},
        {"timesteps": (5, 20), "jump": 6},
        {"timesteps": (20, 20)},
        {"size": 8},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        ScoreConfig(**wrong)
