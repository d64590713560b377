from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from ddad.calibration import (
    Calibration,
    conformal_threshold,
    normals_needed,
    scale_statistics,
)


def calibration(**changes):
    scores = (0.5, 1.0, 1.5, 2.0)
    made = Calibration(
        *({"pixel": (1.0, 2.0)}, {"pixel": (0.5, 4.0)}, scores, 0.2, 2.0, 0.0, 4.0, "abc")
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


def test_normalise_is_a_z_score():
    maps = np.stack([np.full((2, 2), 1.5), np.full((2, 2), -2.0)]).astype(np.float32)
    z = calibration().normalise("pixel", maps)
    np.testing.assert_allclose(z[:, 0, 0], [1.0, -1.0])
    assert z.dtype == np.float32


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
    ],
)
def test_damaged_json_is_refused(spoil):
    values = json.loads(calibration().to_json())
    spoil(values)
    with pytest.raises(ValueError):
        Calibration.from_json(json.dumps(values))
