from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from ddad.work.ledger import Ledger

ROW = {"file": "in/a.png", "score": 0.25, "anomalous": False}


def filled(path, count=1):
    ledger = Ledger(path)
    for i in range(count):
        ledger.add((f"{i}.png", 10, i), ROW | {"file": f"{i}.png"})
    return ledger


def test_what_was_added_is_there_after_a_new_start(tmp_path):
    path = tmp_path / "ledger.sqlite"
    filled(path, 3).close()
    with closing(Ledger(path)) as ledger:
        assert ledger.versions() == {(f"{i}.png", 10, i) for i in range(3)}
        assert [row["file"] for row in ledger.rows()] == ["0.png", "1.png", "2.png"]


@pytest.mark.parametrize("raw", [b"caf\xe9.png", b"\xff\xfe/\x80.png", "ü/漢.png".encode()])
def test_a_name_in_any_bytes_comes_back(tmp_path, raw):
    name = os.fsdecode(raw)
    with closing(Ledger(tmp_path / "ledger.sqlite")) as ledger:
        ledger.add((name, 1, 2), ROW | {"file": name})
        assert ledger.versions() == {(name, 1, 2)} and ledger.rows()[0]["file"] == name


def test_a_full_ledger_refuses_one_row_whole_and_takes_it_later(tmp_path):
    with closing(filled(tmp_path / "ledger.sqlite")) as ledger:
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages}")
        large = ROW | {"note": "x" * 50_000}
        with pytest.raises(OSError, match="cannot be used: database or disk is full"):
            ledger.add(("large.png", 1, 1), large)
        assert len(ledger.versions()) == len(ledger.rows()) == 1
        ledger._db.execute(f"PRAGMA max_page_count = {pages + 100}")
        ledger.add(("large.png", 1, 1), large)
        assert len(ledger.versions()) == 2


def test_a_ledger_that_another_program_holds_may_pass(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with closing(filled(path)) as ledger, closing(sqlite3.connect(path)) as other:
        ledger._db.execute("PRAGMA busy_timeout = 10")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="locked"):
            ledger.add(("b.png", 1, 1), ROW)
        other.rollback()
        ledger.add(("b.png", 1, 1), ROW)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: path.write_bytes(b"no database at all" * 400),
        lambda path: path.write_bytes(path.read_bytes()[:5000]),
        lambda path: _execute(path, "UPDATE scored SET row = 'half a li'"),
        lambda path: _execute(path, "ALTER TABLE scored RENAME COLUMN mtime TO other"),
    ],
    ids=["noise", "cut", "row", "columns"],
)
def test_a_damaged_ledger_is_a_sentence_and_stays_as_it_is(tmp_path, spoil):
    path = tmp_path / "ledger.sqlite"
    filled(path, 60).close()
    spoil(path)
    before = path.read_bytes()
    said = "is damaged .*: put a copy of it back, or move it away"
    with pytest.raises(ValueError, match=said), closing(Ledger(path)) as ledger:
        ledger.versions()
        ledger.rows()
    assert path.read_bytes() == before


def _execute(path, command):
    with closing(sqlite3.connect(path)) as db:
        db.execute(command)
        db.commit()


def test_a_ledger_without_its_folder_or_replaced_is_noticed(tmp_path):
    with pytest.raises(OSError, match="unable to open"):
        Ledger(tmp_path / "none" / "ledger.sqlite")
    path = tmp_path / "ledger.sqlite"
    with closing(filled(path)) as ledger:
        ledger.check()
        shutil.copy(path, tmp_path / "copy")
        os.replace(tmp_path / "copy", path)
        with pytest.raises(OSError, match="another took its place"):
            ledger.check()
        path.unlink()
        with pytest.raises(OSError, match="is gone"):
            ledger.check()
