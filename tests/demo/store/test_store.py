"""The visitors' store: whole after a kill, closed to others, bounded, gone in time."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parts import ROOT, spoil, texture

from ddad.images.regions import RegionLabel
from demo.limits import Limits
from demo.store.store import Store, StoreError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "work")


@pytest.fixture(scope="module")
def found(tiny_detector):
    """A spoilt image, its true mask, and what the tiny model finds in it."""
    rng = np.random.default_rng(1)
    image, mask = spoil(texture(rng), rng)
    return image, mask, tiny_detector.detect([image])[0], tiny_detector


def scored(session, found, name="part.png"):
    item = session.add(name, found[0], "a note")
    return session.record(item.id, found[2], found[3])


def files(store_root: Path) -> list[str]:
    return sorted(p.name for p in (store_root / "sessions").rglob("*") if p.is_file())


def test_a_result_comes_back_as_it_was_from_a_new_store(tmp_path, found):
    image, _, detection, detector = found
    session = Store(tmp_path).open(None)
    waiting = session.add("part.png", image, "a note")
    assert waiting.state == "waiting" and waiting.result is None and waiting.note == "a note"
    session.record(waiting.id, detection, detector)

    again = Store(tmp_path).open(session.id)
    assert again.id == session.id
    (item,) = again.items()
    assert (item.state, item.width, item.height) == ("scored", 48, 40)
    assert item.score == detection.score and item.threshold == detection.threshold
    assert item.result.normal_scores == detector.calibration.normal_scores
    assert item.result.fingerprint == detector.fingerprint
    assert np.array_equal(again.pixels(item.id), image)
    assert np.array_equal(again.score_map(item.id), detection.score_map)
    assert np.array_equal(again.final_mask(item.id), detection.mask())
    for kept, scale in zip(again.scales(item.id), detection.scales, strict=True):
        assert np.array_equal(kept.map, scale.map)
        assert (kept.name, kept.weight, kept.noise_std, kept.mean) == (
            *(scale.name, scale.weight, scale.noise_std),
            pytest.approx(scale.mean),
        )
    assert again.thumbnail(item.id).read_bytes()[:2] == b"\xff\xd8"


def test_a_review_keeps_who_when_what_and_by_which_model(store, found):
    session = store.open(None)
    item = scored(session, found)
    at = item.score - 1
    item = session.review(item.id, mask=None, threshold=at, decision="undecided")
    assert session.log() == []  # a moved slider is no decision
    assert np.array_equal(session.final_mask(item.id), found[2].mask(at))

    drawn = np.zeros((40, 48), bool)
    drawn[3:9, 4:8] = True
    ignore = np.zeros((40, 48), bool)
    ignore[:, :5] = True
    item = session.review(
        item.id,
        mask=drawn,
        ignore=ignore,
        threshold=at,
        min_area=9,
        regions=[RegionLabel(6, 4, "hole"), {"x": 6, "y": 5, "label": " scratch "}],
        decision="defective",
        reviewer="Ann",
    )
    assert item.review.edited and item.decision == "defective" and item.threshold == at
    assert [r.label for r in item.review.regions] == ["hole", "scratch"]
    assert np.array_equal(session.final_mask(item.id), drawn & ~ignore)
    assert np.array_equal(session.ignore(item.id), ignore)
    assert item.score == found[2].score_map[:, 5:].max()
    (line,) = session.log()
    assert (line.reviewer, line.decision, line.area) == ("Ann", "defective", 18)
    assert (line.model, line.fingerprint) == (found[3].name, found[3].fingerprint)
    assert line.at == item.review.at and line.at.endswith("+00:00")

    item = session.review(item.id, mask=drawn, threshold=at, decision="good", reviewer="Ann")
    assert not session.final_mask(item.id).any() and np.array_equal(session.mask(item.id), drawn)
    assert session.ignore(item.id) is None and item.score == found[2].score
    assert [line.decision for line in session.log()] == ["defective", "good"]
    session.remove(item.id)
    assert len(session.log()) == 2  # the log only grows


def test_small_regions_are_dropped_from_the_models_mask_alone(store, found):
    session = store.open(None)
    item = scored(session, found)
    speck = np.zeros((40, 48), bool)
    speck[0, 0] = True
    session.review(item.id, mask=speck, threshold=0, min_area=50, decision="defective")
    assert np.array_equal(session.final_mask(item.id), speck)
    session.review(
        item.id, mask=None, threshold=item.score - 1e-3, min_area=50, decision="defective"
    )
    assert not session.final_mask(item.id).any()


def test_labels_are_remembered_latest_first(store, found):
    session = store.open(None)
    item = scored(session, found)
    for labels in (["dent"], ["hole", "crack"], ["dent"]):
        regions = [RegionLabel(1, 1, label) for label in labels]
        session.review(item.id, mask=None, threshold=0, regions=regions, decision="defective")
    assert session.labels() == ["dent", "hole", "crack"]


def test_another_result_keeps_decisions_and_drawn_masks_but_no_mere_threshold(store, found):
    session = store.open(None)
    item = scored(session, found)
    drawn = np.eye(40, 48, dtype=bool)
    session.review(item.id, mask=None, threshold=1e6, decision="undecided")
    assert session.record(item.id, found[2], found[3]).review is None
    assert np.array_equal(session.final_mask(item.id), found[2].mask())
    for mask, decision in ((drawn, "undecided"), (None, "defective")):
        session.review(item.id, mask=mask, threshold=1e6, decision=decision)
        kept = session.final_mask(item.id)
        again = session.record(item.id, found[2], found[3])
        assert again.decision == decision
        assert np.array_equal(session.final_mask(item.id), kept)


def test_items_are_sorted_and_filtered(store, found):
    session = store.open(None)
    image, _, detection, detector = found
    low = type(detection)(detection.score_map - 5, detection.scales, detection.threshold)
    session.fail("broken.png", "broken.png is empty (0 bytes)")
    first, second = session.add("b", image), session.add("A", image)
    session.record(first.id, low, detector)
    session.record(second.id, detection, detector)
    assert [i.name for i in session.items()] == ["broken.png", "b", "A"]
    assert [i.name for i in session.items(order="score")] == ["A", "b", "broken.png"]
    assert [i.name for i in session.items(order="name")] == ["A", "b", "broken.png"]
    session.review(first.id, mask=None, threshold=0, decision="defective")
    assert [i.name for i in session.items(decision="defective")] == ["b"]
    assert [i.error for i in session.items(state="failed")] == ["broken.png is empty (0 bytes)"]


def test_the_true_mask_is_kept_and_taken_away(store, found):
    session = store.open(None)
    item = session.add("part.png", found[0])
    assert session.truth(item.id) is None
    assert session.set_truth(item.id, found[1]).has_truth
    assert np.array_equal(session.truth(item.id), found[1])
    assert not session.set_truth(item.id, None).has_truth
    with pytest.raises(StoreError, match="the true mask is of 3 x 2 pixels, its image of 48 x 40"):
        session.set_truth(item.id, np.zeros((2, 3), bool))


@pytest.mark.parametrize(
    "bad",
    [
        *("../../etc", "..", "/", "", "\0", "a" * 31, "A" * 32, "0" * 33, "0" * 32 + "\n"),
        *("%2e%2e%2f", "0" * 31 + "\u0660", None, 7, ["a"], {"a": 1}, b"0" * 32),
    ],
    ids=repr,
)
def test_malformed_and_guessed_ids_give_a_new_session(tmp_path, bad):
    store = Store(tmp_path / "work")
    known = store.open(None)
    before = set(tmp_path.rglob("*"))
    for guess in (bad, "0" * 32):
        session = store.open(guess)
        assert session.id not in (known.id, guess) and session.items() == []
    assert set(tmp_path.rglob("*")) == before  # nothing was made by that name


@pytest.mark.parametrize("bad", ["../other", "..", "", "0" * 16, "\0", None, 3, "0" * 15 + "\n"])
def test_no_item_but_the_sessions_own_exists(store, found, bad):
    mine, other = store.open(None), store.open(None)
    theirs = scored(other, found)
    mask = np.zeros((40, 48), bool)
    for item in (bad, theirs.id, f"../{other.id}/{theirs.id}"):
        for use in (
            *(mine.item, mine.pixels, mine.score_map, mine.scales, mine.thumbnail, mine.mask),
            *(mine.final_mask, mine.truth, mine.ignore, mine.remove),
            lambda item: mine.review(item, mask=mask, threshold=1, decision="defective"),
            lambda item: mine.set_truth(item, mask),
            lambda item: mine.record(item, found[2], found[3]),
        ):
            with pytest.raises(StoreError, match="there is no such image in this session"):
                use(item)
    assert other.item(theirs.id) == theirs and not mine.log() and not other.log()


@pytest.mark.parametrize(
    "name",
    [
        *("a/../../b.png", "..", "", "new\nline.png", "nul\0byte", "\u202egnp.exe", "\udcff.png"),
        *("n" * 255, "\U0001f9f1" * 300, "' OR 1=1 --", "<script>", "CON", "=cmd|' /C'!A0"),
    ],
    ids=repr,
)
def test_any_name_is_kept_as_text_and_never_a_path(tmp_path, name):
    store = Store(tmp_path / "work")
    session = store.open(None)
    item = session.add(name, np.zeros((5, 6, 3), np.uint8), note=name)
    expected = name.encode("utf-8", "backslashreplace").decode()
    assert item.name == item.note == session.items()[0].name == expected
    for path in (tmp_path / "work" / "sessions").rglob("*"):
        assert set(path.name) <= set("0123456789abcdefghijklmnopqrstuvwxyz-.")


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=60))
def test_names_come_back_whatever_the_text(tmp_path_factory, name):
    session = Store(tmp_path_factory.mktemp("names")).open(None)
    assert session.fail(name, "no").name == name


def test_many_threads_save_at_once(store):
    session = store.open(None)

    def work(number: int) -> str:
        mine = store.open(session.id)
        item = mine.add(f"{number}", np.full((30, 20, 3), number, np.uint8))
        mask = np.zeros((30, 20), bool)
        mask[number] = True
        for decision in ("undecided", "defective", "defective"):
            mine.review(item.id, mask=mask, threshold=number, decision=decision)
        assert np.array_equal(mine.final_mask(item.id), mask)
        if number % 3 == 0:
            mine.remove(item.id)
        return item.id

    with ThreadPoolExecutor(12) as pool:
        made = list(pool.map(work, range(24)))
    items = session.items()
    assert {item.id for item in items} == {made[n] for n in range(24) if n % 3}
    assert len(session.log()) == 48
    for item in items:
        assert np.array_equal(np.unique(session.pixels(item.id)), [int(item.name)])


def test_readers_never_see_a_mask_that_is_being_replaced(store):
    session = store.open(None)
    item = session.add("part", np.zeros((30, 20, 3), np.uint8)).id
    masks = [np.zeros((30, 20), bool), np.ones((30, 20), bool)]
    session.review(item, mask=masks[0], threshold=0, decision="defective")

    def write(n: int) -> None:
        session.review(item, mask=masks[n % 2], threshold=0, decision="defective")

    def read(_: int) -> int:
        return int(session.final_mask(item).sum())

    with ThreadPoolExecutor(6) as pool:
        writing = [pool.submit(write, n) for n in range(40)]
        seen = set(pool.map(read, range(80)))
        for each in writing:
            each.result()
    assert seen <= {0, 600}
    assert len(list(store._folder.rglob("mask-*"))) == 1  # those replaced are gone


SAVE = """
import sys, numpy as np
from pathlib import Path
from demo.store.store import Store
session = Store(Path(sys.argv[1])).open(sys.argv[2])
rng = np.random.default_rng(0)
while True:
    item = session.add("part", rng.integers(0, 256, (200, 300, 3), np.uint8))
    session.set_truth(item.id, rng.random((200, 300)) > 0.5)
    session.review(item.id, mask=rng.random((200, 300)) > 0.5, threshold=1, decision="defective")
    print(item.id, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.013, 0.037])
