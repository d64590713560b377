"""Masks made elsewhere come in whole, and a bad file is one sentence."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from pycocotools import mask as pycoco

from ddad.data.truth import MaskError, Target, matcher, read_coco, read_mask
from ddad.export.bundle import write_zip
from ddad.export.reviewed import Reviewed, find_shapes
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
    with pytest.raises(MaskError, match=r"the mask new\\nline\.png was left out: no image"):
        read_mask(tmp_path / "m.png", "new\nline.png", TARGETS)
    with pytest.raises(MaskError, match="part.png is of 5 x 5 pixels, its image of 8 x 6"):
        read_mask(tmp_path / "m.png", "part.png", TARGETS)
    (tmp_path / "m.png").write_bytes(b"no image")
    with pytest.raises(ImageError):
        read_mask(tmp_path / "m.png", "part.png", TARGETS)


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_our_coco_export_comes_back_exactly(tmp_path_factory, data):
    tmp_path = tmp_path_factory.mktemp("coco")
    shape = data.draw(st.tuples(st.integers(1, 10), st.integers(1, 10)))
    records = []
    for name in ("a/part.png", "b/part.png", "../x y.png"):
        mask = data.draw(arrays(bool, shape))
        labels = tuple(RegionLabel(int(x), int(y), "dent") for y, x in np.argwhere(mask)[:1])
        records.append(Reviewed(name, np.zeros((*shape, 3), np.uint8), mask, labels=labels))
    write_zip(records, ["coco"], tmp_path / "c.zip", tolerance=0)
    targets = [Target(r.name, *shape) for r in records]
    with zipfile.ZipFile(tmp_path / "c.zip") as archive:
        for name in ("coco/exact.json", "coco/polygons.json"):
            (tmp_path / "c.json").write_bytes(archive.read(name))
            found, strangers = read_coco(tmp_path / "c.json", targets)
            assert strangers == [] and sorted(found) == [0, 1, 2]
            for index, record in enumerate(records):
                assert np.array_equal(found[index].mask, record.mask)
                again = Reviewed(
                    *(record.name, record.pixels, found[index].mask), labels=found[index].labels
                )
                assert {(s.label, s.region.bbox) for s in find_shapes(again)} == {
                    (s.label, s.region.bbox) for s in find_shapes(record)
                }


def coco(tmp_path, **change):
    """A sound file of one polygon for `part.jpg`, with parts of it replaced."""
    annotation = {"image_id": 7, "category_id": 1, "segmentation": [[1, 1, 4, 1, 4, 3, 1, 3]]}
    data = {
        "images": [{"id": 7, "file_name": "part.jpg", "width": 8, "height": 6}],
        "categories": [{"id": 1, "name": "dent"}],
        "annotations": [annotation | change.pop("annotation", {})],
    }
    path = tmp_path / "in.json"
    path.write_text(json.dumps(data | change))
    return path


def test_a_polygon_of_another_tool_is_filled(tmp_path):
    found, strangers = read_coco(coco(tmp_path), TARGETS)
    assert strangers == [] and list(found) == [1]
    assert np.argwhere(found[1].mask).tolist() == [[r, c] for r in (1, 2) for c in (1, 2, 3)]
    assert found[1].labels == (RegionLabel(1, 1, "dent"),)
    images = [{"id": 7, "file_name": "other.jpg", "width": 8, "height": 6}]
    assert read_coco(coco(tmp_path, images=images), TARGETS) == ({}, ["other.jpg"])


def test_polygons_beyond_the_image_are_cut_at_its_edge(tmp_path):
    far = {"segmentation": [[-1e6, -1e6, 1e6, -1e6, 1e6, 1e6, -1e6, 1e6], [90, 90, 99, 90, 99, 99]]}
    found, _ = read_coco(coco(tmp_path, annotation=far), TARGETS)
    assert found[1].mask.all()


def test_compressed_run_lengths_of_pycocotools_come_in(tmp_path):
    mask = np.random.default_rng(0).random((6, 8)) > 0.5
    packed = pycoco.encode(np.asfortranarray(mask.astype(np.uint8)))
    segmentation = {"size": [6, 8], "counts": packed["counts"].decode()}
    found, _ = read_coco(coco(tmp_path, annotation={"segmentation": segmentation}), TARGETS)
    assert np.array_equal(found[1].mask, mask)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": 3}, "not as COCO files are"),
        ({"images": [{}]}, "it lacks 'file_name'"),
        ({"images": [{"id": [], "file_name": "part.jpg", "width": 8, "height": 6}]}, "not as COCO"),
        (
            {"images": [{"id": 7, "file_name": "part.jpg", "width": 9**9, "height": 9**9}]},
            "the image of 8 x 6",
        ),
        ({"annotations": [None]}, "not as COCO files are"),
        ({"annotation": {"segmentation": [[1, 1, 2, 2]]}}, "three or more pairs"),
        ({"annotation": {"segmentation": [[1, 1, 2, 2, float("nan"), 3]]}}, "finite numbers"),
        ({"annotation": {"segmentation": [["a"] * 6]}}, "not as COCO files are"),
        ({"annotation": {"segmentation": 5}}, "not as COCO files are"),
        ({"annotation": {"segmentation": {"size": [6, 8], "counts": [9]}}}, "do not add up"),
        ({"annotation": {"segmentation": {"size": [2**40, 2**40], "counts": [2**80]}}}, "another"),
        ({"annotation": {"segmentation": {"size": [6, 8], "counts": "\u20ac"}}}, "compressed"),
        ({"annotation": {"segmentation": {"counts": [48]}}}, "it lacks 'size'"),
    ],
)
def test_a_malformed_file_is_one_sentence(tmp_path, change, sentence):
    with pytest.raises(MaskError, match=sentence) as caught:
        read_coco(coco(tmp_path, **change), TARGETS)
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1" + b"0" * 5000 + b"]", "not JSON"),
        (b"[]", "not a COCO file"),
        (b'{"images": []}', "not a COCO file"),
    ],
)
def test_a_file_that_is_no_coco_file_is_one_sentence(tmp_path, data, sentence):
    path = tmp_path / "in.json"
    path.write_bytes(data)
    with pytest.raises(MaskError, match=f"in.json is .*{sentence}"):
        read_coco(path, TARGETS)
    with pytest.raises(MaskError, match="gone.json cannot be read"):
        read_coco(tmp_path / "gone.json", TARGETS)


def test_a_file_of_too_many_regions_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.data.truth.MAX_LAID_OUT", 48 * 3)
    row = {"image_id": 7, "category_id": 1, "segmentation": {"size": [6, 8], "counts": [48]}}
    assert read_coco(coco(tmp_path, annotations=[row] * 3), TARGETS)
    with pytest.raises(MaskError, match="more regions than can be drawn"):
        read_coco(coco(tmp_path, annotations=[row] * 4), TARGETS)
