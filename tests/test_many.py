"""Many images without a browser: what comes in, what is kept of it, what the page is sent."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import spoil, texture

from demo.store import Store


@pytest.fixture(scope="module")
def found(tiny_detector):
    image, _ = spoil(texture(np.random.default_rng(1)), np.random.default_rng(2))
    return image, tiny_detector.detect([image])[0]


def test_an_item_knows_the_extent_of_its_final_mask(tmp_path, found, tiny_detector):
    image, detection = found
    session = Store(tmp_path).open(None)
    item = session.add("part.png", image)
    assert (item.area, item.regions) == (None, None)
    item = session.record(item.id, detection, tiny_detector)
    assert item.area == detection.mask().sum() > 0 and item.regions >= 1
    drawn = np.zeros(image.shape[:2], bool)
    drawn[2:5, 2:6] = drawn[20:22, 30:31] = drawn[5, 6] = True  # the last one touches by a corner
    item = session.review(item.id, mask=drawn, threshold=1, decision="corrected")
    assert (item.area, item.regions) == (15, 2)
    item = session.record(item.id, detection, tiny_detector)  # what a person drew stays
    assert (item.area, item.regions) == (15, 2)
    item = session.review(item.id, mask=drawn, threshold=1, decision="rejected")
    assert (item.area, item.regions) == (0, 0)
