"""Photographs to train on: kept under names of our own, put aside, counted, deleted."""

from __future__ import annotations

import pytest

from demo.limits import Limits
from demo.store.store import Store, StoreError


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "given"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(name.encode() * 1000)
    return sorted(folder.iterdir())


def taken(store, files):
    session = store.open(None)
    for file in files:
        session.photographs.add(file, f"../{file.name}")
    return session


def test_they_come_back_in_the_order_they_came_under_the_names_given(tmp_path, files):
    session = taken(Store(tmp_path / "work"), files[::-1])
    again = Store(tmp_path / "work").open(session.id).photographs
    assert list(again.names().values()) == ["../c.png", "../b.png", "../a.png"]
    assert [f.read_bytes()[:1] for f in again.files()] == [b"c", b"b", b"a"]
    assert {f.parent for f in again.files()} == {again.folder}
    assert Store(tmp_path / "work").open(None).photographs.names() == {}


def test_left_out_photographs_are_put_aside_and_still_count(tmp_path, files):
    store = Store(tmp_path / "work", Limits(photographs=3))
    session, other = taken(store, files), taken(store, files)
    photographs = session.photographs
    first = photographs.files()[0]
    photographs.leave_out([first.name, "../store.sqlite", other.photographs.files()[1].name])
    assert len(photographs.files()) == 2 and not first.exists()
    (aside,) = photographs.left_out()
    assert aside.read_bytes() == b"a" * 1000 and aside.parent != photographs.folder
    assert session.used() == (3000, 0)
    store.sweep(grace_s=-1)
    assert aside.exists() and all(file.exists() for file in photographs.files())
    photographs.add(files[0], "a.png")  # there is room for three in use
    with pytest.raises(StoreError, match="more than 3 photographs"):
        photographs.add(files[0], "a.png")
    photographs.delete_left_out()
    assert session.used() == (3000, 0) and not aside.exists() and photographs.left_out() == []
    assert len(photographs.files()) == len(other.photographs.files()) == 3


def test_the_table_of_parts_is_no_leaving_and_names_those_in_use(tmp_path, files):
    store = Store(tmp_path / "work")
    photographs = taken(store, files).photographs
    assert photographs.parts() == {}
    for file in files:
        photographs.add(file, file.name, part='of "two", a, b')
    photographs.add(files[0], "d.png", part="other\nline")
    photographs.leave_out([list(photographs.parts())[1]])
    photographs.write_parts()
    store.sweep(grace_s=-1)
    header, *rows = (photographs.folder / "groups.csv").read_text().splitlines()
    assert header == "file,part" and len({row.split(",")[1] for row in rows}) == 2
    assert [row.split(",")[0] for row in rows] == list(photographs.parts())
    assert len(rows) == 3 and "groups.csv" not in photographs.names()


def test_images_decisions_and_photographs_share_one_quota(tmp_path, files):
    session = taken(Store(tmp_path / "work", Limits(quota_bytes=3500)), files[:2])
    failed = session.fail("n" * 600, "e" * 600)
    assert session.used() == (3200, 1)
    with pytest.raises(StoreError, match="of at most 0.0 MB: export your work and remove images"):
        session.photographs.add(files[2], "c.png")
    assert len(list(session.photographs.folder.iterdir())) == 2
    session.remove(failed.id)
    session.photographs.add(files[2], "c.png")
    assert session.used() == (3000, 0)


def test_the_decision_log_counts(tmp_path):
    import numpy as np

    session = Store(tmp_path).open(None)
    item = session.add("part", np.zeros((5, 6, 3), np.uint8)).id
    mask = np.zeros((5, 6), bool)
    session.review(item, mask=mask, threshold=1, decision="defective", reviewer="A" * 90)
    session.clear()
    (line,) = session.log()
    assert session.used() == (len(line.name + line.reviewer) + len("[]"), 0)


def test_the_findings_are_kept_and_count(tmp_path, files):
    session = taken(Store(tmp_path), files)
    assert session.photographs.findings() == {}
    session.photographs.keep_findings({"of": ["é"], "left": 1})
    assert Store(tmp_path).open(session.id).photographs.findings() == {"of": ["é"], "left": 1}
    assert 3000 < session.used()[0] < 3100


def test_those_asked_about_are_in_use_when_a_person_says_so(tmp_path, files):
    store = Store(tmp_path / "work", Limits(photographs=2))
    session = store.open(None)
    for file, where in zip(files, ("x: ok", "x: crack", "x: crack"), strict=True):
        session.photographs.add(file, file.name, where)
    photographs = Store(tmp_path / "work", Limits(photographs=2)).open(session.id).photographs
    assert photographs.asked() == {"x: ok": 1, "x: crack": 2}
    assert not photographs.names() and not photographs.left_out() and session.used()[0] == 3000
    photographs.delete_left_out()  # those that were put aside, not those asked about
    assert store.sweep(grace_s=-1) == 0 and sum(photographs.asked().values()) == 3
    with pytest.raises(StoreError, match="more than 2 photographs or .* MB: tick fewer folders"):
        photographs.answer(["x: ok", "x: crack"])
    assert sum(photographs.asked().values()) == 3 and not photographs.names()
    assert photographs.answer(["x: ok", "y"]) == 1
    assert not photographs.asked() and list(photographs.names().values()) == ["a.png"]
    (kept,) = photographs.files()
    assert kept.read_bytes() == b"a" * 1000 and session.used()[0] == 1000
    assert [p.parent.name for p in (tmp_path / "work").rglob("*.png")] == ["photographs"]
