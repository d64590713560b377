from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture


@pytest.fixture
def images():
    rng = np.random.default_rng(5)
    good = [texture(rng) for _ in range(3)]
    return [good[0], spoil(good[1], rng)[0], texture(rng, 64, 90), good[2]]


def test_a_large_picture_goes_through_the_pixel_branch_in_windows(tiny_detector, monkeypatch):
    """Each of them sees but a part, whatever else is in the batch; the middle of the picture is
    about what it is in one piece."""
    x = torch.rand(2, 3, 96, 128, generator=torch.Generator().manual_seed(0)) * 2 - 1
    t, seen = torch.full((2,), 50), []
    whole = tiny_detector.predict(x, t)
    monkeypatch.setattr("ddad.score.scorer.LARGEST", 1)
    monkeypatch.setattr("ddad.diffusion.networks.WINDOW", 48)
    monkeypatch.setattr("ddad.diffusion.networks.HALO", 16)
    forward = tiny_detector.unet.forward
    monkeypatch.setattr(
        tiny_detector.unet, "forward", lambda x, t: (seen.append(x.shape), forward(x, t))[1]
    )
    pieces = tiny_detector.predict(x, t)
    assert len(seen) == 6 and max(s[2] for s in seen) <= 80 and pieces.shape == whole.shape
    torch.testing.assert_close(
        pieces[:1], tiny_detector.predict(x[:1], t[:1]), atol=1e-5, rtol=1e-4
    )
    assert (pieces - whole).square().mean() < 0.1 * whole.var()


def test_progress_counts_to_the_end(tiny_detector, images):
    seen = []
    tiny_detector.detect(images, batch_size=2, on_progress=lambda d, n: seen.append((d, n)))
    config = tiny_detector.config
    rows = len(config.timesteps) * config.draws + len(config.feature_timesteps)
    rows *= len(images)
    assert seen[-1] == (rows, rows)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
