"""The export on the page: every format of the library, which images go, what is left behind."""

from __future__ import annotations

import tempfile
import zipfile

import gradio as gr
import numpy as np
import pytest
from parts import texture

from demo.batch.export import DECIDED, make
from demo.front.turns import Turns
from demo.page import Page
from demo.shared.models import Models
from demo.store.store import Store


@pytest.fixture
def page(tmp_path):
    """What the tabs share, without a page around it."""
    parts = [None] * 6
    return Page(Models(tmp_path), Turns(), None, Store(tmp_path / "work"), *parts)


@pytest.fixture
def session(page):
    """Two images with a mask, one of them decided on."""
    session, rng = page.store.open(None), np.random.default_rng(0)
    for name, decision in (("a.png", "defective"), ("b.png", "undecided")):
        item, mask = session.add(name, texture(rng)), np.eye(40, 48, dtype=bool)
        session.review(item.id, mask=mask, threshold=1, decision=decision)
    return session


def test_what_was_skipped_is_not_decided(page, session):
    item = session.add("c.png", np.zeros((40, 48, 3), np.uint8))
    session.review(item.id, mask=np.eye(40, 48, dtype=bool), threshold=1, decision="skipped")
    assert [each.name for each in session.items() if each.decision in DECIDED] == ["a.png"]


def made(page, session, monkeypatch, folder, wanted, of):
    """Names in the ZIP that Gradio keeps, the sentence, and what is left where it was made."""
    work = folder / "out"
    work.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(work))
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder / "gradio"))
    (button, says), names = next(steps := make(page, session.id, wanted, of, gr.Progress())), []
    assert not [*steps]
    if button.value:
        with zipfile.ZipFile(button.value["path"]) as taken:
            names = taken.namelist()
    return names, says, [*work.iterdir()]


@pytest.mark.parametrize(("of", "masks"), [("all", "ab"), ("decided", "a")])
def test_the_images_asked_for_go_and_nothing_stays(page, session, monkeypatch, tmp_path, of, masks):
    names, says, left = made(page, session, monkeypatch, tmp_path, ["masks"], of)
    assert {name for name in names if name.startswith("masks/")} == {
        f"masks/{stem}.png" for stem in masks
    }
    assert says.startswith(f"<p class='made'>{len(masks)} image") and not left


def test_nothing_chosen_is_a_sentence(page, session, monkeypatch, tmp_path):
    names, says, left = made(page, session, monkeypatch, tmp_path, [], "all")
    assert not names and not left
    assert "choose at least one format" in says
