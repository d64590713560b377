from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad.score.config import RestoreConfig
from ddad.score.scene import Scene, change_weight


@pytest.fixture
def scene(tiny_detector):
    pixels, _ = spoil(texture(np.random.default_rng(5)), np.random.default_rng(5))
    return Scene(tiny_detector, tiny_detector.calibration, pixels, RestoreConfig())


def test_where_an_image_may_change():
    score_map = np.zeros((60, 80), np.float32)
    score_map[20:24, 30:34] = 5.0
    score_map[20:24, 60:64] = 1.9  # loud, but not above the threshold nor joined to what is
    weight = change_weight(score_map, 0.0, 2.0, RestoreConfig(reach=0.05))
    assert weight[20:24, 30:34].min() > 0.98
    assert weight[22, 37] > 0.3  # dilated by 3 pixels, softly
    assert weight[:, 50:].max() == 0 and weight[40:].max() == 0
    quiet = np.full((60, 80), 1.9, np.float32)
    assert change_weight(quiet, 0.0, 2.0, RestoreConfig()).max() == 0


def test_it_is_judged_as_the_detector_judges_and_counts_what_that_costs(scene, tiny_detector):
    (found,) = tiny_detector.detect([scene.pixels])
    assert scene.score_of(scene.base) == found.score
    assert scene.evaluations == 0  # the first judgement is free
    grey = torch.zeros_like(scene.base)
    (found,) = tiny_detector.detect([scene.image(grey)])
    before = scene.weight
    assert scene.score_of(grey) == found.score
    assert scene.evaluations == tiny_detector.evaluations == 4 * 2 + 1
    assert scene.score_of(grey) == found.score  # known already
    assert scene.evaluations == tiny_detector.evaluations
    assert (scene.weight >= before).all()  # what may change once may change for good


def test_the_original_canvas_is_the_image_itself(scene):
    np.testing.assert_array_equal(scene.image(scene.base), scene.pixels)


def test_a_reverse_step_is_the_posterior_of_the_network(scene):
    x = torch.randn(1, 3, *scene.model_size, generator=torch.Generator().manual_seed(0))
    mean, clean = scene.reverse(x, 200, 150, sample=False)
    out = scene.scorer.predict(x, torch.tensor([200]))
    chain = scene.scorer.scheduler
    p, expected = chain.p_posterior(out, x, torch.tensor([200]), torch.tensor([150]), clip=True)
    torch.testing.assert_close((mean, clean), (p.mean, expected))
    draws = torch.stack([scene.reverse(x, 200, 150, sample=True)[0] for _ in range(40)])
    spread = ((draws - p.mean) / (p.log_var / 2).exp()).std()
    assert float(spread) == pytest.approx(1, abs=0.02)
    end, clean = scene.reverse(x, 200, 0, sample=False)
    assert torch.equal(end, clean)
    assert scene.evaluations == 42
