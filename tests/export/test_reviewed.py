"""Every format, read back by another reader, gives the mask."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
import tifffile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from parts import spoil, texture
from PIL import Image
from pycocotools import mask as coco
from reference import decode_rle

from ddad.export import reviewed as exports
from ddad.export.reviewed import Reviewed, find_shapes
from ddad.images.outlines import iou, rasterise
from ddad.images.regions import RegionLabel

RING = np.pad(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), 2)
masks = st.tuples(st.integers(1, 12), st.integers(1, 12)).flatmap(lambda s: arrays(bool, s))
theirs = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def reviewed(mask: np.ndarray, **more) -> Reviewed:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (*mask.shape, 3), np.uint8)
    score_map = (rng.normal(size=mask.shape) + 5 * mask).astype(np.float32)
    return Reviewed("part.png", pixels, mask, score_map, float(score_map.max()), 2.5, **more)


@given(masks)
@example(RING)
@settings(deadline=None)
def test_shapes_cover_the_mask_and_carry_scores(mask):
    record = reviewed(mask)
    shapes = find_shapes(record)
    total = np.zeros(mask.shape, int)
    for shape in shapes:
        placed = shape.placed(mask.shape)
        total += placed
        assert shape.region.area == placed.sum()
        assert shape.region.peak == record.score_map[placed].max()
        y, x = np.nonzero(placed)
        assert shape.region.bbox == (x.min(), y.min(), np.ptp(x) + 1, np.ptp(y) + 1)
        assert shape.region.centroid == pytest.approx((x.mean(), y.mean()))
        assert shape.iou == iou(rasterise([shape.polygon], mask.shape), placed)
    assert np.array_equal(total, mask)
    assert [s.region.peak for s in shapes] == sorted((s.region.peak for s in shapes), reverse=True)


def test_a_region_has_the_label_of_a_pixel_in_it():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:4] = mask[6:9, 5:9] = True
    labels = (RegionLabel(5, 6, "dent"), RegionLabel(0, 0, "nowhere"))
    shapes = find_shapes(reviewed(mask, labels=labels))
    assert {(s.label, s.region.area) for s in shapes} == {("dent", 12), ("defect", 6)}
    assert exports.defect_name(shapes) == "combined"
    assert exports.defect_name(shapes[:1]) == shapes[0].label
    assert exports.defect_name([]) == "good"


def test_without_a_map_the_largest_region_is_first_and_scores_are_empty():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:4] = mask[6:9, 5:9] = True
    record = Reviewed("a", np.zeros((10, 12, 3), np.uint8), mask)
    shapes = find_shapes(record)
    assert [s.region.area for s in shapes] == [12, 6]
    assert [r["peak"] for r in exports.region_rows(record, shapes, "a")] == [None, None]
    assert exports.score_row(record, shapes, "a")["map_max"] is None


@theirs
@given(masks)
@example(RING)
@settings(deadline=None)
def test_coco_read_by_pycocotools_is_the_mask_or_as_near_as_stated(mask):
    height, width = mask.shape
    shapes = find_shapes(reviewed(mask), tolerance=0)
    for exact in (True, False):
        again = np.zeros(mask.shape, bool)
        for shape in shapes:
            row = json.loads(json.dumps(exports.coco_annotation(shape, mask.shape, exact=exact)))
            drawn = coco.decode(coco.merge(packed(row["segmentation"], height, width))).astype(bool)
            assert row["area"] == shape.region.area and len(row["bbox"]) == 4
            assert row["iscrowd"] == isinstance(row["segmentation"], dict)
            assert row["iscrowd"] == (exact or shape.has_holes)
            assert iou(drawn, shape.placed(mask.shape)) == row["attributes"]["iou"] == 1
            again |= drawn
        assert np.array_equal(again, mask)


def packed(segmentation, height, width):
    found = coco.frPyObjects(segmentation, height, width)
    return found if isinstance(found, list) else [found]


@theirs
def test_a_simplified_coco_polygon_states_its_iou():
    y, x = np.mgrid[:120, :160]
    mask = ((x - 70) / 60) ** 2 + ((y - 55) / 40) ** 2 <= 1
    (shape,) = find_shapes(reviewed(mask))
    row = exports.coco_annotation(shape, mask.shape, exact=False)
    assert row["attributes"]["iou"] == pytest.approx(shape.iou, abs=1e-6) and shape.iou < 1
    drawn = coco.decode(packed(row["segmentation"], 120, 160)[0])
    # pycocotools rounds sloping edges in its own way: a few pixels of the outline
    assert iou(drawn.astype(bool), mask) == pytest.approx(shape.iou, abs=0.02)


@given(masks)
@example(RING)
@settings(deadline=None)
def test_yolo_lines_read_back_are_the_filled_mask_or_as_near_as_stated(mask):
    height, width = mask.shape
    shapes = find_shapes(reviewed(mask))
    lines = exports.yolo_lines(shapes, mask.shape, ["scratch", "defect"]).splitlines()
    for line, shape in zip(lines, shapes, strict=True):
        number, *values = line.split()
        ring = np.array(values, float).reshape(-1, 2)
        assert number == "1" and len(ring) >= 3 and ring.min() >= 0 and ring.max() <= 1
        drawn = rasterise([np.round(ring * [width, height], 3)], mask.shape)
        assert iou(drawn, shape.placed(mask.shape)) == shape.iou


@given(masks)
@example(RING)
@settings(deadline=None)
def test_label_studio_decodes_the_mask_of_each_label(mask):
    record = reviewed(mask, model="brick", fingerprint="ab12")
    shapes = find_shapes(record)
    task = json.loads(json.dumps(exports.label_studio_task(record, shapes, "images/part.png")))
    (prediction,) = task["predictions"]
    again = np.zeros(mask.shape, bool)
    for result in prediction["result"]:
        assert (result["original_height"], result["original_width"]) == mask.shape
        # as label_studio_sdk.converter.brush.decode_from_annotation does
        rgba = decode_rle(result["value"]["rle"]).reshape(*mask.shape, 4)
        again |= rgba[:, :, 3] == 255
    assert np.array_equal(again, mask)
    assert prediction["model_version"] == "brick ab12"


@given(masks)
@example(RING)
@settings(deadline=None)
def test_labelme_masks_read_back_are_the_mask(mask):
    record = reviewed(mask)
    data = json.loads(json.dumps(exports.labelme_file(record, find_shapes(record), "../a.png")))
    again = np.zeros((data["imageHeight"], data["imageWidth"]), bool)
    for shape in data["shapes"]:  # as labelme.utils.shape does
        (x1, y1), (x2, y2) = np.asarray(shape["points"], int)
        part = np.array(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
        assert shape["shape_type"] == "mask" and part.shape == (y2 - y1 + 1, x2 - x1 + 1)
        again[y1 : y2 + 1, x1 : x2 + 1] |= part
    assert np.array_equal(again, mask)


@given(masks)
@settings(deadline=None)
def test_pictures_hold_mask_and_map(mask):
    record = reviewed(mask)
    again = np.array(Image.open(io.BytesIO(exports.mask_png(mask))))
    assert again.dtype == np.uint8 and np.array_equal(again, mask * 255)
    assert np.array_equal(
        tifffile.imread(io.BytesIO(exports.map_tiff(record.score_map))), record.score_map
    )
    codes = np.array(Image.open(io.BytesIO(exports.map_png(record.score_map))))
    row = exports.score_row(record, [], "part")
    step = (row["map_max"] - row["map_min"]) / 65535
    values = row["map_min"] + step * codes.astype(float)
    assert codes.dtype == np.uint16
    assert np.abs(values - record.score_map).max() <= step / 2 + 1e-6


def test_rows_state_what_was_measured():
    image, mask = spoil(texture(np.random.default_rng(3)), np.random.default_rng(3))
    record = Reviewed("a.png", image, mask, mask.astype(np.float32), 1.0, 0.5, "accepted")
    shapes = find_shapes(record)
    row = exports.score_row(record, shapes, "a")
    assert (row["area"], row["regions"], row["labels"]) == (100, 1, "defect")
    (region,) = exports.region_rows(record, shapes, "a")
    assert tuple(region) == exports.REGION_COLUMNS
    y, x = np.argwhere(mask)[0]
    assert (region["x"], region["y"], region["width"], region["height"]) == (x, y, 10, 10)
    assert (region["centre_x"], region["centre_y"]) == (x + 4.5, y + 4.5)
