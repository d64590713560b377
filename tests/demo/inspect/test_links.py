"""Permalinks: what an address asks for, honest or made up."""

from __future__ import annotations

import shutil

import pytest

from demo.inspect.links import linked
from demo.inspect.scoring import Wanted
from demo.shared.models import Models


@pytest.fixture(scope="module")
def models(tiny_checkpoint, tmp_path_factory):
    """One model with one example, its weights not loaded."""
    root = tmp_path_factory.mktemp("models")
    (root / "stripes" / "examples").mkdir(parents=True)
    shutil.copy(tiny_checkpoint / "ddad.json", root / "stripes")
    (root / "stripes" / "examples" / "2_square.png").touch()
    return Models(root)


def test_a_link_names_model_example_threshold_and_seed(models):
    query = {"model": "stripes", "example": "2_square", "threshold": "2.75", "seed": "7"}
    path = models.root / "stripes" / "examples" / "2_square.png"
    wanted = Wanted("stripes", path, "2_square", 2.75, 7)
    assert linked(models, query) == (wanted, "stripes", "")
    assert linked(models, {"model": "stripes"}) == (None, "stripes", "")
    assert linked(models, {"threshold": "3"}) == (None, None, "")


@pytest.mark.parametrize(
    ("changes", "chosen", "said"),
    [
        ({"model": "../stripes"}, None, "that is not here"),
        ({"example": "../x"}, "stripes", "no example called"),
        ({"threshold": "a"}, "stripes", "threshold or seed is not a number"),
        ({"threshold": "nan"}, "stripes", "threshold is not a number"),
        ({"threshold": "1e9"}, "stripes", "threshold is not a number"),
        ({"seed": "1.5"}, "stripes", "threshold or seed is not a number"),
        ({"model": "<b>"}, None, "&lt;b&gt;"),
    ],
)
def test_a_wrong_link_is_told_in_a_sentence(models, changes, chosen, said):
    wanted, name, text = linked(models, {"model": "stripes", "example": "2_square"} | changes)
    assert (wanted, name) == (None, chosen)
    assert said in text and "<b>" not in text
