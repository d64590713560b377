"""What the files of a tree are, by their paths alone."""

from __future__ import annotations

import time

import pytest

from ddad.data.kinds import find_kinds
from ddad.data.layout import arrange


def roles(*names):
    found = {place.name: place.role for place in arrange(names).places}
    return "".join(found[name][0] for name in names)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("images/1.png", "masks/1.png"), "pm"),
        (("images/1.png", "labels/1.png"), "pm"),
        (("labels/good/1.png", "labels/bad/2.png"), "pp"),  # labels are what is inspected
        (("Train/1.png", "Train/Label/1_label.png", "Train/Label/x/1_label.png"), "pmm"),
        (("x.png", "x_gt.png", "y_gt.png"), "pmm"),  # the image of y is missing
        (("x_gt.png", "y_gt.png"), "pp"),
        (("x.png", "x_mask_1.png", "x_mask (2).png"), "pmm"),
        (("n95_mask_1.png", "n95_mask_2.png"), "pp"),
        (("face_mask/train/good/1.png", "face_mask/test/torn/1.png"), "pp"),
        (("masks/train/1.png", "masks/test/1.png"), "mm"),
        (("images/1.png", "maps/1.tiff", "overlays/1.png"), "paa"),
        (("r/rgb/1.png", "r/xyz/1.tiff"), "pa"),
    ],
)
def test_photographs_masks_and_neither(names, expected):
    assert roles(*names) == expected


def test_a_folder_test_around_all_is_a_name():
    layout = arrange(["test_2024/train/good/1.png", "test_2024/test/bad/1.png"])
    assert [place.split for place in layout.places] == ["train", "test"]


@pytest.mark.parametrize("mask", ["masks/lot{}/000.png", "masks/x{}/000.png", "images/lot{}/m.png"])
def test_many_names_take_seconds(mask):
    names = [f"images/lot{i}/000.png" for i in range(5000)]
    begin = time.process_time()
    layout = arrange([*names, *map(mask.format, range(5000))])
    find_kinds(layout.photographs)
    assert time.process_time() - begin < 10
