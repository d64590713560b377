from __future__ import annotations

import numpy as np
import pytest
from parts import texture

from ddad.diffusion.extractor import Extractor
from ddad.model.checkpoint import BUNDLED
from ddad.score.config import ScoreConfig
from ddad.score.sight import CONTRASTS
from ddad.training.fit import Vectors, cross_fit, cross_fitted
from ddad.training.spots import GRID, painted, seen


def test_spots_are_as_large_and_as_clear_as_they_are_called():
    grey = np.full((400, 500, 3), 100, np.uint8)
    image, spots = painted(grey, 20.0, np.random.default_rng(0))
    assert len(spots) == GRID**2 and image.dtype == np.uint8
    changed = (image != grey).any(2)
    assert abs(changed.sum() / len(spots) - np.pi * 100) < 40
    for y, x, contrast in spots:
        assert int(image[y, x, 0]) - 100 == CONTRASTS[contrast]
    edge, _ = painted(np.full((60, 60, 3), 200, np.uint8), 30.0, np.random.default_rng(0))
    assert edge.shape == (60, 60, 3) and edge.min() < 200, "darker on a bright ground"


@pytest.fixture(scope="module")
def sighted():
    rng = np.random.default_rng(0)
    images = [texture(rng, 256, 256) for _ in range(10)]
    config = ScoreConfig(feature_size=96).closer((256,))
    groups = [str(i) for i in range(10)]
    vectors = Vectors.of(images, Extractor.load(BUNDLED), config)
    raw, trials = {}, {}
    for index, model, maps in cross_fit(vectors, images, groups):
        raw[index] = maps
        trials.setdefault(id(model), (images[index], model))
    return seen(cross_fitted(vectors, raw, groups, 0.1), [*trials.values()][:3])


def test_a_closer_look_sees_smaller_spots(sighted):
    fine, fast = sighted.calibration.sight, sighted.with_looks(0).calibration.sight
    assert fine.places == 36 and fine.side == 256
    assert fine.clear is not None and fast.clear is not None and fine.clear < fast.clear
    assert fine.seconds > 0 and fast.seconds > 0


def test_what_it_is_said_to_see_it_sees(sighted):
    rng = np.random.default_rng(7)
    found = []
    for _ in range(4):
        image, spots = painted(texture(rng, 256, 256), sighted.calibration.sight.clear, rng)
        (detection,) = sighted.detect([image])
        mask = detection.mask()
        found += [
            mask[y - 2 : y + 3, x - 2 : x + 3].any() for y, x, kind in spots if kind == "clear"
        ]
    assert np.mean(found) > 0.75


def test_spots_fit_into_the_narrowest_strip():
    for side in range(8, 40):
        strip = np.full((side, 900, 3), 100, np.uint8)
        image, spots = painted(strip, side / 4, np.random.default_rng(0))
        assert image.shape == strip.shape and len(spots) == GRID**2
        assert all(image[y, x, 0] > 100 for y, x, _ in spots)
