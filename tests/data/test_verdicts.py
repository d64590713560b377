"""What names say of parts: never the opposite of what they mean."""

from __future__ import annotations

import pytest

from ddad.data.verdicts import are_series, is_defect, is_good, said

GOOD = ["good", "Good parts", "OK", "i.O.", "ok_front", "good_2", "NoDefect", "no crack", "gut"]
GOOD += ["defect-free", "non defective", "without scratches", "正常", "良品", "train_good"]
DEFECT = ["NG", "n.i.O.", "not_good", "not ok", "broken_large", "def_front", "crack2", "BadParts"]
DEFECT += ["MT_Blowhole", "logical_anomalies", "bent-wire", "不良品", "non-normal"]
NEITHER = ["bottle", "normalised", "Positive", "Negative", "goods", "crackers", "cam1", "0", ""]
UNCLEAR = ["good and bad", "ok_scratch", "good_bottle", "unsorted", "reference 2", "no_hole"]


@pytest.mark.parametrize("name", GOOD)
def test_good_parts(name):
    assert is_good(name) and not is_defect(name)


@pytest.mark.parametrize("name", DEFECT)
def test_defects(name):
    assert is_defect(name) and not is_good(name)


@pytest.mark.parametrize("name", NEITHER)
def test_names_that_say_nothing(name):
    assert said(name).verdict == ""


@pytest.mark.parametrize("name", UNCLEAR)
def test_names_that_may_mean_either(name):
    assert said(name).verdict == "unclear"


def test_a_name_with_other_words_may_be_a_product():
    assert said("crack 2").exact and not said("crack_dataset").exact


@pytest.mark.parametrize(
    ("names", "series"),
    [
        *((("lot1", "lot 2"), True), (("A", "B", "C"), True), (("2024-05-01", "2024-05-02"), True)),
        *((("S0001", "S0002"), True), (("bottle1", "bottle2"), True), (("cam left", "1"), True)),
        *((("0", "1"), False), (("G", "B"), False), (("好", "坏"), False), (("bottle",), False)),
        *((("class1", "class2"), False), (("bottle", "cable"), False), (("lot1", "bad"), False)),
        *((("unsorted", "lot1"), False), (("crack1", "crack2"), False)),
    ],
)
def test_series(names, series):
    assert are_series(names) == series
