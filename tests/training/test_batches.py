from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ddad.data import datasets as data
from ddad.data.datasets import DatasetError
from ddad.training.batches import crop_window, draw_batch, load_normals
from ddad.training.run import TINY


@pytest.fixture
def normals(tree):
    samples = [s for s in data.read(tree) if s.split == "train"]
    return samples[:16], samples[16:20]


def test_each_epoch_shows_every_image_once(normals):
    images = [torch.full((3, 8, 8), i, dtype=torch.uint8) for i in range(16)]
    config = replace(TINY, batch=8)
    for first in (0, 2, 6):
        shown = torch.cat(
            [draw_batch(images, (8, 8), config, step, 1000)[0] for step in (first, first + 1)]
        )
        levels = ((shown[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()
        assert sorted(levels) == list(range(16))


def test_timesteps_cover_the_chain_evenly():
    images = [torch.zeros(3, 8, 8, dtype=torch.uint8)]
    t = torch.cat([draw_batch(images, (8, 8), TINY, step, 1000)[1] for step in range(1000)])
    counts = torch.histc(t.float(), bins=10, min=0, max=1000)
    assert int(t.min()) >= 0 and int(t.max()) == 999
    torch.testing.assert_close(counts, torch.full((10,), len(t) / 10), rtol=0.1, atol=0)


def test_windows_lie_anywhere_in_an_image_and_flips_mirror(tree):
    ramp = torch.arange(24, dtype=torch.uint8).expand(3, 16, 24).contiguous()
    seen = set()
    for step in range(60):
        x0, _, _ = draw_batch([ramp], (16, 8), replace(TINY, flips=True), step, 1000)
        levels = ((x0[:, 0, 0] + 1) * 127.5).round().int()
        seen |= {tuple(row) for row in levels.tolist()}
    starts = {min(row) for row in seen}
    assert starts == set(range(17))
    assert {row[0] < row[-1] for row in seen} == {True, False}


def test_windows_fit_every_image():
    images = [torch.zeros(3, 24, 40), torch.zeros(3, 32, 16)]
    assert crop_window(images, 0, 8) == (24, 16)
    assert crop_window(images, 8, 8) == (8, 8)
    for crop in (12, 24):
        with pytest.raises(DatasetError, match="multiple of 8 and at most 16"):
            crop_window(images, crop, 8)


def test_images_are_kept_at_model_size(normals):
    """Of 48 x 40 pixels: about 32 x 32 in area, at the same aspect, sides multiples of two."""
    images = load_normals(normals[0], 32, 2)
    assert len(images) == 16 and {i.dtype for i in images} == {torch.uint8}
    assert {tuple(i.shape) for i in images} == {(3, 30, 36)}
    for sample, image in zip(normals[0], images, strict=True):
        small = Image.open(sample.path).resize((36, 30), Image.Resampling.BOX)
        levels = torch.from_numpy(np.array(small)).permute(2, 0, 1)
        assert (image.float() - levels).abs().mean() < 4
