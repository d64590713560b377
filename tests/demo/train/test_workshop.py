"""The workshop behind the Train tab: benches, turns, processes."""

from __future__ import annotations

import os
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
from demo.store.store import Store, StoreError
from demo.train.bench import Job, Rules, WorkshopError
from demo.train.work import desk_alarm
from demo.train.workshop import Workshop


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for i in range(6):
        Image.fromarray(texture(rng)).save(folder / f"part {i}.png")
    return sorted(folder.iterdir())


@pytest.fixture
def workshop(tmp_path, tiny_backbone):
    flags = ("--extractor", str(tiny_backbone), "--feature-size", "64")
    made = Workshop(tmp_path / "work", extra=flags)
    yield made
    for child in made._children.values():
        child.kill()
        child.wait()


def filled(workshop, photos):
    bench = workshop.open(None)
    bench.add(photos)
    return bench


def until(workshop, bench, *states, attempts=1):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        workshop.tick()
        if bench.job().state in states and bench.job().attempts >= attempts:
            return bench.job()
        time.sleep(0.05)
    pytest.fail(f"still {bench.job()}")


@pytest.mark.parametrize("key", [None, 7, "", "..", "../../etc", "0" * 32, "0" * 31 + "g"])
def test_whatever_is_no_key_of_ours_opens_a_new_bench(workshop, key):
    bench = workshop.open(key)
    assert bench.key != key and bench.folder.parent == workshop.root
    assert workshop.open(bench.key).folder == bench.folder
    assert workshop.open(bench.key).key != workshop.open(None).key


def test_names_never_become_paths(workshop, photos):
    bench = filled(workshop, photos)
    for name in ("../x", "a/b", "", "." * 3, "x" * 41, "é"):
        with pytest.raises(WorkshopError):
            workshop.start(bench, name, "feature", 5, 0.05)
        with pytest.raises(WorkshopError):
            bench.model(name)
        assert workshop.private_model(f"~{bench.key}/{name}") is None
    assert workshop.private_model("~../x/y") is None and workshop.private_model("cookie") is None


def test_what_does_not_fit_is_refused_and_leaves_no_stray_file(tmp_path, photos):
    bench = Workshop(tmp_path, Rules(photos=4)).open(None)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        for photo in photos:
            archive.write(photo, f"../{photo.name}")
    assert bench.add([tmp_path / "notes.txt"]) == ["notes.txt is neither an image nor a ZIP"]
    with pytest.raises(WorkshopError, match="more than 4 photographs"):
        bench.add(photos)
    assert len(bench.names()) == 4
    left = {f.name for f in bench.photo_folder.iterdir()} - {"names.json"}
    assert left == set(bench.names())
    small = Workshop(tmp_path / "b", Rules(photo_bytes=1000)).open(None)
    with pytest.raises(WorkshopError):
        small.add(photos[:1])
    assert small.photos() == []


def test_left_out_photographs_are_put_aside(workshop, photos):
    bench = filled(workshop, photos)
    first = bench.photos()[0]
    bench.leave_out([first.name, "../job.json"])
    assert len(bench.photos()) == 5 and not first.exists()
    assert (bench.photo_folder / ".left_out" / first.name).exists()


def test_turns_are_by_time_one_runs_and_the_queue_has_an_end(tmp_path, photos):
    workshop = Workshop(tmp_path, Rules(waiting=2))
    benches = [filled(workshop, photos) for _ in range(4)]
    running = benches[0]
    me = psutil.Process(os.getpid())
    workshop.start(running, "m", "feature", 5, 0.05)
    running.put(replace(running.job(), state="running", pid=me.pid, born=me.create_time()))
    for bench in benches[1:3]:
        workshop.start(bench, "m", "feature", 5, 0.05)
    workshop.tick()
    assert [b.job().state for b in benches[:3]] == ["running", "waiting", "waiting"]
    assert [workshop.place(b) for b in benches[:3]] == [0, 1, 2]
    with pytest.raises(WorkshopError, match="2 trainings wait already"):
        workshop.start(benches[3], "m", "feature", 5, 0.05)
    with pytest.raises(WorkshopError, match="not over yet"):
        workshop.start(benches[1], "n", "feature", 5, 0.05)
    workshop.ask(benches[1], "pause")
    assert benches[1].job().state == "paused" and workshop.place(benches[2]) == 1
    workshop.ask(benches[1], "resume")
    assert workshop.place(benches[1]) == 2  # at the end again


