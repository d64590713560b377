from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest
from parts import texture
from PIL import Image

from ddad.score.sight import Sight, sharpness

SIGHT = Sight(6.4, 17.0, 36, 500.0, 10.0, 0.31)


def test_it_survives_json_and_refuses_what_it_cannot_be():
    assert Sight.read(json.loads(json.dumps(asdict(SIGHT)))) == SIGHT
    for change in ({"side": None}, {"clear": -1.0}, {"faint": "6"}, {"more": 1.0}):
        with pytest.raises(ValueError, match="what a model can see"):
            Sight.read(asdict(SIGHT) | change)
    with pytest.raises(ValueError):
        Sight.read([1])


def test_it_says_from_what_size_on():
    assert SIGHT.sentence == (
        "sees clear spots from 6 px across, faint ones from 17, in photographs of about "
        "0.25 megapixels, 0.3 s a photograph"
    )
    assert "no faint ones" in Sight(6.4, None, 36, 500.0, 10.0, 0.3).sentence
    assert "no spot" in Sight(None, None, 36, 500.0, 10.0, 0.3).sentence


def test_photographs_of_which_it_does_not_hold_are_told_apart():
    pixels = texture(np.random.default_rng(0), 500, 500)
    sight = Sight(6.0, 17.0, 36, 500.0, sharpness(pixels, 500), 0.3)
    assert sight.doubt(pixels, 500) == ""

    def sized(side):
        return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))

    assert "2.0 times as large" in (said := sight.doubt(sized(1000), 500)) and "12 px" in said
    assert "only 0.5 times as large" in sight.doubt(sized(250), 500)
    blurred = np.asarray(Image.fromarray(sized(60)).resize((500, 500), Image.Resampling.BICUBIC))
    assert "blurred" in sight.doubt(blurred, 500)
