"""What the canvas is sent of an image that was reviewed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture

from demo.inspect.payload import decode_runs
from demo.inspect.view import desk_value, entry, last, message
from demo.store.store import Store


@pytest.fixture
def session(tmp_path):
    return Store(tmp_path).open(None)


def scored(session, detector, name):
    rng = np.random.default_rng(5)
    pixels, _ = spoil(texture(rng), rng)
    item = session.add(name, pixels)
    (found,) = detector.detect([pixels])
    return session.record(item.id, found, detector), found


def test_a_mask_drawn_elsewhere_is_what_was_added_to_and_taken_from_the_models(
    session, tiny_detector
):
    """At a threshold that a pixel has exactly: it is not above it, so it was added."""
    item, found = scored(session, tiny_detector, "part.png")
    level = float(np.sort(found.score_map.ravel())[-40])
    proposed = found.score_map > np.float32(level)
    drawn = proposed | (found.score_map == np.float32(level))
    drawn[:, :8] = ~drawn[:, :8]
    item = session.review(item.id, mask=drawn, threshold=level, decision="defective")
    review = desk_value(session, item, "image")["review"]
    assert desk_value(session, item, "image")["decision"] == "defective"
    assert (review["least"], review["fill"]) == (1, False)
    for key, expected in {"added": drawn & ~proposed, "removed": proposed & ~drawn}.items():
        assert np.array_equal(decode_runs(review[key], *drawn.shape), expected)
    assert np.array_equal(proposed.sum(), 39) and review["zone"] is None


def test_the_queue_is_loudest_first_and_the_last_reviewed_is_opened_again(session, tiny_detector):
    assert last(session) is None
    one, _ = scored(session, tiny_detector, "one.png")
    two, found = scored(session, tiny_detector, "two.png")
    assert last(session) == two.id
    session.review(one.id, mask=None, threshold=found.threshold, decision="defective")
    assert last(session) == one.id
    said = message(session, one.id)
    assert (said["session"], said["open"]) == (session.id, one.id)
    assert said["queue"] == [entry(session.item(each)) | {"twin": 0} for each in (one.id, two.id)]
