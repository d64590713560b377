from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from reviewing import RING, masks, reviewed

from ddad.export.reviewed import Reviewed, find_shapes
from ddad.images.filling import rasterise
from ddad.images.outlines import iou
from ddad.images.regions import RegionLabel


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


def test_without_a_map_the_largest_region_is_first():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:4] = mask[6:9, 5:9] = True
    record = Reviewed("a", np.zeros((10, 12, 3), np.uint8), mask)
    shapes = find_shapes(record)
    assert [s.region.area for s in shapes] == [12, 6]
