"""What a model of the others finds far out."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture

from ddad.diffusion.extractor import Extractor
from ddad.training.outliers import LEAST, far_out


@pytest.fixture(scope="module")
def extractor(tiny_backbone):
    return Extractor.load(tiny_backbone)


def parts(count):
    """Of random phase: of two dozen each has its like among the others."""
    return [texture(np.random.default_rng(i), 64, 64) for i in range(count)]


def test_a_part_unlike_the_others_is_found_with_its_map(extractor, single_precision):
    images, seen = parts(24), []
    images[5][16:48, 16:48] = (255, 0, 0)
    (found,) = far_out(images, extractor, on_progress=lambda *done: seen.append(done))
    assert found.index == 5 and found.spreads > 3.5
    changed = (found.picture.astype(int) != images[5]).any(2)
    assert found.picture.shape == (64, 64, 3) and changed[16:48, 16:48].mean() > changed.mean()
    assert seen[-1] == (24, 24)


def test_parts_alike_are_not_found_and_few_or_many_are_not_judged(extractor, single_precision):
    assert far_out(parts(24), extractor) == []
    images = parts(LEAST - 1)
    images[0], _ = spoil(images[0], np.random.default_rng(0))
    assert far_out(images, extractor) == []
    assert far_out([images[0]] * 201, extractor) == []
