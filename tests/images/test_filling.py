"""Polygons are filled as pycocotools fills them, whatever their corners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from ddad.images.filling import rasterise

theirs = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
numbers = st.one_of(
    *(st.floats(-5, 20), st.integers(-5, 20), st.floats(-5000, 5000)),
    st.integers(-50, 200).map(lambda n: n / 10),
)
rings = st.lists(st.tuples(numbers, numbers), min_size=3, max_size=9)


def decoded(ring, height, width):
    flat = [float(value) for corner in ring for value in corner]
    return coco.decode(coco.frPyObjects([flat], height, width)[0]).astype(bool)


@theirs
@given(rings, st.integers(1, 15), st.integers(1, 15))
@example([(0, 0), (0, 0), (9, 9), (9, 0)], 9, 9)
@example([(1, 1), (8, 1), (1, 8), (8, 8)], 9, 9)
@settings(deadline=None, max_examples=400)
def test_a_ring_is_filled_to_the_pixel(ring, height, width):
    assert np.array_equal(
        rasterise([np.array(ring)], (height, width)), decoded(ring, height, width)
    )


@theirs
@given(rings, st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_a_window_shows_the_same_pixels(ring, left, top):
    window = rasterise([np.array(ring)], (6, 7), (left, top))
    whole = decoded(ring, 15, 15)
    assert np.array_equal(window, whole[top : top + 6, left : left + 7])


@given(rings, rings)
@settings(deadline=None)
def test_what_is_inside_two_rings_is_outside(one, other):
    first, second = (rasterise([np.array(ring)], (9, 11)) for ring in (one, other))
    both = rasterise([np.array(one), np.array(other)], (9, 11))
    assert np.array_equal(both, first ^ second)
    assert not rasterise([np.array(one), np.array(one[::-1])], (9, 11)).any()
