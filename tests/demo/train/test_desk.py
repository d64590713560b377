"""Learning at the desk, without a browser; with one in `test_page`."""

from __future__ import annotations

import shutil
from dataclasses import replace

import gradio as gr
import pytest
from dropping import a_file, a_zip, photograph

from demo.store.store import Store, StoreError
from demo.train import desk
from demo.train.queue import Queue


@pytest.fixture
def begun(tmp_path):
    """A session, its queue, which hands out no turns, and files to learn from."""
    store = Store(tmp_path / "work")
    files = [a_file(tmp_path / f"{k}.png", photograph(k)) for k in range(6)]
    return store.open(None), Queue(store), files


def test_photographs_alone_of_what_was_dropped_are_learned_from(begun, tmp_path):
    session, queue, files = begun
    session.photographs.add(files[0], "of another part.png")
    broken = a_file(tmp_path / "broken.txt", b"no photograph")
    said = desk.begin(session, queue, [*files[1:], broken], keeps=True)
    assert said == ["broken.txt is neither an image nor a ZIP"]
    assert sorted(session.photographs.names().values()) == [f"{k}.png" for k in range(1, 6)]
    assert len(session.photographs.left_out()) == 1
    training = session.trained.training()
    assert (training.name, training.branch, training.keeps) == ("part-1", "feature", True)
    shown = desk.standing(session, queue)["learning"]
    assert (shown["name"], shown["state"], shown["count"]) == ("part-1", "waiting", 5)
    assert shown["left"] is None and shown["done"] == 0 and shown["previews"] == []


def test_a_training_that_is_not_over_is_not_replaced(begun):
    session, queue, files = begun
    desk.begin(session, queue, files[:5], keeps=False)
    with pytest.raises(StoreError, match="not over yet"):
        desk.begin(session, queue, files[1:], keeps=False)
    assert len(session.photographs.names()) == 5
    queue.cancel(session)
    assert desk.standing(session, queue) == {"learning": None}
    desk.begin(session, queue, files[1:], keeps=False)
    assert session.trained.training().name == "part-1"  # the first was never finished


def test_what_cannot_be_learned_from_gets_a_sentence_and_changes_nothing(begun, tmp_path):
    session, queue, files = begun
    session.photographs.add(files[0], "kept.png")
    none = a_file(tmp_path / "a.txt", b"nothing")
    unclear = a_zip(tmp_path / "a.zip", {"x/a.png": photograph(1), "x_mask/a.png": photograph(2)})
    for paths, said in (
        ([none], "neither an image"),
        ([], "none of these"),
        ([unclear], "good parts"),
    ):
        with pytest.raises(ValueError, match=said):
            desk.begin(session, queue, paths, keeps=False)
        assert list(session.photographs.names().values()) == ["kept.png"]
        assert session.trained.training() is None


def test_a_training_that_failed_says_so_on_the_desk_and_one_that_is_done_is_tried(
    handlers, tiny_checkpoint, tmp_path
):
    store, named = handlers
    session = store.open(None)
    (tick,) = (each.fn for each in named["tick_here"])
    for k in range(5):
        session.photographs.add(a_file(tmp_path / f"{k}.png", photograph(k)), f"{k}.png")
    training = Queue(store).start(session, "part-1", "feature", 2, 0.05)
    said, timer, model, tried, trouble = tick(session.id, "stripes")
    assert said["learning"]["state"] == "waiting" and timer.active
    assert model == tried == trouble == gr.skip()
    session.trained.put(replace(training, state="failed", message="all of them are black"))
    said, timer, model, tried, trouble = tick(session.id, "stripes")
    assert said["learning"]["state"] == "failed" and not timer.active and tried == gr.skip()
    assert "part-1 could not be learned: all of them are black" in trouble
    shutil.copytree(tiny_checkpoint, session.trained.path("part-1"), dirs_exist_ok=True)
    session.trained.put(replace(training, state="done"))
    said, timer, model, tried, trouble = tick(session.id, "stripes")
    assert tried[0] == model["value"] == f"~{session.id}/part-1"
    assert not timer.active and trouble == gr.skip()
