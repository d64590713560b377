"""Stores of earlier versions: read over once, whole, whenever the reading is killed."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
from parts import ROOT

from demo.store.store import Store, StoreError
from demo.train.queue import Queue

KEY = "0123456789abcdef" * 2
VERSION_1 = """
CREATE TABLE "session" ("id" TEXT NOT NULL PRIMARY KEY, "created" REAL NOT NULL,
  "touched" REAL NOT NULL);
CREATE INDEX "session_touched" ON "session" ("touched");
CREATE TABLE "item" ("id" TEXT NOT NULL PRIMARY KEY, "session_id" TEXT NOT NULL,
  "name" TEXT NOT NULL, "note" TEXT NOT NULL, "state" TEXT NOT NULL, "error" TEXT NOT NULL,
  "width" INTEGER NOT NULL, "height" INTEGER NOT NULL, "added" TEXT NOT NULL, "score" REAL,
  "area" INTEGER, "regions" INTEGER, "result" TEXT, "review" TEXT, "decision" TEXT NOT NULL,
  "files" TEXT NOT NULL, "bytes" INTEGER NOT NULL,
  FOREIGN KEY ("session_id") REFERENCES "session" ("id") ON DELETE CASCADE);
CREATE INDEX "item_session_id" ON "item" ("session_id");
CREATE TABLE "log" ("id" INTEGER NOT NULL PRIMARY KEY, "session_id" TEXT NOT NULL,
  "at" TEXT NOT NULL, "item" TEXT NOT NULL, "name" TEXT NOT NULL, "reviewer" TEXT NOT NULL,
  "decision" TEXT NOT NULL, "threshold" REAL NOT NULL, "min_area" INTEGER NOT NULL,
  "area" INTEGER NOT NULL, "model" TEXT NOT NULL, "fingerprint" TEXT NOT NULL,
  "labels" TEXT NOT NULL,
  FOREIGN KEY ("session_id") REFERENCES "session" ("id") ON DELETE CASCADE);
CREATE INDEX "log_session_id" ON "log" ("session_id");
"""


def as_version_1(root):
    """Make a store's database one of version 1; its files were the same."""
    new, old = sqlite3.connect(root / "store.sqlite"), sqlite3.connect(root / "old.sqlite")
    old.executescript(VERSION_1 + "PRAGMA user_version = 1; PRAGMA journal_mode = wal;")
    for table in ("session", "item", "log"):
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        rows = new.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        old.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    for folder in (root / "sessions").glob("*/*"):  # its bytes were those of its files
        size = sum(file.stat().st_size for file in folder.iterdir())
        old.execute("UPDATE item SET bytes = ? WHERE id = ?", (size, folder.name))
    old.commit()
    new.close()
    old.close()
    for file in root.glob("store.sqlite*"):
        file.unlink()
    os.replace(root / "old.sqlite", root / "store.sqlite")


def reviewed(store):
    session = store.open(None)
    item = session.add("part.png", np.full((5, 6, 3), 7, np.uint8), "a note").id
    mask = np.eye(5, 6, dtype=bool)
    labels = [{"x": 1, "y": 1, "label": "dent"}]
    session.review(item, mask=mask, threshold=1, decision="defective", regions=labels)
    return session, item


def old_folder(root, key=KEY, job=None, models=("m",)):
    """A visitor's folder as the version before this one left it."""
    folder = root / "training" / key
    aside = folder / "photos" / ".left_out"
    aside.mkdir(parents=True)
    for name in ("00.png", "01.png", "stray.png"):
        (folder / "photos" / name).write_bytes(name.encode() * 100)
    (aside / "02.png").write_bytes(b"aside")
    (folder / "photos" / "names.json").write_text(
        json.dumps({"00.png": "part é.png", "01.png": "b.png", "gone.png": "c.png"})
    )
    for name in models:
        (folder / "models" / name / "run" / "preview").mkdir(parents=True)
        (folder / "models" / name / "ddad.json").write_text("{}")
        (folder / "models" / name / "run" / "log.jsonl").write_text(name)
    if job:
        values = {"name": "m", "branch": "feature", "minutes": 5.0, "fpr": 0.05, "since": 1.5}
        values |= {"pid": 0, "born": 0.0, "attempts": 1, "message": ""} | job
        (folder / "job.json").write_text(json.dumps(values))
    (folder / "output.txt").write_text("ddad train: no\n")
    return folder


