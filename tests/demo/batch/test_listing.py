"""Many images without a browser: what comes in, what is kept of it, what the page is sent."""

from __future__ import annotations

import numpy as np
import pytest
from dropping import a_file, a_zip
from parts import spoil, texture

from demo.batch.intake import take
from demo.batch.view import listing
from demo.shared.intake import gather
from demo.store.store import Store


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
    item = session.review(item.id, mask=drawn, threshold=1, decision="defective")
    assert (item.area, item.regions) == (15, 2)
    item = session.record(item.id, detection, tiny_detector)  # what a person drew stays
    assert (item.area, item.regions) == (15, 2)
    item = session.review(item.id, mask=drawn, threshold=1, decision="good")
    assert (item.area, item.regions) == (0, 0)


def test_a_draft_stays_when_its_image_is_scored(tmp_path, found, tiny_detector):
    image, detection = found
    session = Store(tmp_path / "work").open(None)
    mask = np.zeros(image.shape[:2], np.uint8)
    mask[3:9, 4:11] = 255
    paths = [a_file(tmp_path / "a.png", image), a_file(tmp_path / "a_mask.png", mask)]
    for _ in take(session, gather(paths, tmp_path / "in"), drafts_at=2.5):
        pass
    (item,) = session.items()
    session.record(item.id, detection, tiny_detector)
    np.testing.assert_array_equal(session.final_mask(item.id), mask > 0)
    assert session.imports.undo() == 0  # then it is the model's mask again
    item = session.item(item.id)
    assert item.review is None and item.area == detection.mask().sum()
    np.testing.assert_array_equal(session.final_mask(item.id), detection.mask())


def test_the_listing_says_what_is_known(tmp_path):
    session = Store(tmp_path / "work").open(None)
    entries = {"good/0.png": texture(np.random.default_rng(1)), "dent/torn.png": b"junk"}
    for _ in take(session, gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")):
        pass
    good, torn = listing(session)["rows"]
    assert (good["kind"], good["truth"], good["error"]) == ("good", True, "")
    assert torn["state"] == "failed" and "dent/torn.png" in torn["error"]
