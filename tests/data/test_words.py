"""What a path says of its file."""

from __future__ import annotations

import pytest

from ddad.data.words import folder, maybe_mask, owners, place, plain, says_mask
from ddad.images.files import IMAGE_SUFFIXES


@pytest.mark.parametrize(
    ("path", "split", "role", "folders", "kinds"),
    [
        ("nut/train/good/1.png", "train", "photograph", ("nut", "good"), ("good",)),
        ("Ground_Truth/crack/1_mask.png", "", "mask", ("crack",), ("crack",)),
        ("TestImages/x.png", "test", "photograph", (), ()),
        ("test_good/x.png", "test", "photograph", ("good",), ("good",)),
        ("test_private/x.png", "test", "photograph", ("private",), ()),
        ("Data/Images/Normal/1.JPG", "", "photograph", ("normal",), ("Normal",)),
        ("test/hole/xyz/1.tiff", "test", "aside", ("hole",), ("hole",)),
        ("no_defect/1.png", "", "photograph", ("no_defect",), ("no_defect",)),
        ("crack_masks/1.png", "", "mask", ("crack",), ("crack",)),
        ("x_mask.png", "", "mask", (), ()),
        ("n95_mask_1.png", "", "photograph", (), ()),
    ],
)
def test_a_path(path, split, role, folders, kinds):
    found = place(0, path)
    assert (found.split, found.role, found.folders, found.kinds) == (split, role, folders, kinds)


def test_first_folders_may_be_a_product():
    assert place(0, "face_mask/train/good/1.png").role == "mask"
    product = place(0, "face_mask/train/good/1.png", product=1)
    assert (product.role, product.above, product.kinds) == ("photograph", ("face_mask",), ("good",))


@pytest.mark.parametrize(
    ("stem", "names"),
    [
        *(("000_mask", {"000"}), ("x.jpg.mask", {"x", "x.jpg"}), ("Part_GT", {"part"})),
        *(("0001_label", {"0001"}), ("mask_7", {"7"}), ("x_mask (2)", {"x"}), ("mask", set())),
    ],
)
def test_whom_a_mask_may_be_for(stem, names):
    assert {owner.stem for owner in owners(stem, IMAGE_SUFFIXES)} == names | {stem.casefold()}
    suffixed = [o.suffix for o in owners("x.jpg.mask", IMAGE_SUFFIXES) if o.stem == "x"]
    assert suffixed == [".jpg"]


def test_words_that_may_mean_a_mask():
    assert maybe_mask("part_gt") == ("part", "gt") and maybe_mask("x_mask_1") == ("x", "mask")
    assert maybe_mask("part") == ("", "") and says_mask("a-MASK") and not says_mask("amask")


def test_one_unicode_form():
    assert plain("E\u0301") == plain("\u00e9") and folder("Masken").masks