def held(session):
    """All that a session trains on and has trained."""
    trained, photographs = session.trained, session.photographs
    folders = [trained.path(name) for name in trained.models()]
    names = photographs.names().items()
    return {
        "photographs": [(name, (photographs.folder / f).read_bytes()) for f, name in names],
        "left out": [file.read_bytes() for file in photographs.left_out()],
        "models": {
            str(file.relative_to(folder.parent)): file.read_bytes()
            for folder in folders
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        },
        "training": trained.training(),
        "bytes": session.used()[0],
    }


def _columns(database, table):
    return {row[1:3] for row in database.execute(f"PRAGMA table_info({table})")}


def test_a_database_of_version_1_goes_on_with_nothing_lost(tmp_path):
    before, item = reviewed(Store(tmp_path / "a"))
    kept, log, used = before.item(item), before.log(), before.used()
    as_version_1(tmp_path / "a")
    store = Store(tmp_path / "a")
    session = store.open(before.id)
    assert session.id == before.id and session.log() == log
    assert session.item(item) == replace(kept, digest="", revision=0)
    assert session.digest(item) == kept.digest  # of its pixels, as it was not kept
    assert session.used() == used  # the texts of its rows count now
    session.review(item, mask=None, threshold=2, decision="good")
    assert len(session.log()) == 2 and store.sweep(grace_s=-1) == 0
    assert not session.photographs.names() and session.trained.training() is None
    Store(tmp_path / "b")

    def columns(root):
        with sqlite3.connect(root / "store.sqlite") as database:
            names = database.execute("SELECT name FROM sqlite_master ORDER BY 1").fetchall()
            tables = [name for (name,) in names]
            found = {
                t: {r[1:3] for r in database.execute(f"PRAGMA table_info({t})")} for t in tables
            }
        database.close()
        return found

    assert columns(tmp_path / "a") == columns(tmp_path / "b")


def test_an_old_folder_becomes_a_session_of_the_same_id(tmp_path):
    folder = old_folder(tmp_path, job={"state": "paused"}, models=("m", "other"))
    seen = time.time() - 1000
    os.utime(folder, (seen, seen))
    store = Store(tmp_path)
    session = store.find(KEY)
    assert store._tables.sessions.get(id=KEY).touched == pytest.approx(seen)
    assert session.photographs.names() == {"00.png": "part é.png", "01.png": "b.png"}
    assert [f.read_bytes() for f in session.photographs.left_out()] == [b"aside"]
    assert session.trained.models() == ["other"]  # the other one is not over
    assert (session.trained.training().state, session.trained.training().since) == ("paused", 1.5)
    assert (session.trained.run_folder() / "log.jsonl").read_text() == "m"
    assert (session.trained.run_folder() / "output.txt").exists()
    assert not (tmp_path / "training").exists()
    before = held(session)
    store.sweep(grace_s=-1)
    assert held(Store(tmp_path).find(KEY)) == before


def test_one_that_has_expired_goes(tmp_path):
    os.utime(old_folder(tmp_path), (1e9, 1e9))
    assert Store(tmp_path).find(KEY) is None
    assert not (tmp_path / "training").exists() and not list((tmp_path / "sessions").iterdir())


