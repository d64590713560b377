"""Masks made elsewhere come in whole, and a bad file is one sentence."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from reviewing import content, record

from ddad.data.truth import MaskError, Target, matcher, origin, read_mask
from ddad.export.bundle import write_zip
from ddad.images.decode import ImageError
from ddad.images.regions import RegionLabel

TARGETS = [Target("part 1.png", 6, 8), Target("b/part.jpg", 6, 8), Target("c/part.jpg", 6, 8)]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        *(("part 1.png", 0), ("x/y/part 1.png", 0), ("part_1_mask.png", 0), ("PART_1.PNG", 0)),
        *(("b/part.jpg", 1), ("part.png", 1), ("part_mask.png", 1), ("part_2.png", 2)),
    ],
)
def test_a_mask_finds_its_image_by_name(name, index):
    assert matcher(TARGETS)(name) == index


@pytest.mark.parametrize("name", ["part_3.png", "", "..", "art.png", "part.jpg", "a/part.jpg"])
def test_a_mask_that_may_be_anyones_is_no_ones(name):
    assert "called" in matcher(TARGETS)(name)


@pytest.mark.parametrize("mode", ["L", "1", "P", "I;16", "RGB"])
@pytest.mark.parametrize("value", [1, 3, 236, 255])
def test_masks_of_every_mode_and_value(tmp_path, mode, value):
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:5] = True
    values = (mask * value).astype(np.uint16 if mode == "I;16" else np.uint8)
    if mode == "P":
        picture = Image.fromarray(values, "L").convert("P")
        picture.putdata(values.ravel())
    elif mode == "1":
        picture = Image.fromarray(mask)
    else:
        picture = Image.fromarray(np.stack([values] * 3, 2) if mode == "RGB" else values)
    picture.save(tmp_path / "m.png")
    index, found = read_mask(tmp_path / "m.png", "part_mask.png", TARGETS)
    assert index == 1 and np.array_equal(found.mask, mask) and found.labels == ()


def test_class_numbers_become_labels_and_soft_edges_are_cut_at_half(tmp_path):
    values = np.zeros((6, 8), np.uint8)
    values[0, :2], values[4, 4:6] = 2, 7
    Image.fromarray(values).save(tmp_path / "m.png")
    _, found = read_mask(tmp_path / "m.png", "part.png", TARGETS)
    assert np.array_equal(found.mask, values > 0)
    assert found.labels == (RegionLabel(0, 0, "class 2"), RegionLabel(4, 4, "class 7"))
    values[0, :3], values[4, 4:6] = (60, 130, 200), 255
    Image.fromarray(values).save(tmp_path / "m.png")
    _, found = read_mask(tmp_path / "m.png", "part.png", TARGETS)
    assert np.array_equal(found.mask, values > 127) and found.labels == ()


def test_a_mask_that_fits_no_image_is_refused(tmp_path):
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(MaskError, match=r"no image is called like new\\nline\.png"):
        read_mask(tmp_path / "m.png", "new\nline.png", TARGETS)
    with pytest.raises(MaskError, match="part.png is of 5 x 5 pixels, its image of 8 x 6"):
        read_mask(tmp_path / "m.png", "part.png", TARGETS)
    (tmp_path / "m.png").write_bytes(b"no image")
    with pytest.raises(ImageError):
        read_mask(tmp_path / "m.png", "part.png", TARGETS)


@pytest.mark.parametrize("name", ["part 1.png", "A/裂纹 \U0001f600.tif", '"\n', "\udcff.png"])
def test_an_exported_mask_says_whose_it_is(tmp_path, name):
    one = record(name)
    write_zip([one], ["masks", "mvtec"], tmp_path / "m.zip")
    for path, data in content(tmp_path / "m.zip").items():
        if path.startswith("masks/") or "ground_truth" in path:
            (tmp_path / "m.png").write_bytes(data)
            assert origin(tmp_path / "m.png") == (
                name,
                hashlib.sha256(one.pixels.tobytes()).hexdigest(),
            )


@pytest.mark.parametrize(
    "told", ["", "[]", "null", "3", '{"name": 3, "sha256": ""}', '{"name": "a"}', "[" * 99_999]
)
def test_a_mask_of_another_tool_says_nothing(tmp_path, told):
    info = PngInfo()
    info.add_itxt("ddad:image", told)
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "m.png", pnginfo=info)
    assert origin(tmp_path / "m.png") is None
    (tmp_path / "m.png").write_bytes(b"no image")
    assert origin(tmp_path / "m.png") is None
    assert origin(tmp_path / "gone.png") is None
    Image.fromarray(np.zeros((2, 2), np.uint8)).save(tmp_path / "m.bmp")
    assert origin(tmp_path / "m.bmp") is None
