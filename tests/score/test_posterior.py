from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import texture

from ddad.diffusion.scheduler import linear_chain
from ddad.score.noise import scale_noise
from ddad.score.posterior import DRAWS


@pytest.fixture
def found(tiny_detector):
    return tiny_detector.posterior(texture(np.random.default_rng(0)), 157)


def test_both_branches_say_what_they_expect_at_their_own_size(found):
    assert set(found) == {"pixel", "feature"}
    for each in found.values():
        assert each.t == 157 and each.mean.shape == each.seen.shape == each.variance.shape
        assert each.variance.min() >= 0 and each.deviation.shape == each.mean.shape[1:]
        seen, mean = each.colours()
        assert seen.shape == mean.shape == (*each.mean.shape[1:], 3) and seen.dtype == np.uint8


def test_the_expected_features_are_the_mixtures(tiny_detector, found):
    feature = found["feature"]
    mixture = tiny_detector.features.mixture
    flat = feature.seen.flatten(1).T
    noise = tiny_detector.scheduler.noise_ratio(157)
    mean, variance = mixture.posterior(flat, noise)
    torch.testing.assert_close(feature.mean.flatten(1).T, mean, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(feature.variance.flatten(1).T, variance, rtol=1e-4, atol=1e-5)


def test_the_expected_pixels_and_their_variance_are_those_of_the_learned_step(tiny_detector, found):
    """The variance of q and c^2 times that of x_0, put together, are those of p again."""
    pixel, jump = found["pixel"], tiny_detector.config.jump
    chain, t, s = linear_chain(), torch.tensor([157]), torch.tensor([157 - jump])
    x0 = pixel.seen[None]
    noise = scale_noise(replace(tiny_detector.config, draws=DRAWS), 157, x0.shape[1:])
    x_t = chain.q_sample(x0.expand_as(noise), t, noise)
    with torch.inference_mode():
        p, mean = chain.p_posterior(tiny_detector.predict(x_t, t), x_t, t, s, clip=True)
    torch.testing.assert_close(pixel.mean, mean.mean(0), rtol=1e-4, atol=1e-4)
    own = chain.log_var_bounds(t, s)[0].exp().float()
    again = own + chain.share_of_x0(t, s).float() ** 2 * pixel.variance
    wanted = torch.maximum(p.log_var.exp(), own).mean(0)
    torch.testing.assert_close(again, wanted, rtol=1e-4, atol=1e-7)


def test_more_noise_leaves_the_model_less_sure(tiny_detector):
    image = texture(np.random.default_rng(0))
    little, much = (tiny_detector.posterior(image, t)["feature"] for t in (20, 600))
    assert much.variance.mean() > 2 * little.variance.mean()


@pytest.mark.parametrize("t", [0, 1000, -3])
def test_a_timestep_that_is_none_is_refused(tiny_detector, t):
    with pytest.raises(ValueError, match="from 1 to 999"):
        tiny_detector.posterior(texture(np.random.default_rng(0)), t)
