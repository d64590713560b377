from __future__ import annotations

from ddad.diffusion.extractor import Extractor
from ddad.model.checkpoint import BUNDLED
from ddad.score.config import ScoreConfig
from ddad.score.pace import PIECES, pace, seconds


def test_a_pixel_takes_some_time():
    assert 1e-9 < pace(Extractor.load(BUNDLED)) < 1e-4


def test_looks_cost_by_their_pixels():
    plain = ScoreConfig(feature_size=320)
    base = seconds(plain, (600, 600), 1e-6)
    more = seconds(plain.closer((800,)), (600, 600), 1e-6)
    assert more - base == 800**2 * 1e-6
    strip = seconds(plain, (100, 900), 1e-6)
    assert strip == 4 * base, "an elongated picture is seen as up to four squares"
    large = seconds(plain.closer((2000,)), (3000, 3000), 1e-6)
    assert large - base == 2000**2 * 1e-6 * PIECES
