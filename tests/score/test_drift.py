"""The running tests err as rarely as they say, whatever the levels are like, and find a change."""

import itertools

import numpy as np
import pytest

from ddad.score.drift import ERROR, HELD, JUMP, PACE, Drift, Purse, Ranks
from ddad.score.promise import Promise, conformal_threshold

TAILS = {"normal": np.random.Generator.standard_normal, "heavy": lambda g, n: g.standard_t(1, n)}


def calibrated(normals, parts=(), rate=0.05, **more):
    """A stream's beginning for normals given as rows of level and score."""
    levels, scores = np.asarray(normals).T.tolist()
    members = list(parts) or list(range(len(scores)))
    threshold = conformal_threshold(scores, members, rate)
    above = sum(score > threshold for score in scores)
    promise = Promise(len(set(members)), above, rate)
    return Drift(scores, levels, parts, threshold, promise, **more)


def photographs(rng, n, tail=np.random.Generator.standard_normal):
    """Rows of level and score, which go together: loud photographs are loud all over."""
    level = tail(rng, n)
    return np.stack([level, 0.8 * level + rng.standard_normal(n) + 5], 1)


def follow(drift, rows, good=None):
    for level, score in np.asarray(rows).tolist():
        drift.add(level, score, good)
    return drift


@pytest.mark.parametrize(("n", "tail"), [(5, "heavy"), (20, "normal"), (200, "heavy")])
def test_good_parts_alone_hardly_ever_move_the_level(n, tail):
    """2000 streams of 300; a threshold set by the same normals, which level and score share."""
    rng, wrong = np.random.default_rng(n), 0
    for _ in range(2000):
        rows = photographs(rng, n + 300, TAILS[tail])
        wrong += bool(follow(calibrated(rows[:n]), rows[n:]).moved_at)
    assert wrong <= 2000 * ERROR


def test_ranks_are_uniform_and_independent_with_three_normals():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(4000):
        ranks = Ranks(sorted(rng.standard_t(2, 3)))
        ranks._chance = rng  # chance of its own for each stream: all at once are compared
        found.append([ranks.p_value(level) for level in rng.standard_t(2, 4)])
    values = np.array(found)
    counts = np.stack([np.histogram(column, 10, (0, 1))[0] for column in values.T])
    assert (np.abs(counts - 400) < 4 * np.sqrt(400 * 0.9)).all()
    assert np.abs(np.corrcoef(values.T) - np.eye(4)).max() < 0.06


def test_a_purse_is_the_sum_over_all_ways_of_betting():
    """Each way begins with one bet at one turn and may jump to another before every photograph."""
    rng, slopes = np.random.default_rng(1), (-1.0, 0.0, 1.0)
    gains = 1 + np.outer(rng.random(4) - 0.5, slopes)
    held = [HELD * PACE / (PACE + turn) for turn in range(5)]

    def worth(path, begin):
        whole = 1.0
        for turn, bet in enumerate(path, begin):
            if turn > begin:
                whole *= (1 - JUMP) * (bet == path[turn - begin - 1]) + JUMP / 3
            whole *= gains[turn, bet]
        return whole

    total = held[4]
    for begin in range(4):
        start = held[begin] - held[begin + 1]
        if begin == 0:
            start += 1 - HELD
        for path in itertools.product(range(3), repeat=4 - begin):
            total += start / 3 * worth(path, begin)
    purse = Purse(3)
    for row in gains:
        purse.bet(row)
    assert sum(purse.shares) + purse.held == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(("shift", "word"), [(1.0, "higher"), (-1.0, "lower")])
def test_a_shift_by_one_deviation_is_found_within_sixty_photographs(shift, word):
    rng, found = np.random.default_rng(4), []
    for _ in range(100):
        drift = calibrated(np.stack([rng.standard_normal(100), rng.random(100)], 1))
        follow(drift, np.stack([rng.standard_normal(40), np.zeros(40)], 1))
        follow(drift, np.stack([rng.standard_normal(60) + shift, np.zeros(60)], 1))
        found.append(drift)
    assert sum(drift.moved_at > 40 for drift in found) >= 90
    said = next(drift.said() for drift in found if drift.moved_at)
    assert word in said and "1 %" in said and "no longer holds" in said


def test_a_change_after_thousands_of_quiet_photographs_is_still_found_soon():
    rng = np.random.default_rng(5)
    drift = calibrated(photographs(rng, 100), rate=0.01)
    follow(drift, np.stack([rng.standard_normal(5000), np.zeros(5000)], 1))
    assert not drift.said()
    follow(drift, np.stack([rng.standard_normal(120) + 1, np.zeros(120)], 1))
    assert drift.moved_at > 5000


