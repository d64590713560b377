from __future__ import annotations

import pytest

from ddad.score.config import ScoreConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"timesteps": ()},
        {"draws": 0},
        {"jump": 0},
        {"timesteps": (5, 20), "jump": 6},
        {"timesteps": (20, 20)},
        {"size": 8},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ValueError):
        ScoreConfig(**wrong)
