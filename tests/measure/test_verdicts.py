from __future__ import annotations

import numpy as np
import pytest

from ddad.measure.verdicts import Verdicts

MARKED = np.array([[1, 1, 0, 0]], bool)
RATES = ("pixel_iou", "pixel_precision", "pixel_recall")


def test_pixels_of_a_known_place_count_and_others_do_not():
    verdicts = Verdicts()
    verdicts.add(MARKED, np.array([[1, 0, 1, 0]], bool), True)
    known = verdicts.result()
    assert [known[name] for name in RATES] == pytest.approx([1 / 3, 1 / 2, 1 / 2])
    verdicts.add(MARKED, None, True)
    verdicts.add(~MARKED & MARKED, None, True)
    found = verdicts.result()
    assert [found[name] for name in RATES] == [known[name] for name in RATES]
    assert (found["true_positives"], found["false_negatives"]) == (2, 1)


def test_without_a_pixel_of_a_defect_there_are_no_rates():
    verdicts = Verdicts()
    verdicts.add(MARKED, np.zeros((1, 4), bool), False)
    verdicts.add(MARKED, None, True)
    found = verdicts.result()
    assert [found[name] for name in RATES] == [None] * 3
    assert (found["true_positives"], found["false_positives"]) == (1, 1)
    assert Verdicts().result()["pixel_iou"] is None


def test_sums_add_up():
    one, two = Verdicts(), Verdicts()
    one.add(MARKED, MARKED, True)
    two.add(MARKED, ~MARKED, True)
    both = (one + two).result()
    assert both["pixel_iou"] == pytest.approx(2 / 6) and both["true_positives"] == 2
