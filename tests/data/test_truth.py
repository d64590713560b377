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

TARGETS = [
    *(Target("part 1.png", 6, 8), Target("part.jpg", 6, 8), Target("c/part.jpg", 6, 8)),
    *(Target("x.jpg", 6, 8), Target("x.png", 6, 8)),
]


@pytest.mark.parametrize(
    ("name", "index"),
    [
        *(("part 1.png", 0), ("./PART 1.PNG", 0), ("part.jpg", 1), ("part.png", 1)),
        *(("c/part.jpg", 2), (r"test\c\part.jpg", 2), ("x.png", 4), ("x.jpg", 3)),
    ],
)
def test_an_image_is_found_by_its_name(name, index):
    assert matcher(TARGETS)(name) == index


@pytest.mark.parametrize(
    ("name", "index"),
    [
        *(("part 1_mask.png", 0), ("part.png", 1), ("masks/c/Part.bmp", 2), ("c/part-mask.png", 2)),
        *(("x.png.mask.png", 4), ("ground_truth/c/part_gt.png", 2), ("mask_part.png", 1)),
    ],
)
def test_a_mask_finds_its_image_by_its_path(name, index):
    assert matcher(TARGETS, masks=True)(name) == index


@pytest.mark.parametrize(
    ("name", "masks", "why"),
    [
        *(("part_3.png", True, "no image"), ("", True, "no image"), ("..", False, "no image")),
        *(("art.png", False, "no image"), ("d/part.png", True, "differently (part.jpg)")),
        *(("x_mask.png", True, "several images have this name (x.jpg, x.png)"),),
        *(("part_1.png", True, "differently (part 1.png)"), ("d/c.png", True, "no image")),
    ],
)
def test_what_is_not_sure_is_said(name, masks, why):
    assert why in matcher(TARGETS, masks=masks)(name)


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


def test_class_numbers_become_labels(tmp_path):
    values = np.zeros((6, 8), np.uint8)
    values[0, :2], values[4, 4:6] = 2, 7
    Image.fromarray(values).save(tmp_path / "m.png")
    _, found = read_mask(tmp_path / "m.png", "part.png", TARGETS)
    assert np.array_equal(found.mask, values > 0)
    assert found.labels == (RegionLabel(0, 0, "class 2"), RegionLabel(4, 4, "class 7"))


def test_a_mask_that_fits_no_image_is_refused(tmp_path):
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "m.png")
    with pytest.raises(MaskError, match=r"the mask new\\nline\.png was left out: no image"):
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
