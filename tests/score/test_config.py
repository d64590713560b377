from __future__ import annotations

import json
from pathlib import Path

import pytest
from parts import ROOT

from ddad.model.checkpoint import settings
from ddad.score.config import ScoreConfig, detail


def test_the_defaults_are_the_settings_of_the_shipped_cookie():
    """Its figures are in the README as those of the settings as they come."""
    shipped = json.loads((ROOT / "checkpoints" / "cookie" / "ddad.json").read_text())["score"]
    assert json.loads(json.dumps(settings(ScoreConfig()))) == shipped


@pytest.mark.parametrize(
    "edge, over",
    [
        ({"timesteps": (3,), "jump": 3}, {"timesteps": (3,), "jump": 4}),
        ({"draws": 1}, {"draws": 0}),
        ({"jump": 1}, {"jump": 0}),
        ({"size": 16}, {"size": 15}),
        ({"timesteps": (1,)}, {"timesteps": ()}),
    ],
)
def test_settings_are_refused_from_the_first_that_means_nothing(edge, over):
    ScoreConfig(**edge)
    with pytest.raises(ValueError):
        ScoreConfig(**over)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timesteps": (5, 20), "jump": 6},
        {"timesteps": (20, 20)},
        {"feature_size": 63},
        {"pixel_weight": 1.1},
        {"timesteps": (1000,)},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        ScoreConfig(**wrong)


def test_a_detail_stands_behind_a_models_name():
    assert detail("brick@fast") == ("brick", "@fast") and detail("~a/b@1") == ("~a/b", "@1")
    for name in ("brick", "@fast", "brick@fastest", "brick@12", "brick@", ""):
        assert detail(name) == (name, "")
    assert detail(Path("a/brick@2")) == ("a/brick", "@2") and detail(None) == ("None", "")
