from __future__ import annotations

import numpy as np
import pytest
import torch
from parts import texture
from torch.nn.functional import interpolate

from ddad.diffusion.extractor import Extractor
from ddad.images.geometry import from_levels, to_levels
from ddad.model.checkpoint import BUNDLED
from ddad.score import look as module
from ddad.score.look import Look, described, looks


@pytest.fixture(scope="module")
def extractor():
    return Extractor.load(BUNDLED)


def seen(look):
    """All cells of a look, tile by tile."""
    found = None
    for tile in look.tiles:
        here = look.described(tile)
        if found is None:
            found = torch.full((1, here.shape[1], *look.grid), torch.nan)
        found[..., *tile.place] = here
    return found


@pytest.mark.parametrize("shape", [(300, 420), (48, 960), (960, 48), (33, 700)])
def test_tiles_say_what_one_piece_says(extractor, monkeypatch, shape):
    """Also of strips; in single precision, to 1e-5."""
    pixels = texture(np.random.default_rng(0), *shape)
    with torch.inference_mode():
        whole, closer = map(seen, looks(extractor, pixels, [160, 320]))
        monkeypatch.setattr(module, "LARGEST", 1)
        monkeypatch.setattr(module, "CORE", 16)
        pieces = looks(extractor, pixels, [160, 320])
        assert len(pieces[1].tiles) > 2
        torch.testing.assert_close(seen(pieces[0]), whole, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(seen(pieces[1]), closer, atol=1e-5, rtol=1e-5)


def test_reach_is_where_nothing_has_a_say(extractor):
    """One pixel beyond it changes nothing at a place; one within it does."""
    side, reach = 512, extractor.reach
    x = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    other = x.clone()
    other[..., : side // 2 - reach, :] = 1
    with torch.inference_mode():
        before, after = (extractor.cells(each)[..., side // 16, side // 16] for each in (x, other))
        assert torch.equal(before, after)
        other[..., : side // 2 - reach + 48, :] = 1
        assert not torch.equal(before, extractor.cells(other)[..., side // 16, side // 16])


def test_a_backbone_that_sees_all_at_once_is_never_cut(extractor, monkeypatch):
    class Attentive(Extractor):
        def stages(self, x):
            return [stage + x.mean() for stage in super().stages(x)]

    every = Attentive(extractor.model, "attentive")
    assert every.reach is None
    monkeypatch.setattr(module, "LARGEST", 1)
    assert len(Look(every, texture(np.random.default_rng(0), 200, 200), 200).tiles) == 1


def test_a_closer_look_knows_the_surroundings_of_the_whole_part(extractor):
    pixels = texture(np.random.default_rng(0), 256, 256)
    whole, closer = looks(extractor, pixels, [128, 256])
    with torch.inference_mode():
        with pytest.raises(AssertionError, match="seen first"):
            closer.described(closer.tiles[0])
        around = seen(whole)[:, -extractor.coarsest :]
        found = seen(closer)
        expected = interpolate(around, closer.grid, mode="bilinear")
        torch.testing.assert_close(found[:, -extractor.coarsest :], expected, atol=1e-5, rtol=1e-5)
        x = from_levels(to_levels(pixels, (256, 256)))[None]
        own = described(extractor, x)[:, : -extractor.coarsest]
        torch.testing.assert_close(found[:, : -extractor.coarsest], own)


def test_what_is_kept_is_seen_once(extractor, monkeypatch):
    pixels = texture(np.random.default_rng(0), 256, 256)
    kept = [look.keep() for look in looks(extractor, pixels, [128, 256])]
    with torch.inference_mode():
        first = [seen(look) for look in kept]
        monkeypatch.setattr(Extractor, "stages", lambda self, x: pytest.fail("seen twice"))
        for look, before in zip(kept, first, strict=True):
            torch.testing.assert_close(seen(look), before, atol=2e-3, rtol=2e-3)
    bytes_kept = sum(t.nbytes for look in kept for t in look._kept.values())
    assert 0 < bytes_kept <= sum(look.nbytes for look in kept)


def test_the_most_suspicious_tile_comes_first(extractor, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 1)
    monkeypatch.setattr(module, "CORE", 8)
    look = Look(extractor, texture(np.random.default_rng(0), 256, 256), 256)
    coarse = torch.zeros(10, 10)
    coarse[6, 1] = 1
    first, *rest = look.suspicious_first(coarse)
    assert first.top <= 6.5 * 3.2 < first.bottom and first.left <= 1.5 * 3.2 < first.right
    assert sorted([first, *rest]) == sorted(look.tiles)
