"""What the canvas asks of the server, without a browser: honest requests and strangers'."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from functools import partial

import numpy as np
import pytest
from keys import keyed
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
    session, visit = keyed(store)
    pixels, _ = spoil(texture(rng), rng)
    (found,) = tiny_detector.detect([pixels])
    item = session.record(session.add("part.png", pixels).id, found, tiny_detector)
    functions = {each.__name__: partial(each, visit=visit) for each in answers(store)}
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
        decision="defective",
        added=encode_runs(mask),
        removed=encode_runs(~mask & ~zone),
        zone=encode_runs(zone),
        mask=encode_runs(mask),
        labels=[{"x": 5, "y": 4, "label": "scratch"}],
    )
    saved = call(functions, "save", session, item, review=sent)
    assert saved["entry"]["decision"] == "defective"
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
    session.review(item.id, mask=mask, threshold=found.threshold, decision="defective")
    got = call(functions, "open", session, item)["review"]
    proposed = found.mask(found.threshold)
    added, removed = (decode_runs(got[key], *mask.shape) for key in ("added", "removed"))
    np.testing.assert_array_equal((proposed | added) & ~removed, mask)


def test_a_stranger_gets_nothing(desk):
    store, mine, session, item, _ = desk
    other, visit = keyed(store)
    functions = {name: partial(each, visit=visit) for name, each in mine.items()}
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
        answer = mine["open"]({"session": session.id, "item": key})
        assert set(answer) == {"error"}, key
        assert "/" not in answer["error"]
    assert set(functions["open"]("junk")) == {"error"}


def test_a_bad_payload_changes_nothing(desk):
    _, functions, session, item, _ = desk
    call(functions, "save", session, item, review=review(decision="defective"))
    for wrong in (review(mask=[1]), review(threshold="3"), review(off=["x"]), None, 3):
        assert "error" in call(functions, "save", session, item, review=wrong)
    assert session.item(item.id).decision == "defective"
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
    sent = review(threshold=found.threshold, decision="defective", labels=[label])
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


def brought_json(functions, session, item, names, sides, name="a.json"):
    """The answer to a COCO file with squares of these sides in images of these names."""
    images = [
        {"id": i, "file_name": each, "height": 40, "width": 48} for i, each in enumerate(names)
    ]
    rows = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [2, 2, side, side], "segmentation": []}
        for i, side in enumerate(sides)
    ]
    data = json.dumps({"images": images, "annotations": rows, "categories": []}).encode()
    sent = base64.b64encode(data).decode()
    return call(functions, "bring", session, item, name=name, data=sent)


def test_the_only_image_of_a_file_is_meant_or_the_only_one_of_its_name(desk):
    _, functions, session, item, _ = desk
    own = session.item(item.id).name
    for names, sides, wanted in (
        (["else.png"], [3], 9),
        (["else.png", own], [3, 4], 16),
        (["else.png", f"folder/{own}"], [3, 5], 25),
        ([f"folder/{own}", own], [3, 6], 36),
    ):
        got = brought_json(functions, session, item, names, sides)
        assert decode_runs(got["mask"], 40, 48).sum() == wanted, names
        assert got["how"]
    assert "The box was filled" in brought_json(functions, session, item, ["e.png"], [3])["how"]
    for names, why in (
        ([f"a/{own}", f"b/{own}"], "has 2 images, and 2 may be meant"),
        (["x.png", "y.png"], "has 2 images, and none is called like this one"),
        ([], "no image"),
    ):
        assert why in brought_json(functions, session, item, names, [3] * len(names))["error"]


def test_how_a_mask_was_read_is_said(desk):
    _, functions, session, item, _ = desk
    classes = np.zeros((40, 48), np.uint8)
    classes[3:6, 3:6], classes[9:11, 9:11] = 1, 2
    buffer = io.BytesIO()
    Image.fromarray(classes).save(buffer, "PNG")
    data = base64.b64encode(buffer.getvalue()).decode()
    got = call(functions, "bring", session, item, name="any.png", data=data)
    assert "any.png marks 13 pixels; read as" in got["how"]
    assert {label["label"] for label in got["labels"]} == {"class 1", "class 2"}


def test_the_mask_of_another_image_is_copied_where_it_fits(desk, tiny_detector):
    _, functions, session, item, found = desk
    mask = np.zeros(found.score_map.shape, bool)
    mask[3:9, 4:20] = True
    session.review(item.id, mask=mask, threshold=1, decision="defective")
    alike = session.add("alike.png", np.zeros((*mask.shape, 3), np.uint8))
    copied = call(functions, "copy", session, alike, **{"from": item.id})
    assert np.array_equal(decode_runs(copied["mask"], *mask.shape), mask)
    small = session.add("small.png", np.zeros((9, 8, 3), np.uint8))
    refused = call(functions, "copy", session, small, **{"from": item.id})
    assert refused["error"].endswith("this image of 8 x 9: its mask does not fit")
    assert "no such image" in call(functions, "copy", session, item, **{"from": "x"})["error"]


def test_classes_are_texts_and_become_the_first_categories(desk):
    _, functions, session, item, _ = desk
    kept = call(functions, "classes", session, item, names=["dent", " dent", "=scratch"])
    assert kept["classes"] == ["dent", "=scratch"]
    for wrong in (None, "dent", [1], [None]):
        refused = call(functions, "classes", session, item, names=wrong)
        assert refused["error"] == "classes are a list of texts"
    taken = call(functions, "take", session, item, format="coco")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(taken["data"]))) as archive:
        categories = json.loads(archive.read("coco/exact.json"))["categories"]
    assert [each["name"] for each in categories][:2] == ["dent", "=scratch"]
