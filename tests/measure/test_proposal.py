from __future__ import annotations

import numpy as np
import pytest

from ddad.measure.decided import Costs, outcome
from ddad.measure.proposal import cheapest, defects_needed, propose, too_few


@pytest.mark.parametrize(("wished", "need"), [(0.95, 59), (0.9, 29), (0.5, 5), (0.99, 299)])
def test_the_defects_that_a_recall_needs(wished, need):
    assert defects_needed(wished) == need
    rng = np.random.default_rng(0)
    for count, given in ((need - 1, False), (need, True)):
        found = propose(rng.normal(size=count), np.ones(count, bool), wished)
        assert (found is not None) is given
    assert f"needs {need} decided" in too_few(need - 1, wished)


@pytest.mark.parametrize("wished", [0.0, 1.0, -1, 2])
def test_an_impossible_recall_is_refused(wished):
    with pytest.raises(ValueError, match="between 0 and 1"):
        defects_needed(wished)


@pytest.mark.parametrize(("defects", "wished"), [(59, 0.95), (100, 0.95), (40, 0.8), (300, 0.9)])
def test_the_proposed_threshold_keeps_the_recall(defects, wished):
    """In 95 of 100 sets of decisions: scores are uniform, so the recall is one minus it."""
    rng, kept, runs = np.random.default_rng(defects), 0, 1000
    for _ in range(runs):
        scores = np.r_[rng.random(defects), rng.random(50) - 0.5]
        bad = np.r_[np.ones(defects, bool), np.zeros(50, bool)]
        found = propose(scores, bad, wished)
        kept += 1 - max(found.found.threshold, 0) >= wished
        assert found.found.alarms.of == 50
    assert kept / runs >= 0.95 - 3 * (0.95 * 0.05 / runs) ** 0.5


def test_it_is_the_highest_such_threshold():
    """One rank higher would keep it in fewer than 95 of 100."""
    scores = np.arange(1, 101, dtype=float)
    found = propose(scores, np.ones(100, bool), 0.9)
    missed = found.found.missed.count
    rng = np.random.default_rng(0)
    draws = np.sort(rng.random((4000, 100)), axis=1)
    assert (1 - draws[:, missed] >= 0.9).mean() > 0.94
    assert (1 - draws[:, missed + 1] >= 0.9).mean() < 0.95


def test_the_cheapest_threshold_is_found_by_trying_all():
    rng = np.random.default_rng(2)
    for seed in range(20):
        scores = rng.normal(size=30).round(1).astype(np.float32)
        bad = np.random.default_rng(seed).random(30) < 0.3
        if bad.all() or not bad.any():
            continue
        for costs in (Costs(10, 1), Costs(1, 10), Costs(0, 1), Costs(1, 0)):
            tried = [*np.unique(scores), scores.min() - 1]
            least = min(outcome(scores, bad, float(t)).cost(costs) for t in tried)
            assert cheapest(scores, bad, costs).cost(costs) == least
    assert cheapest(scores, np.ones(30, bool), Costs(1, 1)) is None
