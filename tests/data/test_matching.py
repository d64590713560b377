"""A mask finds its image by its path, or none and a sentence."""

from __future__ import annotations

import pytest

from ddad.data import matching
from ddad.data.layout import arrange

SURE = {
    "MVTec": ("test/crack/000.png", "ground_truth/crack/000_mask.png", "test/good/000.png"),
    "capitals": ("nut/Test/Crack/0.png", "nut/GROUND_TRUTH/crack/0_Mask.png"),
    "VisA": ("Data/Images/Anomaly/000.JPG", "Data/Masks/Anomaly/000.png"),
    "folders, case 08": ("crack/000.png", "mask/crack/000_mask.png", "good/000.png"),
    "case 09": ("images/000.png", "masks/000.png"),
    "splits": ("images/test/1.png", "masks/test/1.png", "images/train/1.png"),
    "beside": ("A/001.png", "A/001_mask.png", "B/001.png", "001.png"),
    "beside, above others": ("1.png", "1_mask.png", "A/1.png"),
    "decomposed": ("images/\u00e91.png", "masks/e\u03011.png"),
    "its letter case": ("a.png", "a_mask.png", "A.png"),
    "its whole name": ("x.jpg", "x.jpg.mask.png", "x.png"),
    "3D": ("test/hole/rgb/000.png", "test/hole/gt/000.png", "test/good/rgb/000.png"),
    "DAGM": ("Train/0001.PNG", "Train/Label/0001_label.PNG", "Test/0001.PNG"),
    "KolektorSDD2": ("train/1.png", "train/1_GT.png", "test/1.png"),
}
UNSURE = {
    matching.SEVERAL: [
        ("x.jpg", "x_mask.png", "x.png"),
        ("images/train/1.png", "masks/1.png", "images/test/1.png"),
        ("images/1.png", "masks/1.png", "raw/1.png"),
    ],
    matching.SEVERAL_NEAR: [
        ("A/001.png", "001_mask.png", "B/001.png"),
        ("images/1.png", "masks/1.png", "small/1.png"),
    ],
    matching.ELSEWHERE: [
        ("crack/1.png", "masks/1.png"),
        ("part_1.png", "part 1_mask.png"),
        ("x.png", "x.jpg.mask.png"),
        ("images/test/2.png", "masks/2.png", "images/train/1.png"),
    ],
    matching.OTHER_FOLDERS: [("test/crack/1.png", "ground_truth/dent/1_mask.png")],
    matching.NO_IMAGE: [("images/1.png", "masks/2.png")],
}


@pytest.mark.parametrize("names", SURE.values(), ids=SURE)
def test_a_mask_finds_its_own_image(names):
    (found,) = arrange(names).matches
    assert (found.mask, found.image) == (1, 0)


@pytest.mark.parametrize(
    ("why", "names"), [(why, names) for why, many in UNSURE.items() for names in many]
)
def test_what_is_not_sure_is_for_none_and_said(why, names):
    found = next(m for m in arrange(names).matches if m.mask == 1)
    assert found.image is None and found.why == why


def test_two_masks_of_one_image_are_for_none():
    found = arrange(["x.png", "x_mask.png", "masks/x.png"]).matches
    assert all(m.image is None and 0 in m.candidates for m in found)


def test_whole_names_pair_off_twins():
    layout = arrange(["images/x.jpg", "images/x.png", "masks/x.jpg", "masks/x.png"])
    assert layout.masks == {0: 2, 1: 3}


def test_coco_names_find_images_in_their_folders():
    images = matching.Images([*arrange(["A/001.png", "B/001.png", "c.jpg"]).photographs])
    assert images.called("A/001.png").image == 0 and images.called("B/001.png").image == 1
    assert images.called("001.png").image is None and images.called("c.png").image == 2
