"""What JavaScript may call: functions by their names, and thumbnails of one's own items alone."""

from __future__ import annotations

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from keys import keyed
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
    session, visit = keyed(store)
    mine = session.id
    assert call({"session": mine, "item": 3}, visit) == {"seen": mine, "sent": 3}
    for request in ({"session": "0" * 32, "item": 3}, {"item": 3}, "junk", None):
        assert list(call(request, visit)) == ["error"]


def test_who_knows_a_sessions_id_alone_gets_nothing(store):
    (call,) = answering(store, open_)
    session, _ = keyed(store)
    _, stranger = keyed(store)
    for cookies in (stranger.cookies, {}, {"ddad": session.id}, {"ddad": "0" * 64}):
        found = call({"session": session.id, "item": 3}, SimpleNamespace(cookies=cookies))
        assert list(found) == ["error"]


def test_thumbnails_are_small_pictures_of_ones_own_items(store):
    (session, visit), pixels = keyed(store), texture(np.random.default_rng(0), 300, 200)
    item = session.add("a.png", pixels).id
    (call,) = answering(store, thumbs)
    found = call({"session": session.id, "items": [item]}, visit)["thumbs"]
    kind, data = found[item].split(",")
    assert kind == "data:image/jpeg;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(data)))
    assert max(picture.size) == 192
    assert np.abs(np.asarray(picture).mean() - pixels.mean()) < 3
    other, stranger = keyed(store)
    assert list(call({"session": other.id, "items": [item]}, stranger)) == ["error"]
    assert "error" not in call({"session": session.id, "items": [item] * MOST_THUMBS}, visit)
    for items in ([item] * (MOST_THUMBS + 1), item, None):
        assert list(call({"session": session.id, "items": items}, visit)) == ["error"]
