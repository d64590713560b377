from __future__ import annotations

from dataclasses import replace

from ddad.score.config import ScoreConfig
from ddad.training.fit import CROSS_FIT_BELOW
from ddad.training.plan import CALIBRATION, FEATURES, PIXEL, Plan, planned_seconds
from ddad.training.run import TrainConfig


def plan(branch, **config):
    return Plan(branch, TrainConfig(**config), ScoreConfig())


def test_the_phases_are_those_of_the_branches_in_order():
    steps = {"steps": 100}
    assert list(plan("feature", **steps).phases(30)) == [FEATURES, CALIBRATION]
    assert list(plan("pixel", **steps).phases(30)) == [PIXEL, CALIBRATION]
    assert list(plan("both", **steps).phases(30)) == [PIXEL, FEATURES, CALIBRATION]
    assert plan("both", steps=100).phases(30)[PIXEL] == 60
    assert plan("both", minutes=3).phases(30)[PIXEL] == 180


def test_few_normals_all_calibrate_many_in_part():
    few, many = CROSS_FIT_BELOW, CROSS_FIT_BELOW + 1
    feature = plan("feature", steps=1, held_out=0.2)
    assert feature.cross_fits(few) and not feature.cross_fits(many)
    assert plan("both", steps=1).cross_fits(few)  # its pixel branch draws, and scores nothing
    scores = replace(plan("both", steps=1), score=ScoreConfig(pixel_weight=0.1))
    assert not scores.cross_fits(2)
    assert feature.phases(few)[CALIBRATION] > 4 * feature.phases(many)[CALIBRATION]
    assert planned_seconds("both", 20, 4) > planned_seconds("feature", 20, 4) + 225
