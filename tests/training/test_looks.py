from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel
from ddad.score.pace import seconds
from ddad.training.looks import closer_looks, settled

PLAIN = ScoreConfig()


def test_no_look_is_closer_than_the_photographs_are():
    assert closer_looks([(320, 320)] * 3, PLAIN, 9, 1e-6) == ()
    assert closer_looks([(384, 512)] * 3, PLAIN, 9, 1e-6) == ()
    assert closer_looks([(800, 800), (790, 810), (4000, 4000)], PLAIN, 9, 1e-6) == (800,)
    assert closer_looks([(8192, 410)], PLAIN, 9, 1e-9) == (912,), "a strip of four squares"


@pytest.mark.parametrize("budget", [0.1, 0.5, 1.0, 3.0, 10.0])
def test_looks_keep_within_the_budget_and_use_it(budget):
    shape = (3072, 4096, 3)
    found = closer_looks([shape], PLAIN, budget, 0.5e-6)
    if found:
        assert seconds(PLAIN.closer(found), shape, 0.5e-6) <= budget
        assert len(found) == 2 or found[-1] <= 3.3 * 320
        wider = (*found[:-1], found[-1] + 200)
        assert seconds(PLAIN.closer(wider), shape, 0.5e-6) > budget
    else:
        assert budget == 0.1


def test_a_look_that_only_adds_noise_on_normals_is_dropped():
    rng = np.random.default_rng(0)
    mixture = NormalMixture.fit(torch.randn(64, 8), 2)
    features = FeatureModel(Extractor.load(BUNDLED), mixture, (mixture, mixture))
    made = Detector(None, linear_chain(), PLAIN.closer((512, 800)), features=features)
    normals = []
    for _ in range(8):
        maps = {
            branch: rng.gamma(9, size=(len(steps), 40, 40)).astype(np.float32)
            for branch, steps in made.timesteps.items()
        }
        maps["feature_800"][0, 5, 5] += 3000  # one place far out, on every normal
        normals.append(maps)
    found = settled(made, normals)
    assert found.config.looks == (512,) and len(found.features.closer) == 1
    (share,) = found.config.look_shares
    assert 0.3 < share < 0.7 and found.fitted is None
    assert settled(replace(found, config=PLAIN, features=replace(features, closer=())), normals)
