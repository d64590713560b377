"""What the buttons of the tab of many images do, without a browser."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture


@pytest.fixture
def scored(handlers, tiny_detector):
    """A session of two scored images, one with its truth, and the calls of this tab."""
    store, named = handlers
    session, rng = store.open(None), np.random.default_rng(6)
    for name in ("a.png", "b.png"):
        pixels, mask = spoil(texture(rng), rng)
        item = session.add(name, pixels)
        (found,) = tiny_detector.detect([pixels])
        session.record(item.id, found, tiny_detector)
    session.set_truth(item.id, mask)
    return session, {name: events[0].fn for name, events in named.items() if len(events) == 1}


def test_the_zip_holds_all_and_the_sentence_says_how_many(scored, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    session, call = scored
    ((button, said),) = call["make"](session.id, ["masks"], "all", gr.Progress())
    assert button.visible and said.startswith("<p class='made'>2 images, ")
    ((button, said),) = call["make"](session.id, [], "all", gr.Progress())
    assert not button.visible and "at least one format" in said


def test_a_threshold_becomes_that_of_the_set_and_clearing_empties_it(scored, handlers):
    session, call = scored
    listing, said = call["apply"](session.id, SimpleNamespace(threshold="12.5"))
    assert said == "" and {row["threshold"] for row in listing["rows"]} == {12.5}
    listing, said = call["apply"](session.id, SimpleNamespace(threshold="much"))
    assert "did not work" in said and {row["threshold"] for row in listing["rows"]} == {12.5}
    assert call["settle"](SimpleNamespace(threshold="3")) == 3.0
    assert call["settle"](SimpleNamespace(threshold=None)) is None
    clear = handlers[1]["clear"][0].fn  # the Train tab, laid out later, has one as well
    listing, brought, said = clear(session.id)
    assert listing["rows"] == [] and brought["waiting"] == [] and said == ""


def test_several_are_decided_at_once_and_what_was_drawn_stays(scored):
    session, call = scored
    first, second = session.items()
    drawn, zone = np.zeros((2, first.height, first.width), bool)
    drawn[3:9, 3:9] = zone[20:] = True
    label = [{"x": 4, "y": 4, "label": "dent"}]
    session.review(
        *(first.id,),
        mask=drawn,
        ignore=zone,
        threshold=2.5,
        decision="undecided",
        regions=label,
        reviewer="Ann",
        desk='{"threshold": 2.5, "k": 1}',
    )
    pairs = [{"item": item.id, "decision": "defective"} for item in (first, second)]
    listing, said = call["decide"](session.id, SimpleNamespace(pairs=pairs))
    assert said == "" and [row["decision"] for row in listing["rows"]] == ["defective"] * 2
    again = session.item(first.id).review
    assert (again.threshold, again.reviewer, again.regions[0].label) == (2.5, "Ann", "dent")
    assert np.array_equal(session.final_mask(first.id), drawn) and session.desk(first.id)["k"] == 1
    assert np.array_equal(session.ignore(first.id), zone)
    model = session.score_map(second.id) > np.float32(second.result.threshold)
    assert np.array_equal(session.final_mask(second.id), model)
    call["decide"](
        session.id, SimpleNamespace(pairs=[{"item": second.id, "decision": "undecided"}])
    )
    assert [item.decision for item in session.items()] == ["defective", "undecided"]
    good = {"item": first.id, "decision": "good"}
    for wrong in (
        None,
        [{}],
        [good, {"item": second.id, "decision": "bad"}],
        [good, {"item": "x"}],
    ):
        _, said = call["decide"](session.id, SimpleNamespace(pairs=wrong))
        assert "did not work" in said
    assert [item.decision for item in session.items()] == ["defective", "undecided"]


def test_the_evaluation_is_of_this_session_at_this_threshold(scored, handlers):
    session, call = scored
    assert "0 good and 1 defective images; 1 of which neither is known" in call["evaluate"](
        session.id, 2.0, gr.Progress()
    )
    assert "no scored image is known to be good" in call["evaluate"](
        handlers[0].open(None).id, None, gr.Progress()
    )


def test_what_waits_is_used_left_out_and_undone(scored):
    session, call = scored
    first, second = session.items()
    mask = np.zeros((first.height, first.width), bool)
    mask[2:5, 2:6] = True
    session.imports.begin()
    for name in ("x.png", "y.png"):
        session.imports.waiting.hold(
            mask, name=name, why="why", how="", role="truth", thumb="", candidates=[first.id]
        )
    one, _ = session.imports.waiting.all()
    for pairs in (None, [1], [{"id": "x", "item": first.id}], [{"id": one.id}]):
        _, brought, said = call["use_masks"]("stripes", session.id, SimpleNamespace(pairs=pairs))
        assert "did not work" in said and brought["total"] == 2 and not first.has_truth
    pairs = [{"id": one.id, "item": first.id}]
    listing, brought, said = call["use_masks"]("stripes", session.id, SimpleNamespace(pairs=pairs))
    assert said == "" and brought["total"] == brought["count"] == 1 and brought["undo"]
    assert session.truth(first.id).sum() == 12
    _, brought, said = call["leave_masks"](session.id)
    assert said == "" and brought["total"] == 0 and session.truth(first.id).sum() == 12
    _, brought, said = call["undo_import"](session.id)
    assert said == "" and not brought["undo"] and session.truth(first.id) is None
    assert "undone" in brought["notes"][0] and session.truth(second.id) is not None
