from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad.images.geometry import model_shape, to_model
from ddad.score.feature import feature_energy
from ddad.score.fusion import normalise
from ddad.score.gradient import excess, feature_level, kl_level


@pytest.fixture
def canvas(tiny_detector):
    image = spoil(texture(np.random.default_rng(2)), np.random.default_rng(2))[0]
    size = model_shape(image.shape, tiny_detector.config.feature_size, 16)
    return image, to_model(image, size)[None]


def test_levels_are_those_of_the_score_map(tiny_detector, canvas):
    """Without smoothing, which energies leave out."""
    from dataclasses import replace

    image, x = canvas
    config = tiny_detector.config
    sharp = tiny_detector.with_config(replace(config, blur=0.0, feature_blur=0.0, draws=1))
    (raw,) = sharp.maps([image])
    fitted = tiny_detector.calibration
    expected = {b: normalise(fitted, b, torch.from_numpy(maps)) for b, maps in raw.items()}
    with torch.no_grad():
        level = feature_level(tiny_detector, fitted, x)
        np.testing.assert_allclose(level, expected["feature"].mean(0), atol=2e-3, rtol=2e-3)
        y = to_model(image, tiny_detector.shape("pixel", image))[None]
        for number in range(len(config.timesteps)):
            level = kl_level(tiny_detector, fitted, y, number)
            close = np.isclose(level, expected["pixel"][number], atol=1e-2, rtol=1e-2)
            assert close.mean() > 0.9  # all but pixels where the score clips


@pytest.mark.parametrize("energy", ["gaussian", "score"])
def test_gradients_agree_with_differences(tiny_detector, canvas, energy):
    fitted = tiny_detector.calibration

    def value(x):
        if energy == "gaussian":
            steps = tiny_detector.config.feature_timesteps
            return feature_energy(tiny_detector.features, tiny_detector.scheduler, x, steps)
        return excess(feature_level(tiny_detector, fitted, x), fitted.map_low)

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
