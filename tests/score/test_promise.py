from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import beta, binom

from ddad.score.promise import (
    Promise,
    before,
    conformal_threshold,
    count_above,
    ladder,
    needed,
    percent,
    rates,
)


def threshold(scores, rate):
    return conformal_threshold(scores, range(len(scores)), rate)


def test_false_positive_rate_on_fresh_normals():
    """Averaged over calibration sets the realised rate is at most the target, and close to it."""
    rng, rate, n, fresh = np.random.default_rng(0), 0.1, 39, 200
    above = 0
    for _ in range(300):
        above += int((rng.gamma(2, size=fresh) > threshold(rng.gamma(2, size=n), rate)).sum())
    # The rate over calibration sets is Beta(4, 36); its standard error dominates the binomial's.
    assert above / (300 * fresh) == pytest.approx(0.1, abs=4 * math.sqrt(0.1 * 0.9 / 41 / 300))
    low, high = binom.interval(0.9999, 300 * fresh, 0.1)
    assert low * 0.8 < above < high * 1.2


@pytest.mark.parametrize("parts", [2, 5, 19, 100, 400])
def test_the_realised_rate_lies_in_the_interval(parts):
    """Scores are uniform, so the rate that a threshold realises is one minus the threshold."""
    rng, hits, runs = np.random.default_rng(parts), 0, 400
    for _ in range(runs):
        scores = rng.random(parts)
        cut = threshold(scores, 0.05)
        promise = Promise(parts, count_above(scores, range(parts), cut), 0.05)
        low, high = promise.interval
        hits += low <= 1 - cut <= high
        assert low < promise.rate < high
    assert hits >= binom.ppf(1e-4, runs, 0.98)


@pytest.mark.parametrize("shots", [1, 4, 15])
@pytest.mark.parametrize("alike", [0.0, 0.7, 1.0])
def test_shots_of_a_part_count_as_one(shots, alike):
    """However alike they are, the rate over photographs of new parts is near the promised one."""
    rng, runs, parts, rate = np.random.default_rng(shots), 400, 19, 0.1

    def photographs(count):
        own, each = rng.normal(size=(count, 1)), rng.normal(size=(count, shots))
        return alike**0.5 * own + (1 - alike) ** 0.5 * each

    owners = np.repeat(np.arange(parts), shots)
    realised = []
    for _ in range(runs):
        scores = photographs(parts).ravel()
        cut = conformal_threshold(scores, owners, rate)
        realised.append((photographs(400) > cut).mean())
    error = 4 * np.std(realised) / runs**0.5
    assert rate / 2 < np.mean(realised) < rate + error


def test_the_median_draw_of_a_photograph_of_each_part():
    rng = np.random.default_rng(3)
    parts = np.array([0, 0, 1, 2, 2, 2, 3, 3])
    scores = rng.random(8)
    for cut in (*scores, -1.0, 2.0):
        draws = itertools.product(*(scores[parts == part] for part in range(4)))
        counts = sorted(sum(score > cut for score in draw) for draw in draws)
        assert count_above(scores, parts, cut) == counts[len(counts) // 2]


def test_many_photographs_of_one_part_promise_no_more():
    scores = np.arange(19.0)
    alone = conformal_threshold(scores, range(19), 0.05)
    often = conformal_threshold(np.repeat(scores, 15), np.repeat(range(19), 15), 0.05)
    assert alone == often == 18


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1, 0.2, 1 / 3, 0.5])
def test_the_number_of_parts_a_rate_needs(rate):
    """With that many, the largest score vouches for the rate; with one fewer it cannot."""
    n = needed(rate)
    assert 1 / (n + 1) <= rate + 1e-12
    assert n == 1 or 1 / n > rate + 1e-12
    scores = np.arange(n, dtype=float)
    assert threshold(scores, rate) == scores.max()


def test_threshold_is_the_finite_sample_quantile():
    scores = np.arange(1, 101, dtype=float)
    assert threshold(scores[::-1], 0.05) == 96  # ceil(101 * 0.95)
    assert threshold(scores, 0.5) == 51
    assert threshold(scores[:5], 0.01) == 5


@pytest.mark.parametrize("rate", [0, 1, -0.1, 2])
def test_impossible_rates_are_refused(rate):
    with pytest.raises(ValueError, match="between 0 and 1"):
        threshold([1.0], rate)


def test_no_normals_is_an_error():
    with pytest.raises(ValueError, match="held out"):
        threshold([], 0.1)


def test_the_promise_in_words_says_no_more_than_so_few_parts_can_carry():
    low, high = beta.ppf([0.01, 0.99], 1, 19)
    assert rates(0, 19) == pytest.approx((low, high))
    assert str(Promise(19, 0, 0.05)) == "about 5 % of good parts, between 0.05 and 22 %"
    assert Promise(19, 0, 0.05).carries == ""
    assert Promise(18, 0, 0.05).carries == "5 % as asked would need 19 parts"
    assert rates(4, 4) == (pytest.approx(beta.ppf(0.01, 4, 1)), 1.0)


def test_counts_of_new_photographs_are_wider_than_the_rate_alone():
    promise = Promise(99, 4, 0.05)
    low, high = promise.counts(20)
    assert low == 0 and high >= math.ceil(20 * promise.interval[1]) - 1
    assert Promise(4, 4, 0.05).counts(10)[1] == 10


@pytest.mark.parametrize(
    ("parts", "rate", "sentence"),
    [
        (1, 0.05, "1 part shows maps, but its threshold promises nothing: 5 % needs 19"),
        (14, 0.05, "14 parts can promise about 6.7 % of good parts, between 0.07 and 28 %; 5 % as "
         "asked would need 19 parts; below 15 parts maps are rough"),
        (200, 0.05, "200 parts can promise about 5 % of good parts, between 2.1 and 9.2 %"),
    ],
)  # fmt: skip
def test_what_so_many_parts_will_promise(parts, rate, sentence):
    assert before(parts, rate) == sentence


def test_the_ladder_has_the_promise_of_every_threshold():
    scores, parts = (1.0, 2.0, 3.0, 4.0), (0, 1, 1, 2)
    steps = ladder(scores, parts)
    assert len(steps) == 5
    for above, step in enumerate(steps):
        cut = (*reversed(scores), -1.0)[above]
        promise = Promise(3, count_above(scores, parts, cut), 0.05)
        assert step[0] == percent(promise.rate, "")
    assert ladder((1.0, 2.0), (0, 0)) == ()


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.05, "5 %"), (0.0667, "6.7 %"), (0.333, "33 %"), (0.0005, "0.05 %"), (1, "100 %"),
     (0.0999, "10 %"), (0.0, "0 %")],
)  # fmt: skip
def test_shares_in_words(share, words):
    assert percent(share) == words