def test_a_killed_training_is_taken_up_by_another_server(workshop, photos, tmp_path):
    bench = filled(workshop, photos)
    workshop.start(bench, "m", "feature", 5, 0.05)
    job = until(workshop, bench, "running")
    psutil.Process(job.pid).kill()
    after = Workshop(workshop.root, extra=workshop.extra)  # knows no child processes
    assert until(after, bench, "running", attempts=2).pid != job.pid
    assert until(after, bench, "done", "failed").state == "done"
    assert workshop._children.pop(job.pid).wait() == -9
    assert bench.models() == ["m"]
    assert after.private_model(f"~{bench.key}/m") == bench.path("m")
    with pytest.raises(WorkshopError, match="you have a model called m"):
        after.start(bench, "m", "feature", 5, 0.05)
    after.cancel(bench)
    assert bench.job() is None and bench.models() == ["m"]


def test_a_training_that_cannot_begin_says_why_without_the_servers_folders(workshop, photos):
    bench = filled(workshop, photos[:2])
    bad = bench.photos()[0]
    bad.write_bytes(b"nothing")
    workshop.start(bench, "m", "feature", 5, 0.05)
    job = until(workshop, bench, "failed", "done")
    assert job.state == "failed" and "part 0.png" in job.message or "part 1.png" in job.message
    assert str(workshop.root) not in job.message
    assert bench.models() == []


def test_benches_expire_unless_their_training_goes_on(tmp_path, photos):
    workshop = Workshop(tmp_path, Rules(max_age=1000))
    old, busy, new = (filled(workshop, photos[:2]) for _ in range(3))
    busy.put(Job("m", "feature", 5, 0.05, state="waiting", since=time.time() + 1e6))
    other = psutil.Process(os.getpid())
    old_time = time.time() - 2000
    busy.put(replace(busy.job(), state="running", pid=other.pid, born=other.create_time()))
    for bench in (old, busy):
        os.utime(bench.folder, (old_time, old_time))
    workshop.tick()
    assert not old.folder.exists() and busy.folder.exists() and new.folder.exists()


def test_what_a_person_called_defective_never_joins_the_normals(
    workshop, photos, tiny_checkpoint, tmp_path
):
    bench, store = filled(workshop, photos), Store(tmp_path / "store")
    shutil.copytree(tiny_checkpoint, bench.path("m"))
    session = store.open(None)
    pixels, mask = spoil(texture(np.random.default_rng(1)), np.random.default_rng(2))
    item = session.add("part.png", pixels).id
    before = Detector.load(bench.path("m")).calibration
    for decision in ("accepted", "corrected"):
        session.review(item, mask=mask, threshold=3.0, decision=decision)
        with pytest.raises(WorkshopError, match="you decided that this part is defective"):
            desk_alarm(bench, "m", store, session.id, item)
    with pytest.raises(WorkshopError, match="no image"):
        desk_alarm(bench, "m", store, session.id, None)
    with pytest.raises(StoreError):  # another visitor's image
        desk_alarm(bench, "m", store, store.open(None).id, item)
    assert Detector.load(bench.path("m")).calibration == before and len(bench.photos()) == 6
    session.review(item, mask=np.zeros_like(mask), threshold=3.0, decision="rejected")
    assert "1 normals added" in desk_alarm(bench, "m", store, session.id, item)
    assert Detector.load(bench.path("m")).calibration.n == before.n + 1
    assert len(bench.photos()) == 7
