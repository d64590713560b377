from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from ddad.score.calibration import Calibration, widened

EVEN = ((1.0,) * 5,) * 5


def calibration(**changes):
    scores = (0.5, 1.0, 1.5, 2.0)
    made = Calibration(
        *({"pixel": (1.0, 2.0)}, {"pixel": (0.5, 4.0)}, {"pixel": EVEN}),
        *(scores, 0.2, 2.0, 0.0, 4.0, "abc"),
        parts=(0, 1, 2, 3),
        normal_levels=(0.0, 0.1, 0.2, 0.3),
    )
    return replace(made, **changes)


def test_json_round_trip():
    before = calibration()
    assert Calibration.from_json(before.to_json()) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.pop("threshold"),
        lambda v: v.update(extra=1),
        lambda v: v.update(parts=[0]),
        lambda v: v.update(normal_levels=[math.inf, 0, 0, 0]),
        lambda v: v.update(threshold=math.nan),
        lambda v: v.update(means={"pixel": ["a", "b"]}),
        lambda v: v.update(borders={"pixel": [[1.0, math.inf]]}),
    ],
)
def test_damaged_json_is_refused(spoil):
    values = json.loads(calibration().to_json())
    spoil(values)
    with pytest.raises(ValueError):
        Calibration.from_json(json.dumps(values))


def test_what_an_earlier_version_calibrated_is_read_and_promises_nothing():
    """It counted photographs where it should have counted parts."""
    values = json.loads(calibration().to_json())
    del values["parts"], values["normal_levels"], values["strange"]
    found = Calibration.from_json(json.dumps(values))
    assert found.threshold == 2.0 and found.promise is None
    with pytest.raises(ValueError, match="calibrate"):
        widened(found, [1.0], [0.0], ["new"])


def test_the_promise_counts_the_part_to_come():
    few = calibration(target_fpr=0.01)
    assert few.promise.rate == 1 / 5 and few.promise.parts == 4
    assert few.promise.carries == "1 % as asked would need 99 parts"
    assert calibration(threshold=1.2).promise.rate == 3 / 5
    assert calibration(parts=(7, 7, 7, 7)).promise is None


def test_normals_that_are_added_keep_the_others_and_move_the_threshold():
    found = widened(calibration(), [3.0, 2.5], [0.5, 0.4], ["new", "new"])
    assert found.normal_scores == (0.5, 1.0, 1.5, 2.0, 2.5, 3.0)
    assert found.parts == (0, 1, 2, 3, 4, 4) and found.promise.parts == 5
    assert found.normal_levels[-2:] == (0.4, 0.5)
    assert found.threshold == 3.0  # one of 5 parts may lie above at most at 20 %: none of them
