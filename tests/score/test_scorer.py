from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    good = [texture(rng) for _ in range(3)]
    return [good[0], spoil(good[1], rng)[0], texture(rng, 64, 90), good[2]]


def test_progress_counts_to_the_end(tiny_detector, images):
    seen = []
    tiny_detector.detect(images, batch_size=2, on_progress=lambda d, n: seen.append((d, n)))
    config = tiny_detector.config
    rows = len(config.timesteps) * config.draws + len(config.feature_timesteps)
    rows *= len(images)
    assert seen[-1] == (rows, rows)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
