"""What the canvas asks of the server, without a browser: honest requests and strangers'."""

from __future__ import annotations

import base64
import io
import json
import zipfile

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.export.bundle import FORMATS
from demo.inspect.answers import answers
from demo.inspect.payload import decode_runs, encode_runs
from demo.store.store import Store


@pytest.fixture
def desk(tmp_path, tiny_detector):
    """The functions by name, a session, its one item, and what was found in it."""
    store, rng = Store(tmp_path), np.random.default_rng(5)
    session = store.open(None)
    pixels, _ = spoil(texture(rng), rng)
    (found,) = tiny_detector.detect([pixels])
    item = session.record(session.add("part.png", pixels).id, found, tiny_detector)
    functions = {function.__name__: function for function in answers(store)}
    return store, functions, session, item, found


def review(**changes):
    empty = {"added": None, "removed": None, "zone": None, "mask": None}
    base = {"threshold": 3.0, "least": 1, "fill": False, "decision": "undecided", "off": []}
    return base | {"reviewer": "Ada", "labels": []} | empty | changes


def call(functions, act, session, item, **rest):
    answer = functions[act]({"session": session.id, "item": item.id} | rest)
    return json.loads(json.dumps(answer))


def test_what_is_saved_is_what_is_opened_and_taken(desk):
    _, functions, session, item, found = desk
    mask = np.zeros(found.score_map.shape, bool)
    mask[3:9, 4:20] = True
    zone = np.zeros_like(mask)
    zone[30:, :] = True
    sent = review(
        decision="corrected",
        added=encode_runs(mask),
        removed=encode_runs(~mask & ~zone),
        zone=encode_runs(zone),
        mask=encode_runs(mask),
        labels=[{"x": 5, "y": 4, "label": "scratch"}],
    )
    saved = call(functions, "save", session, item, review=sent)
    assert saved["entry"]["decision"] == "corrected"
    assert saved["entry"]["score"] == pytest.approx(float(found.score_map[~zone].max()))
    assert call(functions, "open", session, item)["review"] == sent
    taken = call(functions, "take", session, item, format="mask")
    picture = Image.open(io.BytesIO(base64.b64decode(taken["data"])))
    np.testing.assert_array_equal(np.asarray(picture), mask * np.uint8(255))
    assert taken["name"] == "part_mask.png"


def test_a_review_made_elsewhere_opens_as_strokes(desk):
    _, functions, session, item, found = desk
    mask = np.zeros(found.score_map.shape, bool)
    mask[2:6, 2:30] = True
    session.review(item.id, mask=mask, threshold=found.threshold, decision="corrected")
    got = call(functions, "open", session, item)["review"]
    proposed = found.mask(found.threshold)
    added, removed = (decode_runs(got[key], *mask.shape) for key in ("added", "removed"))
    np.testing.assert_array_equal((proposed | added) & ~removed, mask)


def test_a_stranger_gets_nothing(desk):
    store, functions, session, item, _ = desk
    other = store.open(None)
    for name, rest in (
        ("open", {}),
        ("save", {"review": review()}),
        ("take", {"format": "mask"}),
        ("bring", {"data": ""}),
    ):
        assert set(call(functions, name, other, item, **rest)) == {"error"}
    assert set(functions["thumbs"]({"session": other.id, "items": [item.id]})) == {"error"}
    for key in ("", None, 7, "0" * 32, "../" + session.id, session.id + "/..", session.id.upper()):
        answer = functions["open"]({"session": key, "item": item.id})
        if key != session.id:
            assert set(answer) == {"error"}, key
    for key in ("../../store.sqlite", "..", "", None, 3, "f" * 16, item.id + "\n", [item.id]):
        answer = functions["open"]({"session": session.id, "item": key})
        assert set(answer) == {"error"}, key
        assert "/" not in answer["error"]
    assert set(functions["open"]("junk")) == {"error"}


def test_a_bad_payload_changes_nothing(desk):
    _, functions, session, item, _ = desk
    call(functions, "save", session, item, review=review(decision="accepted"))
    for wrong in (review(mask=[1]), review(threshold="3"), review(off=["x"]), None, 3):
        assert "error" in call(functions, "save", session, item, review=wrong)
    assert session.item(item.id).decision == "accepted"
    assert "error" in call(functions, "take", session, item, format="../mask")
    assert "error" in functions["thumbs"]({"session": session.id, "items": ["a"] * 61})


def test_a_mask_is_brought_in(desk):
    _, functions, session, item, found = desk
    mask = np.zeros(found.score_map.shape, bool)
    mask[5:10, 6:12] = True

    def bring(array):
        buffer = io.BytesIO()
        Image.fromarray(array).save(buffer, "PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        return call(functions, "bring", session, item, name="mask.png", data=data)

    got = bring(mask.astype(np.uint8) * 255)["mask"]
    np.testing.assert_array_equal(decode_runs(got, *mask.shape), mask)
    assert "48 x 40" in bring(np.zeros((7, 9), np.uint8))["error"]
    for data in (base64.b64encode(b"no picture").decode(), "%%%", None):
        answer = call(functions, "bring", session, item, name="m.png", data=data)
        assert "error" in answer and "/" not in answer["error"]


def test_every_format_leaves_and_coco_comes_back(desk):
    _, functions, session, item, found = desk
    label = {"x": 0, "y": 0, "label": "dent"}
    row, column = (int(v) for v in np.unravel_index(found.score_map.argmax(), (40, 48)))
    label |= {"x": column, "y": row}
    sent = review(threshold=found.threshold, decision="accepted", labels=[label])
    call(functions, "save", session, item, review=sent)
    archives = {}
    for kind in (*FORMATS, "all"):
        taken = call(functions, "take", session, item, format=kind)
        assert taken["name"] == f"part_{kind}.zip"
        archives[kind] = zipfile.ZipFile(io.BytesIO(base64.b64decode(taken["data"])))
        assert archives[kind].testzip() is None
    assert set(archives["coco"].namelist()) < set(archives["all"].namelist())
    (name,) = [n for n in archives["coco"].namelist() if n.endswith(".json") and "coco" in n][:1]
    data = base64.b64encode(archives["coco"].read(name)).decode()
    got = call(functions, "bring", session, item, name="annotations.json", data=data)
    mask = decode_runs(got["mask"], 40, 48)
    assert (mask & found.mask()).sum() / (mask | found.mask()).sum() > 0.9
    assert "dent" in {each["label"] for each in got["labels"]}
