from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from demo.shared import stream


@pytest.fixture
def items(handlers, tiny_detector, canvas_image):
    """Makes items of a session as scored, at given levels; none lies above the threshold."""
    store, _ = handlers
    session = store.open(None)
    item = session.add("a.png", canvas_image)
    (found,) = tiny_detector.detect([canvas_image])
    scored = session.record(item.id, found, tiny_detector)
    quiet = replace(scored.result, score=scored.result.threshold - 1, strangeness=0.0)

    def make(levels, **changes):
        return [
            SimpleNamespace(
                result=replace(quiet, level=float(level), **changes), decision="undecided"
            )
            for level in levels
        ]

    return make


@pytest.fixture
def canvas_image():
    from parts import texture

    return texture(np.random.default_rng(0))


def test_a_stream_like_the_normals_says_nothing(items, tiny_detector):
    levels = np.resize(tiny_detector.calibration.normal_levels, 60)
    assert stream.said(items(levels)) == stream.said([]) == ""


def test_levels_that_move_are_said(items, tiny_detector):
    levels = list(np.resize(tiny_detector.calibration.normal_levels, 60))
    said = stream.said(items([*levels, *np.linspace(5, 6, 60)]))
    assert "The good-looking photographs lie higher" in said


def test_strangers_and_other_models_are_no_part_of_it(items, tiny_detector):
    levels = list(np.resize(tiny_detector.calibration.normal_levels, 60))
    far = np.linspace(5, 6, 60)
    strange = items(far, strangeness=1.0)
    other = items(far, fingerprint="another")
    assert stream.said([*strange, *other, *items(levels)]) == ""


def test_false_alarms_that_pile_up_are_said(items, tiny_detector):
    level = tiny_detector.calibration.normal_levels[0]
    loud = items([level] * 60)
    for item in loud:
        item.result = replace(item.result, score=item.result.threshold + 1)
        item.decision = "good"
    said = stream.said(loud)
    assert "more than promised" in said and "60 photographs of good parts" in said
