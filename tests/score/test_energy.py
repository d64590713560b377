from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad.images.geometry import model_shape, to_model
from ddad.score.energy import excess, feature_level, gaussian_energy, kl_level


@pytest.fixture
def canvas(tiny_detector):
    image = spoil(texture(np.random.default_rng(2)), np.random.default_rng(2))[0]
    size = model_shape(image.shape, tiny_detector.config.feature_size, 16)
    return image, to_model(image, size)[None]


def parts(detector):
    return detector.features, detector.scheduler


def test_levels_are_those_of_the_score_map(tiny_detector, canvas):
    """Without smoothing, which energies leave out."""
    from dataclasses import replace

    image, x = canvas
    config = tiny_detector.config
    sharp = tiny_detector.with_config(replace(config, blur=0.0, feature_blur=0.0, draws=1))
    (raw,) = sharp.raw_maps([image])
    fitted = tiny_detector.calibration
    with torch.no_grad():
        level = feature_level(*parts(tiny_detector), x, config, fitted)
        expected = fitted.normalise("feature", raw["feature"]).mean(0)
        np.testing.assert_allclose(level, expected, atol=2e-3, rtol=2e-3)
        y = to_model(image, model_shape(image.shape, config.size, 2))[None]
        expected = fitted.normalise("pixel", raw["pixel"])
        for number in range(len(config.timesteps)):
            level = kl_level(
                lambda x_t, t: tiny_detector.unet(x_t, t).sample,
                tiny_detector.scheduler,
                y,
                config,
                fitted,
                number,
            )
            close = np.isclose(level, expected[number], atol=1e-2, rtol=1e-2)
            assert close.mean() > 0.9  # all but pixels where the score clips


@pytest.mark.parametrize("energy", ["gaussian", "score"])
def test_gradients_agree_with_differences(tiny_detector, canvas, energy):
    features, scheduler = parts(tiny_detector)
    config, fitted = tiny_detector.config, tiny_detector.calibration

    def value(x):
        if energy == "gaussian":
            return gaussian_energy(features, scheduler, x, config)
        level = feature_level(features, scheduler, x, config, fitted)
        return excess(level, fitted.map_low)

    x = canvas[1].clone().requires_grad_()
    (gradient,) = torch.autograd.grad(value(x), x)
    direction = gradient / gradient.norm()
    with torch.no_grad():
        rise = (value(x + 1e-2 * direction) - value(x - 1e-2 * direction)) / 2e-2
    assert float(rise) == pytest.approx(float(gradient.norm()), rel=0.1)
    assert float(rise) > 0


def test_what_is_quiet_has_no_energy():
    assert excess(torch.tensor([[0.1, 0.4]]), 0.5) == 0
    assert excess(torch.tensor([[0.5, 1.5]]), 0.5) == pytest.approx(0.5)
