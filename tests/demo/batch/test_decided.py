"""What the panel of decisions shows and does, without a browser."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture

from demo.batch.decided import view
from demo.batch.decided.sample import sample


def decide(session, item, decision, mask=None):
    session.review(
        item.id,
        mask=mask,
        threshold=item.threshold,
        desk=None,
        decision=decision,
        ignore=None,
        min_area=1,
        regions=(),
        reviewer="",
    )


@pytest.fixture
def reviewed(handlers, tiny_detector):
    """A session of four good and four spoiled images, and the calls of the panel."""
    store, named = handlers
    session, rng = store.open(None), np.random.default_rng(6)
    items = []
    for number in range(8):
        pixels = texture(rng)
        if number % 2:
            pixels, _ = spoil(pixels, rng)
        item = session.add(f"{number}.png", pixels)
        (found,) = tiny_detector.detect([pixels])
        items.append(session.record(item.id, found, tiny_detector))
    return session, items, {name: events[0].fn for name, events in named.items()}


def test_before_anything_is_decided_the_panel_says_how(reviewed, handlers):
    session, _, call = reviewed
    assert "Nothing is decided yet" in view.summary(sample(session))
    assert "Nothing is scored yet" in view.summary(sample(handlers[0].open(None)))
    candidate, said = call["for_recall"](session.id, 90)
    assert "Decide on some photographs first" in said


def test_realised_rates_stand_beside_the_promised_one(reviewed, tiny_detector):
    session, items, _ = reviewed
    for item in items:
        bad = int(item.name[0]) % 2
        full = np.ones((item.height, item.width), bool)
        decide(session, item, "defective" if bad else "good", full if bad else None)
    found = sample(session)
    assert found.standing == "whole" and found.defects == 4
    assert found.result.promise == tiny_detector.calibration.promise
    shown = view.summary(found)
    assert "8 of 8 photographs decided on: 4 good, 4 defective" in shown
    assert f"about {view.percent(found.result.promise.rate)}" in shown
    alarms = int((found.scores[~found.defective] > found.now).sum())
    assert f"{alarms} of 4" in shown


def test_a_proposal_wants_enough_defects_and_changes_nothing_by_itself(reviewed):
    session, items, call = reviewed
    for item in items:
        full = np.ones((item.height, item.width), bool)
        bad = int(item.name[0]) % 2
        decide(session, item, "defective" if bad else "good", full if bad else None)
    before = [item.threshold for item in session.items()]
    _, said = call["for_recall"](session.id, 95)
    assert "needs 59 decided defects" in said
    candidate, said = call["for_recall"](session.id, 40)  # .4^4 < .05
    assert candidate < found_scores(session)[1].min() and "finds at least 40 %" in said
    best, said = call["for_costs"](session.id, 100, 1)
    assert "would have cost least" in said and best <= candidate + 1e9
    _, said = call["for_costs"](session.id, None, 1)
    assert "Type what a missed defect" in said
    assert [item.threshold for item in session.items()] == before


def found_scores(session):
    found = sample(session)
    return found.scores[~found.defective], found.scores[found.defective]


def test_a_threshold_is_used_when_the_button_is_pressed(reviewed):
    session, items, call = reviewed
    decide(session, items[0], "good")
    _, chosen, said = call["use_compared"](session.id, 7.5)
    assert chosen == 7.5 and "7.5 is the threshold" in said
    thresholds = {item.name: item.threshold for item in session.items()}
    assert thresholds.pop("0.png") != 7.5  # decided: it stays as it was
    assert set(thresholds.values()) == {7.5}
    *_, said = call["use_compared"](session.id, None)
    assert "there is no threshold to use" in said


def test_two_thresholds_stand_side_by_side(reviewed):
    session, items, _ = reviewed
    for item in items[:4]:
        full = np.ones((item.height, item.width), bool)
        bad = int(item.name[0]) % 2
        decide(session, item, "defective" if bad else "good", full if bad else None)
    found = sample(session)
    high = float(found.scores.max()) + 1
    shown = view.compared(found, high, None)
    assert "missed by it" in shown or "spared by it" in shown
    assert "judge all of them alike" in view.compared(found, found.now, None)
