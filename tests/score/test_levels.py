from __future__ import annotations

import math

import numpy as np
import pytest

from ddad.score.levels import (
    BORDER,
    SHARE,
    border_factors,
    levels,
    map_level,
    moments,
    quiet_part,
    strange_limit,
    strange_share,
)


def of(maps):
    return levels(sum(moments(np.asarray(m, float)) for m in maps), len(maps))


def test_statistics_are_those_of_all_pixels():
    rng = np.random.default_rng(0)
    maps = [rng.gamma(2, size=(3, 80, 60)).astype(np.float32) for _ in range(5)]
    means, stds, borders = of(maps)
    flat = np.stack([m / border_factors(borders, 80, 60) for m in maps])
    stacked = flat.transpose(1, 0, 2, 3).reshape(3, -1).astype(float)
    np.testing.assert_allclose(means, stacked.mean(1), rtol=1e-6)
    np.testing.assert_allclose(stds, stacked.std(1), rtol=1e-6)


def test_the_level_without_an_image_is_that_of_the_others():
    rng = np.random.default_rng(1)
    maps = [rng.standard_cauchy((2, 30, 40)) ** 2 for _ in range(6)]
    rows = np.stack([moments(m) for m in maps])
    kept = np.arange(6) != 2
    for one, other in zip(
        levels(rows[kept].sum(0), 5),
        of([m for m, k in zip(maps, kept, strict=True) if k]),
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def test_statistics_weigh_images_of_unequal_size_alike():
    small, large = np.zeros((1, 2, 2), np.float32), np.ones((1, 20, 20), np.float32)
    means, _, _ = of([small, large])
    assert means == (0.5,)


def loud_border(rng, height=48, width=80):
    maps = rng.gamma(2, size=(2, height, width))
    maps[:, :, :2] *= 3
    maps[:, -1] *= 2
    return maps


def test_a_border_that_is_loud_in_normals_is_brought_to_the_level_of_the_interior():
    rng = np.random.default_rng(0)
    found = of([loud_border(rng) for _ in range(40)])[2]
    assert np.shape(found) == (BORDER + 1, BORDER + 1)
    assert found[BORDER][BORDER] == 1
    assert found[BORDER][0] == pytest.approx(math.sqrt((9 + 1) / 2), rel=0.05)  # left, not right
    assert found[0][0] > found[BORDER][0] > found[0][BORDER] > 1.3
    assert max(found[i][j] for i in range(1, 5) for j in range(2, 5)) < 1.2
    fresh = loud_border(rng)
    factors = border_factors(found, *fresh.shape[1:])
    assert factors.shape == fresh.shape[1:]
    assert (fresh / factors).std() < fresh.std()
    np.testing.assert_array_equal(factors, factors[::-1, ::-1])


def test_a_quiet_border_stays_as_it_is():
    """Round parts on a plain ground: what little happens there must not be made louder."""
    rng = np.random.default_rng(0)
    maps = rng.gamma(2, size=(8, 1, 64, 64))
    maps[:, :, 8:-8, 8:-8] *= 5
    assert np.max(of(list(maps))[2]) == 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3), (1, 4, 90), (1, 200, 7)])
def test_borders_of_small_and_narrow_maps(shape):
    found = of([np.ones(shape), np.zeros(shape)])[2]
    assert np.isfinite(found).all() and np.min(found) >= 1
    assert border_factors(found, *shape[1:]).shape == shape[1:]


def test_what_is_strange_is_measured_against_the_normals_themselves():
    rng = np.random.default_rng(0)
    normals = [rng.normal(size=(40, 50)) for _ in range(5)]
    calm = [quiet_part(each) for each in normals]
    assert strange_limit(calm) == 1.0
    restless = quiet_part(rng.normal(size=(40, 50)) + 2)
    assert strange_limit([restless] * 3) == pytest.approx(2 - 0.674 + 1, abs=0.1)
    assert strange_limit([*calm * 3, restless]) == 1.0  # one odd one among many
    defect = normals[0].copy()
    defect[:20] += 9  # half of it
    assert strange_share(normals[0], 1.0) < strange_share(defect, 1.0) < SHARE
    assert strange_share(normals[0] + 3, 1.0) > SHARE
    assert strange_share(normals[0] + 3, None) == 0
    assert map_level(normals[0]) == np.median(normals[0])


def test_a_large_map_is_judged_by_a_part_of_its_pixels():
    rng = np.random.default_rng(0)
    large = rng.normal(size=(1500, 1200))
    assert map_level(large) == pytest.approx(np.median(large), abs=0.02)
    assert strange_share(large, 1.0) == pytest.approx((large > 1).mean(), abs=0.01)