def test_a_kill_while_saving_leaves_only_whole_work(tmp_path, delay):
    session = Store(tmp_path).open(None)
    command = [sys.executable, "-c", SAVE, str(tmp_path), session.id]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        done = [child.stdout.readline().strip() for _ in range(4)]
        time.sleep(delay)
        child.send_signal(signal.SIGKILL)
        done += child.stdout.read().split()

    store = Store(tmp_path)
    store.sweep(grace_s=-1)
    again = store.open(session.id)
    items = again.items()
    assert [item.id for item in items][: len(done)] == done and len(items) <= len(done) + 1
    named = 0
    for item in items:
        assert again.pixels(item.id).shape == (200, 300, 3) and again.thumbnail(item.id).exists()
        named += 2 + item.has_truth + (item.review is not None)
        if item.has_truth:
            assert again.truth(item.id).shape == (200, 300)
        if item.review:
            assert again.final_mask(item.id).any()
    assert len(files(tmp_path)) == named  # the rest was swept
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_the_sweep_leaves_young_files_and_those_that_rows_name(store, tmp_path):
    session = store.open(None)
    item = session.add("part", np.zeros((5, 6, 3), np.uint8))
    stray = store._folder / session.id / item.id / "mask-0123456789ab.png"
    stray.write_bytes(b"half")
    assert store.sweep() == 0 and stray.exists()
    assert store.sweep(grace_s=-1) == 1 and not stray.exists()
    assert session.pixels(item.id).shape == (5, 6, 3)


