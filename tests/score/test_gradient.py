from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad.images.geometry import model_shape, to_model
from ddad.score.config import RestoreConfig
from ddad.score.feature import feature_energy
from ddad.score.fusion import normalised
from ddad.score.gradient import REACH, descend, excess, feature_level, kl_level
from ddad.score.scene import Scene


@pytest.fixture
def canvas(tiny_detector):
    image = spoil(texture(np.random.default_rng(2)), np.random.default_rng(2))[0]
    size = model_shape(image.shape, tiny_detector.config.feature_size, 16)
    return image, to_model(image, size)[None]


def test_levels_are_those_of_the_score_map(tiny_detector, canvas, single_precision):
    """Without smoothing, which energies leave out, and in the precision that gradients have."""

    image, x = canvas
    config = tiny_detector.config
    sharp = tiny_detector.with_config(replace(config, blur=0.0, feature_blur=0.0, draws=1))
    (raw,) = sharp.maps([image])
    fitted = tiny_detector.calibration
    expected = normalised(fitted, raw, sharp.weights)
    with torch.no_grad():
        level = feature_level(tiny_detector, fitted, x, torch.ones(1, 1, *x.shape[2:]))
        np.testing.assert_allclose(level, expected["feature"].mean(0), atol=2e-3, rtol=2e-3)
        y = to_model(image, tiny_detector.shape("pixel", image))[None]
        for number in range(len(config.timesteps)):
            level = kl_level(tiny_detector, fitted, y, number)
            close = np.isclose(level, expected["pixel"][number], atol=1e-2, rtol=1e-2)
            assert close.mean() > 0.9  # all but pixels where the score clips


def test_places_that_may_not_change_are_taken_for_average(tiny_detector, canvas):
    fitted, x = tiny_detector.calibration, canvas[1]
    everywhere = torch.ones(1, 1, *x.shape[2:])
    corner = torch.zeros_like(everywhere)
    corner[..., :8, :8] = 1
    with torch.no_grad():
        whole = feature_level(tiny_detector, fitted, x, everywhere)
        part = feature_level(tiny_detector, fitted, x, corner)
    judged = torch.zeros(part.shape, dtype=torch.bool)
    judged[: 1 + REACH, : 1 + REACH] = True
    torch.testing.assert_close(part[judged], whole[judged], atol=1e-3, rtol=1e-3)
    assert float(part[~judged].max()) < 1e-4  # less where the border is loud


@pytest.mark.parametrize("energy", ["gaussian", "score"])
def test_gradients_agree_with_differences(tiny_detector, canvas, energy):
    fitted = tiny_detector.calibration

    def value(x):
        if energy == "gaussian":
            steps = tiny_detector.config.feature_timesteps
            return feature_energy(tiny_detector.features, tiny_detector.scheduler, x, steps)
        everywhere = torch.ones(1, 1, *x.shape[2:])
        return excess(feature_level(tiny_detector, fitted, x, everywhere), fitted.map_low)

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


def test_a_descent_judges_once_a_round_and_once_at_its_end(tiny_detector):
    """Two evaluations an update and branch, one a reverse step, and the judgements."""
    fitted = replace(tiny_detector.calibration, threshold=-100.0)  # never reached
    image, _ = spoil(texture(np.random.default_rng(2)), np.random.default_rng(2))
    scene = Scene(tiny_detector, fitted, image, RestoreConfig(every=2))
    canvases = list(descend(scene, scene.base, rounds=3, updates=2))
    assert len(canvases) == 6
    assert scene.evaluations == 3 * (2 * 2 * 2 + 1) + 3 * tiny_detector.evaluations
    quiet = Scene(tiny_detector, replace(fitted, threshold=1e6), image, RestoreConfig())
    assert list(descend(quiet, quiet.base, rounds=3, updates=2)) == []
    assert quiet.evaluations == 0
