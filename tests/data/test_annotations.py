"""One annotation drawn, held against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as pycoco

from ddad.data.annotations import MAX_COLUMNS, draw, parts

theirs = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def placed(piece, shape):
    whole = np.zeros(shape, bool)
    height, width = piece.mask.shape
    whole[piece.y : piece.y + height, piece.x : piece.x + width] = piece.mask
    return whole


@theirs
@given(st.lists(st.floats(-9, 40), min_size=6, max_size=20).filter(lambda n: len(n) % 2 == 0))
@settings(deadline=None)
def test_a_polygon_cut_to_its_box_is_as_pycocotools_draws_it(numbers):
    (packed,) = pycoco.frPyObjects([numbers], 20, 30)
    assert np.array_equal(placed(draw(numbers, (20, 30)), (20, 30)), pycoco.decode(packed))


@theirs
@given(st.tuples(*[st.floats(-9, 40)] * 2, *[st.floats(0.1, 30)] * 2))
@settings(deadline=None)
def test_a_box_is_filled_as_pycocotools_fills_it(box):
    (corners,), said = parts({"bbox": [*box]})
    assert said == "The box was filled, as it has no outline"
    packed = pycoco.frPyObjects(np.array([box]), 20, 30)[0]
    assert np.array_equal(placed(draw(corners, (20, 30)), (20, 30)), pycoco.decode(packed))


def test_a_polygon_that_runs_to_and_fro_is_not_laid_out():
    """A small file that would want hours."""
    edges = 2 * MAX_COLUMNS // 10_000
    with pytest.raises(ValueError, match="more often than can be drawn"):
        draw([value for i in range(edges) for value in (10_000 * (i % 2), i % 3)], (10, 10_000))
    assert draw([0, 0, 1e8, 0, 1e8, 1e8, 0, 1e8], (10, 10_000)).mask.all()
