from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from ddad.score.calibration import (
    BORDER,
    Calibration,
    border_factors,
    border_levels,
    conformal_threshold,
    normals_needed,
    scale_statistics,
)

EVEN = ((1.0,) * 5,) * 5


def calibration(**changes):
    scores = (0.5, 1.0, 1.5, 2.0)
    made = Calibration(
        *({"pixel": (1.0, 2.0)}, {"pixel": (0.5, 4.0)}, {"pixel": EVEN}),
        *(scores, 0.2, 2.0, 0.0, 4.0, "abc"),
    )
    return replace(made, **changes)


def test_false_positive_rate_on_fresh_normals():
    """Averaged over calibration sets the realised rate is at most the target, and close to it."""
    rng, fpr, n, fresh = np.random.default_rng(0), 0.1, 39, 200
    above = 0
    for _ in range(300):
        threshold = conformal_threshold(rng.gamma(2, size=n), fpr)
        above += int((rng.gamma(2, size=fresh) > threshold).sum())
    # The rate over calibration sets is Beta(4, 36); its standard error dominates the binomial's.
    assert above / (300 * fresh) == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / 41 / 300))
    low, high = binom.interval(0.9999, 300 * fresh, 0.1)
    assert low * 0.8 < above < high * 1.2


@pytest.mark.parametrize("fpr", [0.01, 0.05, 0.1, 0.2, 1 / 3, 0.5])
def test_the_number_of_normals_a_rate_needs(fpr):
    """With that many, the largest score vouches for the rate; with one fewer it cannot."""
    n = normals_needed(fpr)
    assert 1 / (n + 1) <= fpr + 1e-12
    assert n == 1 or 1 / n > fpr + 1e-12
    scores = np.arange(n, dtype=float)
    assert conformal_threshold(scores, fpr) == scores.max()


def test_threshold_is_the_finite_sample_quantile():
    scores = np.arange(1, 101, dtype=float)
    assert conformal_threshold(scores[::-1], 0.05) == 96  # ceil(101 * 0.95)
    assert conformal_threshold(scores, 0.5) == 51
    assert conformal_threshold(scores[:5], 0.01) == 5


def test_too_few_normals_are_not_papered_over():
    few = calibration(target_fpr=0.01)
    assert few.guaranteed_fpr == 1 / 5
    assert calibration(threshold=1.2).guaranteed_fpr == 3 / 5


@pytest.mark.parametrize("fpr", [0, 1, -0.1, 2])
def test_impossible_rates_are_refused(fpr):
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal_threshold([1.0], fpr)


def test_no_normals_is_an_error():
    with pytest.raises(ValueError, match="held out"):
        conformal_threshold([], 0.1)


def test_statistics_are_those_of_all_pixels():
    rng = np.random.default_rng(0)
    maps = [rng.gamma(2, size=(3, 8, 6)).astype(np.float32) for _ in range(5)]
    means, stds = scale_statistics(maps)
    stacked = np.stack(maps).transpose(1, 0, 2, 3).reshape(3, -1)
    np.testing.assert_allclose(means, stacked.mean(1), rtol=1e-6)
    np.testing.assert_allclose(stds, stacked.std(1), rtol=1e-6)


def test_statistics_weigh_images_of_unequal_size_alike():
    small, large = np.zeros((1, 2, 2), np.float32), np.ones((1, 20, 20), np.float32)
    means, _ = scale_statistics([small, large])
    assert means == (0.5,)


def loud_border(rng, height=48, width=80):
    maps = rng.gamma(2, size=(2, height, width))
    maps[:, :, :2] *= 3
    maps[:, -1] *= 2
    return maps


def test_a_border_that_is_loud_in_normals_is_brought_to_the_level_of_the_interior():
    rng = np.random.default_rng(0)
    levels = border_levels([loud_border(rng) for _ in range(40)])
    assert np.shape(levels) == (BORDER + 1, BORDER + 1)
    assert levels[BORDER][BORDER] == 1
    assert levels[BORDER][0] == pytest.approx(math.sqrt((9 + 1) / 2), rel=0.05)  # left, not right
    assert levels[0][0] > levels[BORDER][0] > levels[0][BORDER] > 1.3
    assert max(levels[i][j] for i in range(1, 5) for j in range(2, 5)) < 1.2
    fresh = loud_border(rng)
    factors = border_factors(levels, *fresh.shape[1:])
    assert factors.shape == fresh.shape[1:]
    assert (fresh / factors).std() < fresh.std()
    np.testing.assert_array_equal(factors, factors[::-1, ::-1])


def test_a_quiet_border_stays_as_it_is():
    """Round parts on a plain ground: what little happens there must not be made louder."""
    rng = np.random.default_rng(0)
    maps = rng.gamma(2, size=(8, 1, 64, 64))
    maps[:, :, 8:-8, 8:-8] *= 5
    assert np.max(border_levels(list(maps))) == 1


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3), (1, 4, 90), (1, 200, 7)])
def test_borders_of_small_and_narrow_maps(shape):
    levels = border_levels([np.ones(shape), np.zeros(shape)])
    assert np.isfinite(levels).all() and np.min(levels) >= 1
    assert border_factors(levels, *shape[1:]).shape == shape[1:]


def test_json_round_trip():
    before = calibration()
    assert Calibration.from_json(before.to_json()) == before


@pytest.mark.parametrize(
    "spoil",
    [
        lambda v: v.pop("threshold"),
        lambda v: v.update(extra=1),
        lambda v: v.update(threshold=math.nan),
        lambda v: v.update(means={"pixel": ["a", "b"]}),
        lambda v: v.update(borders={"pixel": [[1.0, math.inf]]}),
    ],
)
def test_damaged_json_is_refused(spoil):
    values = json.loads(calibration().to_json())
    spoil(values)
    with pytest.raises(ValueError):
        Calibration.from_json(json.dumps(values))
