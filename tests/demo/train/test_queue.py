"""The queue behind the Train tab: turns, processes, what a visitor may ask of his training."""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from dataclasses import replace

import numpy as np
import psutil
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.model.detector import Detector
from demo.limits import Limits
from demo.store.store import Store, StoreError
from demo.train.queue import Queue
from demo.train.taking import take_in
from demo.train.work import desk_alarm


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for i in range(6):
        Image.fromarray(texture(rng)).save(folder / f"part {i}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def queue(tmp_path, tiny_backbone):
    flags = ("--extractor", str(tiny_backbone), "--feature-size", "64")
    made = Queue(Store(tmp_path / "work"), extra=flags)
    yield made
    for child in made._children.values():
        child.kill()
        child.wait()


def filled(queue, photos):
    session = queue.store.open(None)
    take_in(session.photographs, photos)
    return session


def until(queue, session, *states, attempts=1):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        queue.tick()
        training = session.trained.training()
        if training.state in states and training.attempts >= attempts:
            return training
        time.sleep(0.05)
    pytest.fail(f"still {session.trained.training()}")


def state(session):
    return session.trained.training().state


def test_names_never_become_paths(queue, photos):
    session = filled(queue, photos)
    for name in ("../x", "a/b", "", "." * 3, "x" * 41, "é"):
        for refused in (
            lambda: queue.start(session, name, "feature", 5, 0.05),  # noqa: B023
            lambda: session.trained.model(name),  # noqa: B023
            lambda: session.trained.new_model(name),  # noqa: B023
        ):
            with pytest.raises(StoreError):
                refused()
        assert queue.store.private_model(f"~{session.id}/{name}") is None
    for name in ("~../x/y", "cookie", f"~{'0' * 32}/m", "~", ""):
        assert queue.store.private_model(name) is None


def test_what_does_not_fit_is_refused_and_leaves_no_stray_file(tmp_path, photos):
    photographs = Store(tmp_path, Limits(photographs=4)).open(None).photographs
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for photo in photos[:2]:
            archive.write(photo, f"good/{photo.name}")
        archive.writestr("../out.png", b"x")
    assert take_in(photographs, [tmp_path / "notes.txt"]).problems == [
        "notes.txt is neither an image nor a ZIP"
    ]
    (problem,) = take_in(photographs, [tmp_path / "more.zip"]).problems
    assert "leads out of the archive" in problem
    assert list(photographs.names().values()) == [photo.name for photo in photos[:2]]
    with pytest.raises(StoreError, match="more than 4 photographs"):
        take_in(photographs, photos[2:])
    assert len(photographs.names()) == 4
    assert {f.name for f in photographs.folder.iterdir()} == set(photographs.names())
    small = Store(tmp_path / "b", Limits(photograph_bytes=1000)).open(None).photographs
    with pytest.raises(StoreError, match="or 0 MB"):
        take_in(small, photos[:1])
    assert small.files() == [] and not list(small.folder.iterdir())


def test_two_archives_of_the_same_names_are_all_kept(tmp_path, photos):
    photographs = Store(tmp_path / "work").open(None).photographs
    for name, photo in zip(("a.zip", "b.zip"), photos, strict=False):
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.write(photo, "part.png")
    take_in(photographs, [tmp_path / "a.zip", tmp_path / "b.zip"])
    assert [f.read_bytes() for f in photographs.files()] == [p.read_bytes() for p in photos[:2]]


def test_turns_are_by_time_one_runs_and_the_queue_has_an_end(tmp_path, photos):
    queue = Queue(Store(tmp_path, Limits(waiting=2)))
    sessions = [filled(queue, photos) for _ in range(4)]
    running = sessions[0]
    me = psutil.Process(os.getpid())
    queue.start(running, "m", "feature", 5, 0.05)
    running.trained.put(
        replace(running.trained.training(), state="running", pid=me.pid, born=me.create_time())
    )
    for each in sessions[1:3]:
        queue.start(each, "m", "feature", 5, 0.05)
    queue.tick()
    assert [state(each) for each in sessions[:3]] == ["running", "waiting", "waiting"]
    assert [queue.place(each) for each in sessions[:3]] == [0, 1, 2]
    with pytest.raises(StoreError, match="2 trainings wait already"):
        queue.start(sessions[3], "m", "feature", 5, 0.05)
    with pytest.raises(StoreError, match="not over yet"):
        queue.start(sessions[1], "n", "feature", 5, 0.05)
    queue.ask(sessions[1], "pause")
    assert state(sessions[1]) == "paused" and queue.place(sessions[2]) == 1
    queue.ask(sessions[1], "resume")
    assert queue.place(sessions[1]) == 2  # at the end again


def test_a_killed_training_is_taken_up_by_another_server(queue, photos):
    session = filled(queue, photos)
    queue.start(session, "m", "feature", 5, 0.05)
    training = until(queue, session, "running")
    psutil.Process(training.pid).kill()
    after = Queue(Store(queue.store._root), extra=queue.extra)  # knows no child processes
    assert until(after, session, "running", attempts=2).pid != training.pid
    assert until(after, session, "done", "failed").state == "done"
    assert queue._children.pop(training.pid).wait() == -9
    assert session.trained.models() == ["m"]
    folder = session.trained.path("m")
    assert after.store.private_model(f"~{session.id}/m") == folder
    with pytest.raises(StoreError, match="you have a model called m"):
        after.start(session, "m", "feature", 5, 0.05)
    after.cancel(session)
    assert session.trained.training() is None and session.trained.models() == ["m"]
    # All that it wrote counts, and the sweep leaves all of it.
    everything = [*folder.rglob("*"), *session.photographs.files()]
    size = sum(file.stat().st_size for file in everything if file.is_file())
    assert session.used() == (size, 0)
    after.store.sweep(grace_s=-1)
    assert all(file.exists() for file in everything)
    session.trained.delete("m")
    assert not folder.exists() and after.store.private_model(f"~{session.id}/m") is None
    assert session.used()[0] == sum(f.stat().st_size for f in session.photographs.files())


def test_a_training_that_grows_is_counted_while_it_runs(tmp_path, photos):
    queue = Queue(Store(tmp_path, Limits(quota_bytes=1_000_000, training_bytes=1)))
    session, me = filled(queue, photos), psutil.Process(os.getpid())
    queue.start(session, "m", "feature", 5, 0.05)
    running = replace(session.trained.training(), state="running")
    session.trained.put(replace(running, pid=me.pid, born=me.create_time()))
    before = session.used()[0]
    grown = session.trained.run_folder() / "state.safetensors"
    grown.parent.mkdir(parents=True)
    grown.write_bytes(bytes(990_000))
    queue.tick()
    assert session.used()[0] == before + 990_000 and state(session) == "running"
    with pytest.raises(StoreError, match="of at most 1.0 MB"):
        take_in(session.photographs, photos)
    with pytest.raises(StoreError, match="of at most 1.0 MB"):
        session.add("part.png", np.zeros((5, 6, 3), np.uint8))
    session.trained.forget()
    assert session.used()[0] == before and not grown.exists()


def test_the_names_that_we_give_photographs_never_call_one_defective(queue, photos):
    session = filled(queue, photos)
    files = session.photographs.files()
    assert all(re.fullmatch(r"\d{5}-\d{10}\.png", file.name) for file in files)
    files[0].rename(files[0].with_name("00000-27539bad.png"))  # as an earlier version could
    queue.start(session, "m", "feature", 5, 0.05)
    until(queue, session, "done")


def test_a_training_that_cannot_begin_says_why_without_the_servers_folders(queue, photos):
    session = filled(queue, photos[:2])
    session.photographs.files()[0].write_bytes(b"nothing")
    queue.start(session, "m", "feature", 5, 0.05)
    training = until(queue, session, "failed", "done")
    assert training.state == "failed" and "part 0.png" in training.message
    assert str(queue.store._root) not in training.message
    assert session.id not in training.message
    assert session.trained.models() == []


def test_sessions_expire_unless_their_training_goes_on(tmp_path, photos):
    store = Store(tmp_path / "work", Limits(max_age_s=1))
    queue = Queue(store)
    old, waiting, running, over = (filled(queue, photos[:2]) for _ in range(4))
    for session, how in ((waiting, "waiting"), (running, "running"), (over, "failed")):
        queue.start(session, "m", "feature", 5, 0.05)
        session.trained.put(replace(session.trained.training(), state=how))
    time.sleep(1.1)
    new = filled(queue, photos[:2])
    assert store.expire() == 2
    assert store.find(old.id) is None and store.find(over.id) is None
    assert not old.photographs.folder.exists()
    for session in (waiting, running, new):
        assert store.open(session.id).id == session.id
        assert len(session.photographs.files()) == 2
    assert store.sweep(grace_s=-1) == 0


def test_what_a_person_called_defective_never_joins_the_normals(queue, photos, tiny_checkpoint):
    session = filled(queue, photos)
    folder = session.trained.new_model("m")
    shutil.copytree(tiny_checkpoint, folder)
    session.trained.take_in("m")
    pixels, mask = spoil(texture(np.random.default_rng(1)), np.random.default_rng(2))
    item = session.add("part.png", pixels).id
    before = Detector.load(folder).calibration
    for decision in ("defective", "defective"):
        session.review(item, mask=mask, threshold=3.0, decision=decision)
        with pytest.raises(StoreError, match="you decided that this part is defective"):
            desk_alarm(session, "m", item)
    with pytest.raises(StoreError, match="no image"):
        desk_alarm(session, "m", None)
    with pytest.raises(StoreError, match="no such image"):  # another visitor's
        desk_alarm(queue.store.open(None), "m", item)
    assert Detector.load(folder).calibration == before
    assert len(session.photographs.files()) == 6
    session.review(item, mask=np.zeros_like(mask), threshold=3.0, decision="good")
    with pytest.raises(StoreError, match="not yours"):
        desk_alarm(session, "n", item)
    assert "1 normals added" in desk_alarm(session, "m", item)
    assert Detector.load(folder).calibration.n == before.n + 1
    assert len(session.photographs.files()) == 7
