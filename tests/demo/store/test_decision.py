from __future__ import annotations

import numpy as np
import pytest

from demo.store.decision import checked_labels, extent, loudest
from demo.store.records import StoreError


@pytest.mark.parametrize(("x", "y"), [(0, 0), (5, 0), (0, 3), (5, 3)])
def test_a_label_may_lie_on_every_pixel_of_its_image(x, y):
    (label,) = checked_labels([{"x": x, "y": y, "label": " crack "}], 6, 4)
    assert (label.x, label.y, label.label) == (x, y, "crack")


@pytest.mark.parametrize(("x", "y"), [(-1, 0), (0, -1), (6, 0), (0, 4)])
def test_and_on_none_beside_it(x, y):
    with pytest.raises(StoreError, match="lies outside its image of 6 x 4"):
        checked_labels([{"x": x, "y": y, "label": "crack"}], 6, 4)


def test_what_lies_in_an_ignore_zone_is_not_the_loudest():
    levels = np.array([[1.0, 5.0], [2.0, 3.0]], np.float32)
    zone = np.array([[False, True], [False, False]])
    assert loudest(levels, None) == 5 and loudest(levels, zone) == 3
    assert loudest(levels, np.ones((2, 2), bool)) == 1  # nothing is outside
    corner = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]], bool)
    assert extent(corner) == (3, 1) and extent(np.zeros((2, 2), bool)) == (0, 0)
