"""What JavaScript may call: functions by their names, and thumbnails of one's own items alone."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from parts import texture
from PIL import Image

from demo.shared.server import MOST_THUMBS, answering, thumbs
from demo.store.store import Store


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def open_(session, request):
    return {"seen": session.id, "sent": request["item"]}


def test_functions_bear_the_names_that_javascript_calls(store):
    assert [each.__name__ for each in answering(store, open_, thumbs)] == ["open", "thumbs"]


def test_a_session_that_is_not_there_is_told_and_never_made_to_answer(store):
    (call,) = answering(store, open_)
    mine = store.open(None).id
    assert call({"session": mine, "item": 3}) == {"seen": mine, "sent": 3}
    for request in ({"session": "0" * 32, "item": 3}, {"item": 3}, "junk", None):
        assert list(call(request)) == ["error"]


def test_thumbnails_are_small_pictures_of_ones_own_items(store):
    session, pixels = store.open(None), texture(np.random.default_rng(0), 300, 200)
    item = session.add("a.png", pixels).id
    (call,) = answering(store, thumbs)
    found = call({"session": session.id, "items": [item]})["thumbs"]
    kind, data = found[item].split(",")
    assert kind == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert max(picture.size) == 192
    assert np.abs(np.asarray(picture).mean() - pixels.mean()) < 3
    other = store.open(None)
    assert list(call({"session": other.id, "items": [item]})) == ["error"]
    assert "error" not in call({"session": session.id, "items": [item] * MOST_THUMBS})
    for items in ([item] * (MOST_THUMBS + 1), item, None):
        assert list(call({"session": session.id, "items": items})) == ["error"]
