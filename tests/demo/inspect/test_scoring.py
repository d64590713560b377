"""Scoring for the desk, step by step, without a browser."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from demo.inspect import scoring
from demo.inspect.scoring import Wanted, inspect
from demo.shared.models import Models
from demo.store.store import Store


@pytest.fixture
def page(tiny_checkpoint, tmp_path):
    return SimpleNamespace(models=Models(tiny_checkpoint.parent), store=Store(tmp_path / "work"))


@pytest.fixture
def part(tmp_path):
    path, rng = tmp_path / "part.png", np.random.default_rng(8)
    Image.fromarray(spoil(texture(rng), rng)[0]).save(path)
    return path


def test_maps_are_shown_a_tenth_of_a_second_apart(page, part, monkeypatch):
    """Drawn more often they would take the cores that compute them, and rarer they would lag."""
    for pace, each in ((0.15, 1), (0.06, 2), (0.03, 4)):
        clock = iter(np.arange(100, 200, pace).tolist())
        monkeypatch.setattr(scoring, "time", SimpleNamespace(monotonic=lambda c=clock: next(c)))
        steps = list(inspect(page, Wanted("stripes", part), None))
        shown = [len(step[0]["desk"]["scales"]) for step in steps[:-1]]
        # The clock is read once a scale, and once more for each that is shown.
        assert shown[0] == 1 and set(np.diff(shown)) == {each}
        assert steps[-1][0]["desk"]["partial"] is False


def test_the_same_image_and_model_go_on_as_they_were_left(page, part):
    session = page.store.open(None)
    wanted = Wanted("stripes", part, threshold=2.5, seed=9)
    *maps, (first, _, sentence) = inspect(page, wanted, session.id)
    assert maps and sentence == "" and first["desk"]["at"] == 2.5
    assert "names seed 9; this model scores with 0" in first["desk"]["note"]
    ((again, key, _),) = inspect(page, wanted, session.id)
    assert key == session.id and again["desk"]["item"] == first["desk"]["item"]
    other = part.with_name("other.png")
    other.write_bytes(part.read_bytes())
    assert len(list(inspect(page, Wanted("stripes", other), session.id))) > 1
    Image.fromarray(texture(np.random.default_rng(9))).save(part)  # the same name, another image
    assert len(list(inspect(page, wanted, session.id))) > 1
    assert [item.name for item in session.items()] == ["part.png", "other.png", "part.png"]
    assert [item.name for item in session.items(name="other.png")] == ["other.png"]


def test_what_cannot_be_scored_leaves_the_desk_as_it_is(page, part):
    part.write_bytes(b"no picture")
    ((desk, session, sentence),) = inspect(page, Wanted("stripes", part), None)
    assert desk == session == gr.skip()
    assert "part.png is not an image" in sentence and str(part.parent) not in sentence
    ((_, _, sentence),) = inspect(page, Wanted("none", part), None)
    assert "part.png" in sentence or "no model called" in sentence
    assert list(inspect(page, None, None)) == [(gr.skip(),) * 3]