def test_what_a_training_still_writes_to_is_left_until_it_ends(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        born = psutil.Process(child.pid).create_time()
        old_folder(tmp_path, job={"state": "running", "pid": child.pid, "born": born})
        old_folder(tmp_path, "f" * 32, job={"state": "waiting"})
        queue = Queue(Store(tmp_path))
        queue.tick()
        waiting = queue.store.find("f" * 32)
        assert queue.store.find(KEY) is None and (tmp_path / "training" / KEY).is_dir()
        assert waiting.trained.training().state == "waiting"  # one at a time
        mine = queue.store.open(None)
        with pytest.raises(StoreError, match="goes on"):
            queue.join(mine, KEY)
        queue.cancel(waiting)
    queue.tick()
    session = queue.store.find(KEY)
    assert session.trained.training().state == "failed"  # by its last words
    assert session.trained.training().message == "no"
    queue.join(mine, KEY)
    assert len(mine.photographs.names()) == 2


def test_a_browsers_old_key_joins_its_session_once(tmp_path):
    old_folder(tmp_path, job={"state": "paused"}, models=("m", "other"))
    store = Store(tmp_path)
    mine, item = reviewed(store)
    taken = mine.trained.new_model("other")
    taken.mkdir(parents=True)
    (taken / "ddad.json").write_text("[]")
    mine.trained.take_in("other")
    mine.photographs.add(taken / "ddad.json", "mine.png")
    for stranger in (None, 7, "", "../x", mine.id, store.open(None).id, "a" * 32):
        store.join(mine, stranger)  # nothing of an earlier version
    assert mine.trained.models() == ["other"]
    store.join(mine, KEY)
    assert sorted(mine.photographs.names().values()) == ["b.png", "mine.png", "part é.png"]
    assert mine.trained.models() == ["other", "other-2"]
    assert (mine.trained.path("other") / "ddad.json").read_text() == "[]"
    assert (mine.trained.path("other-2") / "run" / "log.jsonl").read_text() == "other"
    assert mine.trained.training().name == "m" and mine.trained.training().state == "paused"
    assert mine.item(item).decision == "defective" and len(mine.photographs.left_out()) == 1
    assert store.find(KEY) is None and not (tmp_path / "sessions" / KEY).exists()
    before = held(mine)
    store.join(mine, KEY)
    store.sweep(grace_s=-1)
    assert held(mine) == before


def test_two_trainings_that_are_not_over_are_not_joined(tmp_path):
    old_folder(tmp_path, job={"state": "paused"})
    queue = Queue(Store(tmp_path))
    mine = queue.store.open(None)
    for name in "ab":
        (tmp_path / name).write_bytes(b"x")
        mine.photographs.add(tmp_path / name, name)
    queue.start(mine, "m", "feature", 5, 0.05)
    with pytest.raises(StoreError, match="goes on"):
        queue.join(mine, KEY)
    assert queue.store.find(KEY).trained.training().state == "paused"
    queue.cancel(mine)
    queue.join(mine, KEY)
    assert mine.trained.training().state == "paused"


KILLED = """
import os, shutil, signal, sys
from pathlib import Path
import peewee
from demo.store.store import Store

def until(number):
    left = number
    def counted(call):
        def one(*given, **named):
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*given, **named)
        return one
    for name in ("link", "utime", "unlink", "rmdir", "mkdir"):
        setattr(os, name, counted(getattr(os, name)))
    for name in ("execute_sql", "commit"):
        setattr(peewee.SqliteDatabase, name, counted(getattr(peewee.SqliteDatabase, name)))

def work(root, session):
    store = Store(root)
    if session:
        store.join(store.find(session), sys.argv[2])

source, session = Path(sys.argv[1]), sys.argv[3]
for number in range(1, 1000):
    root = source.with_name(f"killed{number}")
    shutil.copytree(source, root)
    child = os.fork()
    if not child:
        until(number)
        work(root, session)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    child = os.fork()
    if not child:
        work(root, session)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, number
print(number)
"""


@pytest.mark.parametrize("what", ["read over", "join"])
def test_a_kill_at_any_step_loses_nothing(tmp_path, what):
    source = tmp_path / "source"
    mine, item = reviewed(Store(source))
    as_version_1(source)
    old_folder(source, job={"state": "done"})
    session = mine.id if what == "join" else ""
    if what == "join":
        Store(source)
    command = [sys.executable, "-c", KILLED, str(source), KEY, session]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    steps = int(done.stdout)
    assert steps > 30
    results = []
    for number in range(1, steps + 1):  # the last one was not killed
        store = Store(tmp_path / f"killed{number}")
        store.sweep(grace_s=-1)
        results.append(held(store.find(session or KEY)))
        assert store.find(mine.id).item(item).decision == "defective"
        assert len(store.find(mine.id).log()) == 1
        assert not (tmp_path / f"killed{number}" / "training").exists()
    assert results[-1]["models"].keys() == {"m/ddad.json", "m/run/log.jsonl", "m/run/output.txt"}
    assert len(results[-1]["photographs"]) == 2 and len(results[-1]["left out"]) == 1
    assert all(found == results[-1] for found in results)


def test_a_database_of_version_2_goes_on_and_keeps_what_names_said(tmp_path):
    session = Store(tmp_path).open(None)
    pixels, mask = np.full((5, 6, 3), 7, np.uint8), np.eye(5, 6, dtype=bool)
    (tmp_path / "p.png").write_bytes(b"p")
    session.photographs.add(tmp_path / "p.png", "p.png")
    bad, plain = session.add("set/test/dent/0.png", pixels), session.add("a.png", pixels)
    for item in (bad, plain):
        session.set_truth(item.id, mask)
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        database.execute("DROP INDEX session_key")
        for table, column in (
            *(("session", "imported"), ("session", "classes")),
            *(("photograph", "asked"), ("photograph", "part")),
            *(("item", "kind"), ("item", "digest"), ("training", "seconds")),
            *(("training", "keeps"), ("session", "key"), ("item", "revision")),
        ):
            database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in ("waiting", "before"):
            database.execute(f'DROP TABLE "{table}"')
        database.execute("PRAGMA user_version = 2")
    database.close()
    again = Store(tmp_path).open(session.id)
    assert [item.kind for item in again.items()] == ["dent", ""]
    assert again.truth(bad.id).sum() == mask.sum() and again.digest(plain.id) == plain.digest
    assert not again.imports.can_undo() and not again.photographs.asked()
    assert list(again.photographs.names().values()) == ["p.png"] and not again.photographs.parts()


def test_a_database_of_version_5_has_its_decisions_read_over(tmp_path):
    """What was said of the model's mask then is said of the part now."""
    session = Store(tmp_path).open(None)
    pixels, full = np.full((5, 6, 3), 7, np.uint8), np.eye(5, 6, dtype=bool)
    was = {"a": ("accepted", full), "b": ("corrected", full), "c": ("rejected", full)}
    was |= {"d": ("accepted", full & False), "e": ("undecided", full)}
    for name, (_, mask) in was.items():
        item = session.add(name, pixels)
        decision = "undecided" if name == "e" else "defective"
        session.review(item.id, mask=mask, threshold=1, decision=decision)
    first = session.items()[0].id
    session.imports.remember(first, "draft")
    session.review(first, mask=~full, threshold=1, decision="undecided")
    session.imports.seal(first, "draft")
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        database.execute("DROP INDEX session_key")
        for name, (word, _) in was.items():
            for table in ("item", "log"):
                command = f"UPDATE {table} SET decision = ? WHERE name = ?"
                database.execute(command, (word, name))
            review = f"REPLACE(review, 'defective', '{word}')"
            command = f"UPDATE item SET review = {review} WHERE name = ?"
            database.execute(command, (name,))
        old = "REPLACE(\"values\", 'defective', 'accepted')"
        database.execute(f'UPDATE before SET "values" = {old}')
        for table, column in (
            *(("session", "classes"), ("session", "key")),
            *(("training", "keeps"), ("item", "revision")),
        ):
            database.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        database.execute("PRAGMA user_version = 5")
    database.close()
    again = Store(tmp_path).open(session.id)
    words = ["defective", "defective", "good", "good", "undecided"]
    assert [item.decision for item in again.items()] == words
    assert [item.review.decision for item in again.items()] == words
    logged = {line.name: line.decision for line in again.log()}
    assert logged == dict(zip("abcd", words, strict=False))
    assert again.final_mask(again.items()[2].id).sum() == 0
    again.imports.undo()
    assert again.item(first).decision == again.item(first).review.decision == "defective"
    assert np.array_equal(again.final_mask(first), full)


def test_a_session_of_version_8_is_opened_by_its_id_once_and_by_a_key_from_then_on(tmp_path):
    """Until then a session's id was kept in the browser and was the key itself."""
    store, key, other = Store(tmp_path), "ab" * 32, "cd" * 32
    before = store.open(None).id
    assert store.enter(key, before).id == before == store.enter(key).id
    assert store.owned(before, key).id == before
    for stranger in (store.enter(other, before), store.enter(other)):
        assert stranger.id != before
    for made_up in ("", "ab" * 31, None, before, key.upper()):
        with pytest.raises(StoreError, match="cookie"):
            store.enter(made_up)
    with pytest.raises(StoreError, match="has ended"):
        store.owned(before, other)
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        held = "".join(map(str, database.execute("SELECT * FROM session").fetchall()))
    database.close()
    assert key not in held and other not in held  # their digests alone
