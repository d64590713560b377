"""Polygons and run lengths give the mask back, by pycocotools and by Label Studio's decoder."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco
from reference import decode_rle
from scipy.ndimage import binary_dilation, binary_fill_holes

from ddad.images.filling import rasterise
from ddad.images.outlines import (
    LEAST_IOU,
    bridged,
    brush_counts,
    coco_counts,
    coco_mask,
    iou,
    outlines,
    simplify,
)
from ddad.images.regions import components

SHAPES = st.tuples(st.integers(1, 14), st.integers(1, 14))
RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)
DIAMOND = np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]], bool)  # closed at its corners alone
masks = SHAPES.flatmap(lambda shape: arrays(bool, shape))
hard = [example(RING), example(DIAMOND), example(np.eye(5, dtype=bool)), example(RING[:1, :1])]


# pycocotools 2.0.11 with numpy 2
theirs = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def each_hard(test):
    for one in hard:
        test = one(test)
    return test


@each_hard
@given(masks)
@settings(deadline=None)
def test_outlines_give_the_mask_back_with_its_holes(mask):
    again = np.zeros_like(mask)
    for region, x, y in components(mask):
        outer, holes = outlines(region)
        height, width = region.shape
        assert np.array_equal(rasterise([outer, *holes], region.shape), region)
        filled = binary_fill_holes(region)
        assert np.array_equal(rasterise([outer], region.shape), filled)
        assert bool(holes) == (filled.sum() > region.sum())
        again[y : y + height, x : x + width] |= region
    assert np.array_equal(again, mask)


@theirs
@each_hard
@given(masks)
@settings(deadline=None)
def test_pycocotools_fills_an_exact_outline_as_we_do(mask):
    for region, _, _ in components(mask):
        outer, _ = outlines(region)
        (packed,) = coco.frPyObjects([outer.astype(float).ravel().tolist()], *region.shape)
        assert np.array_equal(coco.decode(packed), binary_fill_holes(region))


@theirs
@given(masks, st.sampled_from([0.0, 0.5, 1.0, 3.0]))
@settings(deadline=None)
def test_a_simplified_ring_states_its_iou_and_keeps_it_high(mask, tolerance):
    for region, _, _ in components(mask):
        outer, holes = outlines(region)
        ring, stated = simplify(outer, holes, region, tolerance)
        assert 3 <= len(ring) <= len(bridged(outer, holes))
        (packed,) = coco.frPyObjects([ring.astype(float).ravel().tolist()], *region.shape)
        assert stated == iou(coco.decode(packed).astype(bool), region) >= LEAST_IOU
        assert tolerance or stated == 1


@theirs
@each_hard
@given(masks)
@settings(deadline=None)
def test_one_ring_with_bridges_keeps_the_holes_in_pycocotools(mask):
    for region, _, _ in components(mask):
        ring = bridged(*outlines(region))
        (packed,) = coco.frPyObjects([ring.astype(float).ravel().tolist()], *region.shape)
        assert np.array_equal(coco.decode(packed), region)


def test_many_holes_are_joined_by_short_bridges():
    region = np.ones((401, 401), bool)
    region[2:-2:4, 2:-2:4] = False
    outer, holes = outlines(region)
    ring = bridged(outer, holes)
    assert len(holes) == 100**2
    length = np.abs(np.diff(ring, axis=0)).sum()
    edges = sum(np.abs(np.diff(np.vstack([r, r[:1]]), axis=0)).sum() for r in (outer, *holes))
    assert length - edges < 2 * 20 * len(holes)
    assert np.array_equal(rasterise([ring], region.shape), region)


def test_a_disc_is_drawn_with_few_corners():
    y, x = np.mgrid[:101, :101]
    disc = (x - 50) ** 2 + (y - 50) ** 2 <= 48**2
    outer, holes = outlines(disc)
    ring, stated = simplify(outer, holes, disc, 1.0)
    assert len(ring) < len(outer) / 5 and stated > 0.97


@theirs
@each_hard
@given(masks)
@settings(deadline=None)
def test_coco_run_lengths_are_those_of_pycocotools(mask):
    height, width = mask.shape
    counts = coco_counts(mask)
    packed = coco.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    assert np.array_equal(coco.decode(packed), mask)
    assert np.array_equal(coco_mask(counts, height, width), mask)
    packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert np.array_equal(coco_mask(packed["counts"].decode(), height, width), mask)


def test_compressed_run_lengths_of_a_large_mask():
    rng = np.random.default_rng(0)
    mask = binary_dilation(rng.random((700, 900)) > 0.9995, iterations=9)
    packed = coco.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert np.array_equal(coco_mask(packed["counts"].decode(), 700, 900), mask)


@given(st.one_of(st.text(max_size=9), st.lists(st.integers(-5, 50), max_size=6)))
def test_wrong_run_lengths_are_refused(counts):
    try:
        assert coco_mask(counts, 4, 5).shape == (4, 5)
    except ValueError as error:
        assert "run lengths" in str(error)


@pytest.mark.parametrize("counts", [[20, True], [10.0, 10], [21, -1], "o", [10**30], "oooooooooo"])
def test_run_lengths_of_a_wrong_kind_are_refused(counts):
    with pytest.raises(ValueError, match="run lengths"):
        coco_mask(counts, 4, 5)


@each_hard
@given(masks)
@settings(deadline=None)
def test_the_brush_format_gives_the_mask_back(mask):
    rgba = decode_rle(brush_counts(mask)).reshape(*mask.shape, 4)
    for channel in range(4):
        assert np.array_equal(rgba[..., channel], mask * 255)


def test_label_studios_own_converter_reads_our_brush():
    """Its package wants an older numpy, so it is installed without its needs and one file read."""
    package = importlib.util.find_spec("label_studio_sdk")
    if package is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(
            "pip install --no-deps label-studio-sdk==2.1.2 for Label Studio's own converter"
        )
    (folder,) = package.submodule_search_locations
    spec = importlib.util.spec_from_file_location("brush", Path(folder) / "converter" / "brush.py")
    brush = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(brush)
    rng = np.random.default_rng(0)
    for mask in (RING, DIAMOND, np.zeros((3, 2), bool), rng.random((30, 41)) < 0.5):
        rgba = brush.decode_rle(brush_counts(mask)).reshape(*mask.shape, 4)
        for channel in range(4):
            assert np.array_equal(rgba[..., channel], mask * 255)


def test_a_large_brush_mask_is_split_into_runs_that_fit():
    mask = np.zeros((400, 500), bool)
    mask[100:300, 50:450] = True
    mask[350] = True
    rgba = decode_rle(brush_counts(mask)).reshape(400, 500, 4)
    assert np.array_equal(rgba[..., 3], mask * 255)
