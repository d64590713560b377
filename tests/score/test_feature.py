from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.score.feature import FeatureModel, feature_maps, sample_tokens


@pytest.fixture(scope="module")
def extractor(tiny_backbone):
    return Extractor.load(tiny_backbone)


@pytest.fixture
def image():
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


def inputs(rng, spoiled=False):
    pixels = texture(rng, 64, 96)
    mask = None
    if spoiled:
        pixels, mask = spoil(pixels, rng)
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 127.5 - 1, mask


def test_maps_rise_on_a_defect_and_depend_on_their_image_alone(extractor):
    rng = np.random.default_rng(0)
    normals = [inputs(rng)[0] for _ in range(12)]
    tokens = torch.cat(sample_tokens(extractor, normals, 2000, seed=0))
    model = FeatureModel(extractor, NormalMixture.fit(tokens, 32))
    broken, mask = inputs(rng, spoiled=True)
    both = torch.stack([broken, normals[0]])
    steps = list(feature_maps(model, linear_chain(), both, (50, 260), 0.3))
    maps = torch.stack([step.kl for step in steps], 1)
    assert all(step.kinds.shape[0::2] == (2, 8) for step in steps)
    assert maps.shape == (2, 2, 8, 12)
    steps = feature_maps(model, linear_chain(), both[:1], (50, 260), 0.3)
    alone = torch.stack([step.kl for step in steps], 1)
    torch.testing.assert_close(maps[:1], alone, atol=1e-5, rtol=1e-5)
    inside = torch.from_numpy(mask.reshape(8, 8, 12, 8).any((1, 3)))
    assert (maps[0][:, inside].amax(1) > 2 * maps[1].amax((1, 2))).all()


def test_tokens_are_a_seeded_sample_of_every_image(extractor):
    rng = np.random.default_rng(0)
    images = [inputs(rng)[0] for _ in range(3)]
    seen = []
    tokens = sample_tokens(extractor, images, 60, seed=4, on_progress=lambda *at: seen.append(at))
    assert [len(t) for t in tokens] == [20, 20, 20] and seen[-1] == (3, 3)
    again = sample_tokens(extractor, images[:1], 20, seed=4)
    torch.testing.assert_close(again[0], tokens[0], atol=1e-6, rtol=1e-6)
    assert not torch.equal(sample_tokens(extractor, images[:1], 20, seed=5)[0], tokens[0])
