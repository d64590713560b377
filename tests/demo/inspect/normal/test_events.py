"""What happens around the normal version, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture


@pytest.fixture
def follow(handlers):
    """What another image on the desk brings about."""
    event, _ = handlers[1]["follow"]  # another image, and the same one judged anew
    return event


def test_it_is_given_the_session_and_the_image_on_the_desk(follow):
    assert [type(each).__name__ for each in follow.inputs] == ["State", "State"]
    assert len(follow.outputs) > 3


def test_the_panel_is_offered_for_a_scored_image_alone(follow, handlers, tiny_detector):
    session, rng = handlers[0].open(None), np.random.default_rng(2)
    pixels, _ = spoil(texture(rng), rng)
    item = session.add("part.png", pixels)
    changes = {each.elem_id: change for each, change in follow.fn(session.id, None).items()}
    assert changes["restoration"]["visible"] is False
    (found,) = tiny_detector.detect([pixels])
    session.record(item.id, found, tiny_detector)
    changes = {each.elem_id: change for each, change in follow.fn(session.id, item.id).items()}
    assert changes["restoration"]["visible"] is True
