"""A visitor's own models: what the buttons of the fourth step do, without a browser."""

from __future__ import annotations

import shutil

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from demo.limits import Limits
from demo.store.store import Store, StoreError


@pytest.fixture
def own(handlers, tiny_checkpoint):
    """A session with two models of its own."""
    store, named = handlers
    session = store.open(None)
    for name in ("first", "second"):
        shutil.copytree(tiny_checkpoint, session.trained.new_model(name))
        session.trained.take_in(name)
    return session, {name: events[0].fn for name, events in named.items() if len(events) == 1}


def test_a_model_of_ones_own_is_chosen_and_is_in_no_other_picker(own, handlers):
    session, call = own
    chosen, tabs, tried = call["use"](session.id, "first")
    assert tabs.selected == "inspect" and tried[0] == f"~{session.id}/first"
    assert chosen["value"] == f"~{session.id}/first"
    assert ("second (yours)", f"~{session.id}/second") in chosen["choices"]
    strangers = call["use"](handlers[0].open(None).id, "first")
    assert all(each == gr.skip() for each in strangers)


def test_a_deleted_model_is_gone_from_both_pickers(own):
    session, call = own
    mine, offered = call["drop"](session.id, "second", f"~{session.id}/second")
    assert (mine["choices"], mine["value"]) == (["first"], "first")
    assert offered["value"] == "stripes"
    assert [value for _, value in offered["choices"]] == ["stripes", f"~{session.id}/first"]
    assert session.trained.models() == ["first"]


def test_a_false_alarm_moves_the_threshold_of_that_model_alone(own, handlers, tmp_path):
    session, call = own
    rng, path = np.random.default_rng(3), tmp_path / "alarm.png"
    Image.fromarray(spoil(texture(rng), rng)[0]).save(path)
    before = [
        session.trained.path(
            n,
        )
        .joinpath("calibration.json")
        .read_text()
        for n in ("first", "second")
    ]
    said, shown, _ = call["alarms"](session.id, "first", [str(path)])
    after = [
        session.trained.path(n).joinpath("calibration.json").read_text()
        for n in ("first", "second")
    ]
    assert "1 normals added" in said and "threshold" in shown
    assert before[0] != after[0] and before[1] == after[1]
    said, _, _ = call["alarms"](handlers[0].open(None).id, "first", [str(path)])
    assert "not yours" in said


def test_what_is_shown_of_a_model_is_its_own_and_its_zip(own):
    session, call = own
    text, packed, said = call["show"](session.id, "first")
    assert "it marks about 17 % of good parts, between 0.2 and 60 %" in text and said == ""
    assert packed["value"].endswith("first.zip")
    assert call["show"](session.id, "third")[0] == ""


def test_there_is_room_for_so_many_models_and_no_more(tiny_checkpoint, tmp_path):
    session = Store(tmp_path / "few", Limits(models=2)).open(None)
    for name in ("one", "two"):
        shutil.copytree(tiny_checkpoint, session.trained.new_model(name))
        session.trained.take_in(name)
    with pytest.raises(StoreError, match="no room for another model"):
        session.trained.new_model("three")
