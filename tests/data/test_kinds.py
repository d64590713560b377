"""Good parts and kinds of defects by their folders; what is unclear is said."""

from __future__ import annotations

import pytest

from ddad.data.kinds import UnclearError, find_kinds, good_parts
from ddad.data.layout import arrange


def kinds(*names):
    layout = arrange(names)
    return [find_kinds(layout.photographs)[i] for i in range(len(names))]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("good/1.png", "colour/1.png", "lot2/1.png"), ["good", "colour", None]),
        (("good/1.png", "unsorted/1.png", "reference/1.png"), ["good", None, None]),
        (("crack_dataset/good/1.png", "crack_dataset/x/1.png"), ["good", "x"]),
        (("hole_plate/ok/1.png", "hole_plate/ng/1.png", "nut/ok/1.png"), ["good", "ng", "good"]),
        (("good/crack/1.png", "good/1.png"), ["crack", "good"]),
        (("ok_front/1.png", "def_front/1.png"), ["good", "def_front"]),
        (("defect/1.png", "defect-free/1.png"), ["defect", "good"]),
        (("NG/good/1.png", "OK/1.png"), [None, "good"]),
        (("train/good/1.png", "test_private/1.png", "test/poke/1.png"), ["good", None, "poke"]),
        (("test/bottle/1.png", "train/bottle/1.png"), [None, None]),
        (("OK/S1/1.png", "NG/BX/S1/1.png"), ["good", "NG"]),
    ],
)
def test_kinds(names, expected):
    assert kinds(*names) == expected


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("crack/1.png", "x/1.png"), "no folder is surely of good parts, but there is crack"),
        (("bottle/1.png", "cable/1.png"), "unclear which folders hold good parts: bottle, cable"),
        (("train/0/1.png", "train/1/1.png"), "unclear .* 0, 1"),
        (("bottle/good/1.png", "cable/good/1.png"), "several kinds: bottle, cable"),
        (("test/good/1.png",), "to test alone"),
        (("1.png", "1_mask.png", "2.png"), "1 of 2 images have masks"),
        (("1.png", "masks/7.png"), "masks of images that are not found"),
        (("good_1.png", "crack_1.png"), "1 images are called after defects: crack_1.png"),
        (("masks/1.png",), "no photographs"),
    ],
)
def test_what_is_unclear_is_named(names, sentence):
    with pytest.raises(UnclearError, match=sentence):
        good_parts(arrange(names))


def test_good_parts_are_told_from_the_rest():
    names = ["t/train/Good/1.png", "t/train/dent/1.png", "t/test/good/1.png"]
    good, left = good_parts(arrange(names))
    assert [p.index for p in good] == [0] and [p.index for p in left] == [1, 2]
    good, left = good_parts(arrange(["lot1/1.png", "lot2/1.png", "lot2/2.png"]))
    assert len(good) == 3 and not left
