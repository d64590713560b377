from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ddad.measure.decided import (
    Costs,
    Rate,
    changed,
    evened,
    fair,
    number,
    outcome,
    rate,
    weighed,
)


@pytest.mark.parametrize(("count", "of"), [(0, 10), (3, 17), (9, 9), (1, 200)])
def test_the_interval_is_that_of_clopper_and_pearson(count, of):
    """Against its definition: at each end the tail is 2.5 %."""
    found = rate(count, of)
    assert found.share == count / of
    if count:
        assert stats.binom.sf(count - 1, of, found.low) == pytest.approx(0.025, rel=1e-6)
    if count < of:
        assert stats.binom.cdf(count, of, found.high) == pytest.approx(0.025, rel=1e-6)
    assert (found.low == 0) == (count == 0) and (found.high == 1) == (count == of)


def test_nothing_decided_says_nothing():
    found = rate(0, 0)
    assert found == Rate(None, 0.0, 1.0, 0, 0) and str(found) == "unknown: there are none"


def test_missed_and_false_alarms_at_a_threshold():
    scores = np.array([1, 2, 3, 4, 5], np.float32)
    bad = np.array([False, True, False, True, True])
    found = outcome(scores, bad, 2.0)  # a score at the threshold is not above it
    assert (found.missed.count, found.missed.of) == (1, 3)
    assert (found.alarms.count, found.alarms.of) == (1, 2)
    assert found.cost(Costs(100, 1)) == 101
    assert changed(scores, 2.0, 3.5).tolist() == [False, False, True, False, False]


@pytest.mark.parametrize("pair", [(-1, 1), (0, 0), (float("nan"), 1), (1, float("inf"))])
def test_impossible_costs_are_refused(pair):
    with pytest.raises(ValueError, match="costs 0 or more|cost 0 or more"):
        Costs(*pair)


@pytest.mark.parametrize("bad", [[True], [[True, False]]])
def test_decisions_that_do_not_fit_are_refused(bad):
    with pytest.raises(ValueError, match="one each"):
        outcome(np.array([1.0, 2.0]), np.array(bad), 1)


def test_the_loudest_alone_are_no_fair_sample():
    rng = np.random.default_rng(0)
    every = rng.normal(size=200)
    assert fair(every[:40], every[40:])
    assert not fair(np.sort(every)[-40:], np.sort(every)[:-40])
    assert fair(every, np.array([])) and not fair(np.array([]), every)


def test_a_side_that_was_decided_on_more_is_evened():
    rng = np.random.default_rng(0)
    scores, others = np.r_[rng.random(40) + 1, rng.random(10)], rng.random(90)  # cut at 1
    kept = evened(scores, others, 1.0)
    assert kept[40:].all() and kept[:40].sum() == 4  # a tenth on both sides


def test_what_one_side_says_is_weighed_by_its_size():
    """Over draws: among all that was scored the true share lies within, and is met on the mean."""
    rng, hits, middles = np.random.default_rng(1), 0, []
    for _ in range(200):
        bad = rng.random(600) < 0.2
        scores = (rng.normal(size=600) + 1.5 * bad).astype(np.float32)
        loud = scores > 1
        chosen = np.where(loud, rng.random(600) < 0.5, rng.random(600) < 0.1)
        if not (chosen & loud).any() or not (chosen & ~loud).any():
            continue
        missed, _ = weighed(scores[chosen], bad[chosen], scores[~chosen], 1.0)
        truth = (bad & ~loud).sum() / bad.sum()
        hits += missed.low <= truth <= missed.high
        middles.append(missed.share - truth)
    assert hits >= 0.93 * len(middles) and abs(np.mean(middles)) < 0.05
    assert weighed(scores[loud], bad[loud], scores[~loud], 1.0) is None


@pytest.mark.parametrize(
    ("share", "words"), [(0.37, "37"), (0.042, "4.2"), (0.9996, "99.96"), (0.0, "0"), (1.0, "100")]
)
def test_numbers_never_round_to_a_false_certainty(share, words):
    assert number(share) == words
