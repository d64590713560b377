"""Bad inputs: a part of what `python -m benchmarks.hostile` drives, and readers under fuzzing."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keys import keyed

from benchmarks import corpus
from ddad.cli import main
from ddad.data.archive import ArchiveError, extract
from ddad.images.decode import ImageError, load_image
from ddad.images.masks import load_mask
from ddad.model.checkpoint import CheckpointError, read
from ddad.score.calibration import Calibration
from demo.inspect.answers import answers
from demo.inspect.payload import PayloadError, decode_runs
from demo.store.store import Store

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
spoilt_bytes = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=8
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def spoil(data: bytes, changes, keep: float) -> bytes:
    copy = bytearray(data)
    for place, value in changes:
        copy[int(place * len(copy))] = value
    return bytes(copy[: int(keep * len(copy))])


@pytest.fixture(scope="module")
def bad_images(tmp_path_factory):
    return corpus.images(tmp_path_factory.mktemp("bad") / "images")


@pytest.fixture(scope="module")
def encoded():
    return sorted(corpus.encoded().items())


def test_every_bad_image_is_read_or_refused_in_one_sentence(bad_images):
    outcomes = []
    for file in bad_images:
        for load in (load_image, load_mask):
            try:
                load(file)
                outcomes.append("read")
            except ImageError as error:
                assert str(error) and "\n" not in str(error) and len(str(error)) < 700
                outcomes.append("refused")
    assert len(bad_images) > 200
    assert min(outcomes.count("read"), outcomes.count("refused")) > 80  # photographs are no masks


def test_the_command_line_says_one_sentence(bad_images, tiny_checkpoint, tmp_path, capfd):
    names = ("bomb.png", "pipe.png", "absent.png", "nan.tif", "xmp.png", corpus.NAMES["script"])
    for name in names:
        (file,) = (f for f in bad_images if f.name == name)
        command = ["score", "--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "out")]
        code = main([*command, "--", str(file)])
        said = [line for line in capfd.readouterr().err.splitlines() if "image/s" not in line]
        assert code in (0, 1, 2) and len(said) == (code > 0), said


@quick
@given(st.integers(0, 11), spoilt_bytes, st.floats(0.05, 1))
def test_spoilt_pictures_raise_image_errors_alone(encoded, tmp_path, kind, changes, keep):
    suffix, data = encoded[kind]
    file = tmp_path / f"x.{suffix}"
    file.write_bytes(spoil(data, changes, keep))
    for load in (load_image, load_mask):
        try:
            load(file)
        except ImageError as error:
            assert "\n" not in str(error)


@quick
@given(spoilt_bytes, st.floats(0.05, 1))
def test_spoilt_archives_raise_archive_errors_alone(encoded, tmp_path, changes, keep):
    buffer, picture = io.BytesIO(), dict(encoded)["png"]
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(3):
            archive.writestr(f"{index}.png", picture)
    file = tmp_path / "x.zip"
    file.write_bytes(spoil(buffer.getvalue(), changes, keep))
    with tempfile.TemporaryDirectory() as name:
        into = Path(name) / "into"
        try:
            rows = extract(file, into)
        except ArchiveError as error:
            assert "\n" not in str(error) and not any(into.rglob("*"))
        else:
            assert {row.path for row in rows if row.path} == {*into.rglob("*")}
        assert {*Path(name).iterdir()} <= {into}


@quick
@given(st.data())
def test_a_calibration_is_read_whole_or_refused(tiny_checkpoint, data):
    values = json.loads((tiny_checkpoint / "calibration.json").read_text())
    assert Calibration.from_json(json.dumps(values))
    for key in data.draw(st.sets(st.sampled_from(sorted(values)), min_size=1, max_size=3)):
        values[key] = data.draw(json_values)
    try:
        found = Calibration.from_json(json.dumps(values))
    except ValueError:
        return
    assert np.isfinite([*found.normal_scores, found.threshold, found.map_low, found.map_high]).all()
    assert 0 < found.target_fpr < 1 and found.n >= 0


@settings(quick, max_examples=25)
@given(st.data())
def test_a_checkpoint_is_read_whole_or_refused(tiny_checkpoint, tmp_path, data):
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(tiny_checkpoint, copy, ignore=shutil.ignore_patterns("run"))
    files = sorted(f for f in copy.rglob("*") if f.suffix in (".json", ".safetensors"))
    file = data.draw(st.sampled_from(files))
    if file.suffix == ".json" and data.draw(st.booleans()):
        values = json.loads(file.read_text())
        values[data.draw(st.sampled_from(sorted(values)))] = data.draw(json_values)
        file.write_text(json.dumps(values))
    else:
        content = file.read_bytes()
        file.write_bytes(spoil(content, data.draw(spoilt_bytes), data.draw(st.floats(0, 1))))
    try:
        read(copy)
    except CheckpointError as error:
        assert "\n" not in str(error)


@pytest.fixture(scope="module")
def desk(tiny_detector, tmp_path_factory):
    """The functions that the canvas calls, a session and a scored item in it."""
    store = Store(tmp_path_factory.mktemp("work"))
    (session, visit), pixels = keyed(store), corpus.picture(0, 40, 48)
    item = session.add("part.png", pixels)
    session.record(item.id, tiny_detector.detect([pixels])[0], tiny_detector)
    calls = {call.__name__: partial(call, visit=visit) for call in answers(store)}
    return calls, session, item.id


HONEST = {
    "threshold": 1.5,
    "least": 1,
    "fill": False,
    "decision": "defective",
    "reviewer": "me",
    "off": [],
    "labels": [{"x": 1, "y": 2, "label": "dent"}],
    "zone": None,
    "mask": [0, 40 * 48],
    "added": None,
    "removed": [40 * 48],
}
odd_values = json_values | st.sampled_from(
    [10**400, -(10**30), 1e308, "x" * 5000, [10**400], [[1]]]
)


@quick
@given(st.data())
def test_what_the_canvas_sends_is_kept_or_refused_in_one_sentence(desk, data):
    calls, session, item = desk
    review = dict(HONEST)
    for key in data.draw(st.sets(st.sampled_from(sorted(review)), max_size=3)):
        review[key] = data.draw(odd_values)
    request = {"session": session.id, "item": item, "review": review, "items": [item]}
    request |= {"format": "mask", "data": "aGk="}
    for key in data.draw(st.sets(st.sampled_from(sorted(request)), max_size=1)):
        request[key] = data.draw(odd_values)
    for name, call in calls.items():
        answer = call(json.loads(json.dumps(request)))
        assert isinstance(answer, dict), name
        if "error" in answer:
            assert answer["error"] and "\n" not in answer["error"] and len(answer["error"]) < 700
    assert calls["save"]({"session": session.id, "item": item, "review": HONEST}).keys() == {
        "entry"
    }


@pytest.mark.parametrize("wrong", [None, True, 10**400, float("nan"), "\ud800", "\0", [], {}, -1])
def test_a_wrong_value_anywhere_in_a_request_is_told(desk, wrong):
    calls, session, item = desk
    request = {
        "session": session.id,
        "item": item,
        "items": [item],
        "format": "mask",
        "data": "aGk=",
    }
    for key in HONEST:
        calls["save"](request | {"review": HONEST | {key: wrong}})
    for key in (*request, "review"):
        for call in calls.values():
            answer = call(request | {"review": HONEST, key: wrong})
            assert "\n" not in answer.get("error", "")


@quick
@given(odd_values, st.integers(1, 50), st.integers(1, 50))
def test_run_lengths_are_a_mask_or_refused(runs, height, width):
    try:
        mask = decode_runs(runs, height, width)
    except PayloadError:
        return
    assert mask.shape == (height, width)
