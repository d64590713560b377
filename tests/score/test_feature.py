from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import spoil, texture
from torch.nn.functional import adaptive_avg_pool2d

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.score.feature import feature_maps, sample_tokens
from ddad.score.look import Look


@pytest.fixture(scope="module")
def extractor(tiny_backbone):
    return Extractor.load(tiny_backbone)


def pictures(count, spoiled=False):
    rng = np.random.default_rng(0)
    found = [texture(rng, 64, 96) for _ in range(count)]
    return (*found, *spoil(texture(rng, 64, 96), rng)) if spoiled else found


def test_maps_rise_on_a_defect_and_depend_on_their_image_alone(extractor):
    *normals, broken, mask = pictures(12, spoiled=True)
    seen = [Look(extractor, pixels, 64) for pixels in (*normals, broken)]
    tokens = torch.cat([sample_tokens(look, 167, (0, i)) for i, look in enumerate(seen[:12])])
    mixture = NormalMixture.fit(tokens, 32)
    both = torch.cat([look.described(look.tiles[0]) for look in (seen[-1], seen[0])])
    steps = list(feature_maps(mixture, linear_chain(), both, (50, 260), 0.3))
    maps = torch.stack([step.kl for step in steps], 1)
    assert all(step.kinds.shape[0::2] == (2, 6) for step in steps)
    assert maps.shape == (2, 2, 6, 10)
    steps = feature_maps(mixture, linear_chain(), both[:1], (50, 260), 0.3)
    alone = torch.stack([step.kl for step in steps], 1)
    torch.testing.assert_close(maps[:1], alone, atol=1e-5, rtol=1e-5)
    share = torch.from_numpy(mask[None, None].astype(np.float32))
    inside = adaptive_avg_pool2d(share, (6, 10))[0, 0] > 0.3
    assert (maps[0][:, inside].amax(1) > 2 * maps[1].amax((1, 2))).all()


def test_tokens_are_a_seeded_sample_of_places(extractor):
    look = Look(extractor, pictures(1)[0], 64)
    tokens = sample_tokens(look, 20, (4, 0))
    assert len(tokens) == 20 and len(tokens.unique(dim=0)) == 20
    torch.testing.assert_close(sample_tokens(look, 20, (4, 0)), tokens)
    assert not torch.equal(sample_tokens(look, 20, (5, 0)), tokens)
    every = look.described(look.tiles[0])[0].flatten(1).T
    assert (
        torch.cdist(tokens, every, compute_mode="donot_use_mm_for_euclid_dist").amin(1) < 1e-4
    ).all()
    assert len(sample_tokens(look, 10**6, (4, 0))) == len(every)