def test_defects_move_nothing():
    """A third of the stream is defective, loud all over, above the threshold."""
    rng = np.random.default_rng(6)
    for _ in range(100):
        rows = photographs(rng, 360)
        drift = calibrated(rows[:60])
        for index, (level, score) in enumerate(rows[60:].tolist()):
            drift.add(*(level + 3, score + 20) if index % 3 == 0 else (level, score))
        assert not drift.moved_at


def test_missed_defects_that_a_person_found_take_no_part():
    rng = np.random.default_rng(7)
    drift = calibrated(photographs(rng, 60))
    for _ in range(200):
        drift.add(5.0, 0.0, good=False)
    assert not drift.said() and drift.photographs == 200


def test_of_several_photographs_of_a_part_one_takes_part():
    """Fifteen a part: each alone, they would be found to have moved at the first part."""
    rng, wrong, alone = np.random.default_rng(8), 0, 0
    for _ in range(200):
        parts = np.repeat(np.arange(40), 15)
        rows = photographs(rng, 40)[parts] + rng.standard_normal((600, 2)) / 10
        new = photographs(rng, 20)[np.repeat(np.arange(20), 15)] + rng.standard_normal((300, 2)) / 9
        wrong += bool(follow(calibrated(rows, parts.tolist()), new).said())
        alone += bool(follow(calibrated(rows), new).moved_at)
    assert wrong <= 6 and alone > 100


def test_folds_that_lie_a_little_above_the_model_that_ships_are_no_change():
    rng, wrong, found = np.random.default_rng(9), 0, 0
    for _ in range(200):
        normals = np.stack([rng.standard_normal(40), rng.random(40)], 1)
        for shift in (-0.45, 1.5):
            new = np.stack([rng.standard_normal(600) + shift, np.zeros(600)], 1)
            moved = bool(follow(calibrated(normals, cross_fitted=True), new).moved_at)
            wrong, found = wrong + (moved and shift < 0), found + (moved and shift > 0)
    assert wrong <= 6 and found >= 190


@pytest.mark.parametrize("decide", ["all", "loud", "none below"])
def test_good_parts_at_the_highest_promised_rate_raise_no_alarm(decide):
    """Whatever a person looks at: here all, or the loud half alone, or what was marked alone."""
    rng, wrong = np.random.default_rng(10), 0
    promise = Promise(40, 1, 0.05)
    high = promise.interval[1]
    for _ in range(1000):
        drift = Drift([0.0] * 40, [], (), 1 - high, promise)
        for score in rng.random(300).tolist():
            least = {"all": 0.0, "loud": 0.5, "none below": 1 - high}[decide]
            drift.add(None, score, True if score > least else None)
        wrong += bool(drift.said())
    assert wrong <= 1000 * ERROR


def test_more_false_alarms_than_promised_are_said():
    rng = np.random.default_rng(11)
    promise = Promise(40, 1, 0.05)
    drift = Drift([0.0] * 40, [], (), 0.6, promise)
    for score in rng.random(120).tolist():
        drift.add(None, score, True if score > 0.6 else None)
    said = drift.said()
    assert f"{drift.false_alarms} photographs of good parts lie above" in said
    assert "about 4.9 %" in said and "at most 15 %" in said


def test_many_undecided_ones_above_are_said_without_a_judgement():
    rng = np.random.default_rng(12)
    drift = Drift([0.0] * 40, [], (), 0.6, Promise(40, 1, 0.05))
    for score in rng.random(60).tolist():
        drift.add(None, score)
    said = drift.said()
    assert f"{drift.above} of 60 undecided photographs lie above" in said
    assert "defects, or the promise does not hold" in said


def test_without_a_promise_or_levels_a_change_within_the_stream_is_found():
    rng = np.random.default_rng(13)
    drift = Drift([1.0], [], (), 1.0, None)
    for level in [*rng.standard_normal(100), *rng.standard_normal(100) + 2]:
        drift.add(float(level), 0.0)
    assert drift.moved_at > 100 and "those before" in drift.said()


def test_going_on_with_a_stream_is_adding_it_again():
    rng = np.random.default_rng(14)
    rows = photographs(rng, 400)
    begun = follow(calibrated(rows[:50]), rows[50:200])
    again = follow(calibrated(rows[:50]), rows[50:200])
    assert follow(begun, rows[200:] + 2) == follow(again, rows[200:] + 2)
    assert begun.said() and begun.said() == again.said()


@pytest.mark.parametrize("level", [None, float("nan"), float("inf")])
def test_a_level_that_is_not_known_is_passed_over(level):
    drift = calibrated(photographs(np.random.default_rng(15), 30))
    for _ in range(500):
        drift.add(level, 0.0)
    assert not drift.said() and drift.photographs == 500


def test_equal_levels_are_no_change():
    """A model whose maps are flat, or the same photograph again and again."""
    drift = Drift([1.0] * 30, [0.5] * 30, (), 2.0, Promise(30, 0, 0.05))
    for _ in range(1000):
        drift.add(0.5, 1.0)
    assert not drift.said()
