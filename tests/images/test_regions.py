from __future__ import annotations

import numpy as np
import pytest
from reference import components

from ddad.images.regions import drop_small, find_regions


def test_regions_are_the_components_of_the_mask():
    rng = np.random.default_rng(0)
    mask = rng.random((30, 40)) < 0.2
    score_map = rng.normal(size=mask.shape).astype(np.float32)
    found = find_regions(score_map, mask)
    expected = components(mask)
    assert len(found) == len(expected)
    assert [r.peak for r in found] == sorted((r.peak for r in found), reverse=True)
    by_peak = {max(float(score_map[p]) for p in part): part for part in expected}
    for region in found:
        part = np.array(by_peak[region.peak])
        (top, left), (bottom, right) = part.min(0), part.max(0)
        assert region.area == len(part)
        assert region.bbox == (left, top, right - left + 1, bottom - top + 1)
        assert region.centroid == pytest.approx((part[:, 1].mean(), part[:, 0].mean()))
        values = [float(score_map[tuple(p)]) for p in part]
        assert region.mean == pytest.approx(np.mean(values), abs=1e-6)


def test_diagonal_touch_joins_and_small_regions_can_be_left_out():
    mask = np.zeros((6, 6), bool)
    mask[0, 0] = mask[1, 1] = mask[5, 5] = True
    score_map = np.ones((6, 6), np.float32)
    assert sorted(r.area for r in find_regions(score_map, mask)) == [1, 2]
    assert [r.area for r in find_regions(score_map, mask, min_area=2)] == [2]
    assert find_regions(score_map, np.zeros_like(mask)) == []


def test_drop_small_keeps_regions_of_the_minimum_area_diagonal_neighbours_counted():
    mask = np.zeros((6, 8), bool)
    mask[0, 0] = mask[1, 1] = mask[2, 2] = True  # one region of 3, joined at corners
    mask[0:2, 6] = True  # one of 2
    assert np.array_equal(drop_small(mask, 1), mask)
    kept = drop_small(mask, 3)
    assert kept.sum() == 3 and not kept[:, 6].any()
    assert not drop_small(mask, 4).any()
