"""From a session into files and back again."""

from __future__ import annotations

import csv
import io
import json
import zipfile

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.images.regions import RegionLabel
from demo.shared import exchange
from demo.store.store import Store, StoreError


@pytest.fixture
def session(tmp_path, tiny_detector):
    """Three scored images: one defective, one good, one undecided; and a broken one."""
    session = Store(tmp_path / "work").open(None)
    rng = np.random.default_rng(2)
    for name in ("a.png", "b.png", "c.png"):
        image, _ = spoil(texture(rng), rng)
        session.record(session.add(name, image).id, tiny_detector.detect([image])[0], tiny_detector)
    session.fail("d.png", "d.png is empty (0 bytes)")
    first, second, *_ = session.items()
    at = first.score - 1
    y, x = np.argwhere(session.score_map(first.id) > at)[0]
    labels = [RegionLabel(int(x), int(y), "=dent")]
    session.review(first.id, mask=None, threshold=at, decision="defective", regions=labels)
    drawn = np.zeros((40, 48), bool)
    drawn[5:15, 5:30] = True
    drawn[8:10, 8:12] = False
    session.review(second.id, mask=drawn, threshold=at, decision="good", reviewer="Ann")
    return session


def unzip(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_export_holds_what_was_decided(session, tmp_path, tiny_detector):
    assert exchange.export(session, ["masks", "csv", "maps"], tmp_path / "x.zip") == 3
    files = unzip(tmp_path / "x.zip")
    for item, stem in zip(session.items()[:3], "abc", strict=True):
        mask = Image.open(io.BytesIO(files[f"masks/{stem}.png"]))
        assert np.array_equal(np.asarray(mask), session.final_mask(item.id) * np.uint8(255))
    rows = list(csv.DictReader(io.StringIO(files["scores.csv"].decode("utf-8-sig"))))
    assert [row["decision"] for row in rows] == ["defective", "good", "undecided"]
    assert [row["verdict"] for row in rows[:2]] == [
        "defective" if item.score > item.threshold else "good" for item in session.items()[:2]
    ]
    assert "=dent" in rows[0]["labels"] and rows[0]["labels"][0] != "="
    assert {row["fingerprint"] for row in rows} == {tiny_detector.fingerprint}
    log = list(csv.DictReader(io.StringIO(files["decisions.csv"].decode("utf-8-sig"))))
    assert [(r["name"], r["decision"], r["reviewer"]) for r in log] == [
        ("a.png", "defective", ""),
        ("b.png", "good", "Ann"),
    ]
    run = json.loads(files["run.json"])
    assert [image["edited"] for image in run["images"]] == [False, True, False]

    assert exchange.export(session, ["masks"], tmp_path / "y.zip", decisions=["good"]) == 1
    assert set(unzip(tmp_path / "y.zip")) == {"masks/b.png", "decisions.csv", "run.json"}
    one = session.items()[2].id
    assert exchange.export(session, ["masks"], tmp_path / "z.zip", items=[one]) == 1
    with pytest.raises(ValueError, match="there is nothing to export"):
        exchange.export(session, ["masks"], tmp_path / "n.zip", decisions=["skipped"])


def test_another_sessions_items_do_not_leave(session, tmp_path):
    stranger = Store(tmp_path / "work").open(None)
    with pytest.raises(StoreError, match="there is no such image in this session"):
        exchange.export(stranger, ["masks"], tmp_path / "x.zip", items=[session.items()[0].id])
    assert not (tmp_path / "x.zip").exists()
