"""What a place looks like on good parts."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ddad.score.appearance import FOLDER, MOST, SIDE, keep, kept, nearest


def scene(seed, shift=0):
    """A part 128 x 128: a dark field with a bright cross whose place is told by `shift`."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(60, 4, (128, 128, 3))
    pixels[60 + shift : 68 + shift, 40:88] += 120
    pixels[40 + shift : 88 + shift, 60:68] += 120
    return np.clip(pixels, 0, 255).astype(np.uint8)


def test_the_place_is_found_where_it_lies_on_each_part():
    here, found = nearest(scene(0), (56, 56, 72, 72), [scene(1, 9), scene(2, -7), scene(3)])
    assert len(found) == 3 and {each.photograph for each in found} == {0, 1, 2}
    for each in found:
        assert each.pixels.shape == here.shape
        difference = np.abs(each.pixels.astype(int) - here.astype(int)).mean()
        assert difference < 8 and each.error < 10
    assert [each.error for each in found] == sorted(each.error for each in found)


def test_what_is_marked_is_not_compared():
    spoiled, marked = scene(0), np.zeros((128, 128), bool)
    marked[54:74, 54:74] = True
    spoiled[marked] = (255, 0, 0)
    box = (54, 54, 74, 74)
    _, (with_mask, *_) = nearest(spoiled, box, [scene(1)], marked)
    _, (without, *_) = nearest(spoiled, box, [scene(1)])
    assert with_mask.error < 12 < 40 < without.error
    clean = scene(0)[44:84, 44:84].astype(int)  # what was there before, with its surroundings
    shown = np.asarray(Image.fromarray(with_mask.pixels).resize((40, 40)), int)
    assert np.abs(shown - clean).mean() < 20


def test_a_place_that_is_all_marked_or_the_whole_photograph_is_answered_too():
    everything = np.ones((128, 128), bool)
    here, found = nearest(scene(0), (0, 0, 128, 128), [scene(1)], everything)
    assert here.shape == (128, 128, 3) and found[0].pixels.shape == (128, 128, 3)
    here, found = nearest(scene(0), (127, 127, 128, 128), [scene(1)])
    assert here.shape == found[0].pixels.shape and min(here.shape[:2]) >= 16
    assert nearest(scene(0), (0, 0, 9, 9), [])[1] == []


def test_another_size_of_photograph_is_no_obstacle():
    small = np.asarray(Image.fromarray(scene(1)).resize((96, 96)))
    large = np.asarray(Image.fromarray(scene(0)).resize((512, 512)))
    here, found = nearest(large, (224, 224, 288, 288), [small])
    assert here.shape[0] > found[0].pixels.shape[0]
    assert found[0].error < 12


@pytest.mark.parametrize("count", [0, 3, MOST + 21])
def test_so_many_small_copies_are_kept(tmp_path, count):
    photographs = [scene(k).repeat(4, 0).repeat(4, 1) for k in range(min(count, 4))] * 20
    keep(photographs[:count], tmp_path)
    copies = kept(tmp_path)
    assert len(copies) == min(count, MOST)
    assert all(max(copy.shape) <= SIDE and copy.dtype == np.uint8 for copy in copies)
    assert not [f for f in (tmp_path / FOLDER).iterdir() if f.suffix != ".webp"]


def test_a_folder_without_copies_has_none(tmp_path):
    assert kept(tmp_path) == []
