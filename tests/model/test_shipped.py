"""The models that come with the project keep what their cards say."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from benchmarks.shipped import SOURCES, Kept, every
from ddad.model.checkpoint import list_checkpoints
from ddad.model.detector import Detector


def held(it: Kept) -> None:
    low, high = it.within
    assert low <= it.above <= high, it
    assert it.promise.rate < 0.2  # a model that promises nothing to speak of is none to ship
    assert it.strange <= 0.02 * (it.good + it.defective), it
    assert it.image_auroc > 0.85
    card = Detector.load(it.name).card
    assert str(it.promise) in " ".join(card.split())
    assert f"{it.above} of {it.good}" in card


def test_there_are_three_kinds_of_work():
    assert set(list_checkpoints()) == set(SOURCES)
    assert len(SOURCES) >= 3


def test_the_wall_keeps_its_promise():
    (it,) = every(None)
    assert it.name == "brick"
    held(it)


def test_all_keep_their_promise(real_data):
    found = list(every(real_data))
    assert [it.name for it in found] == list_checkpoints()
    for it in found:
        held(it)


@pytest.mark.parametrize("name", SOURCES)
def test_a_cat_is_no_part(name):
    """And neither is the other skimage pictures: none is called defective."""
    detector = Detector.load(name)
    for picture in (data.chelsea(), data.astronaut(), data.coffee()):
        (found,) = detector.detect([np.ascontiguousarray(picture)])
        assert not found.familiar