def test_an_untouched_session_expires_with_its_files(tmp_path):
    store = Store(tmp_path, Limits(max_age_s=0.5))
    old = store.open(None)
    old.add("part", np.zeros((5, 6, 3), np.uint8))
    assert store.open(old.id).id == old.id and store.expire() == 0
    time.sleep(0.6)
    young = store.open(None)
    kept = young.add("part", np.zeros((5, 6, 3), np.uint8))
    assert store.open(old.id).id != old.id  # already closed, though its files are still there
    assert store.expire() == 1
    assert [p.name for p in store._folder.iterdir()] == [young.id]
    assert young.item(kept.id) == kept
    with pytest.raises(StoreError, match="this session is over: reload the page"):
        old.add("part", np.zeros((5, 6, 3), np.uint8))
    assert store.sweep(-1) == 0  # what it wrote before it was refused is gone too


def test_expiry_runs_on_its_own(tmp_path):
    store = Store(tmp_path, Limits(max_age_s=0.3))
    store.open(None).add("part", np.zeros((5, 6, 3), np.uint8))
    store.expire_in_background(every_s=0.1)
    for _ in range(100):
        if not list(store._folder.iterdir()):
            return
        time.sleep(0.1)
    pytest.fail("the session was not deleted")


def test_a_full_session_says_so_and_loses_nothing(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (100, 100, 3), np.uint8)
    session = Store(tmp_path / "a", Limits(quota_bytes=100_000)).open(None)
    first, second = session.add("a", noise), session.add("b", noise)
    before = files(tmp_path / "a")
    with pytest.raises(StoreError, match=r"holds 0\.\d MB of at most 0\.1 MB: export"):
        session.add("c", noise)
    assert [item.id for item in session.items()] == [first.id, second.id]
    assert files(tmp_path / "a") == before
    session.clear()
    assert files(tmp_path / "a") == [] and session.used() == (0, 0)
    assert session.add("c", noise).name == "c"

    few = Store(tmp_path / "b", Limits(images=1)).open(None)
    few.fail("a", "no")
    with pytest.raises(StoreError, match="holds 1 images, the most it can: export"):
        few.fail("b", "no")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"decision": "maybe"}, "a decision is one of defective"),
        ({"threshold": float("nan")}, "must be finite"),
        ({"min_area": -1}, "0 or more"),
        ({"mask": np.zeros((3, 3), bool)}, "the mask is of 3 x 3 pixels"),
        ({"ignore": np.zeros((3, 3), bool)}, "the ignore zone is of 3 x 3 pixels"),
        ({"mask": None}, "score the image first"),
        ({"regions": [{"x": 6, "y": 0, "label": "a"}]}, "outside its image of 6 x 5"),
        ({"regions": [{"x": "a"}]}, "whole numbers x and y"),
        ({"regions": [None]}, "whole numbers x and y"),
    ],
)
def test_a_review_that_makes_no_sense_is_refused_and_changes_nothing(store, wrong, sentence):
    session = store.open(None)
    item = session.add("part", np.zeros((5, 6, 3), np.uint8))
    good = {"mask": np.ones((5, 6), bool), "threshold": 1.0, "decision": "defective"}
    with pytest.raises(StoreError, match=sentence):
        session.review(item.id, **good | wrong)
    assert session.item(item.id) == item and not session.log()


def test_a_database_of_another_version_is_refused(tmp_path):
    Store(tmp_path)
    with sqlite3.connect(tmp_path / "store.sqlite") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(StoreError, match="of version 99, this program writes version 9"):
        Store(tmp_path)


def test_classes_are_kept_in_their_order_and_counted(store):
    session = store.open(None)
    assert session.classes() == [] and session.used()[0] == 0
    assert session.name_classes([" dent ", "scratch", "", "dent"]) == ["dent", "scratch"]
    assert store.open(session.id).classes() == ["dent", "scratch"] and session.used()[0] > 0
    assert session.name_classes([]) == []
    with pytest.raises(StoreError, match="at most 60 classes"):
        session.name_classes([str(n) for n in range(61)])
