from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from ddad.score.composition import PLACES, Usual, amounts, joined
from ddad.score.feature import as_places


def held(rng, *, without=None, kinds=4):
    """Three objects of kinds 1 to 3 on ground of kind 0, a quarter each; one may be missing."""
    found = np.zeros((kinds, PLACES, PLACES), np.float32)
    found[0] = 1
    for kind, (y, x) in {1: (1, 1), 2: (1, 8), 3: (8, 1)}.items():
        if kind != without:
            dy, dx = rng.integers(0, 2, 2)
            found[kind, y + dy : y + dy + 2, x + dx : x + dx + 2] = 1
    found[0] -= found[1:].sum(0)
    return found


@pytest.fixture
def normals():
    rng = np.random.default_rng(0)
    return np.stack([held(rng) for _ in range(30)]), np.random.default_rng(1).normal(4, 0.5, 30)


def test_places_are_means_and_amounts_are_shares_of_the_whole_and_of_quarters():
    kinds = torch.zeros(1, 2, 24, 48)
    kinds[:, 1, :12, :24] = 1
    kinds[:, 0] = 1 - kinds[:, 1]
    (found,) = as_places(kinds)
    assert found.shape == (2, PLACES, PLACES)
    np.testing.assert_allclose(amounts(found), [0.75, 0.25, 0, 1, 1, 1, 1, 0, 0, 0], atol=1e-6)


def test_a_missing_part_is_beyond_all_normals_and_said_in_words_with_its_place(normals):
    usual, scores = joined(*normals, np.arange(30))
    np.testing.assert_array_equal(scores, normals[1])  # composition speaks up beyond doubt alone
    lacking = held(np.random.default_rng(2), without=2)
    assert usual.score(lacking) > normals[1].max()
    finding = next(each for each in usual.findings(lacking) if each.kind == 2)
    assert finding.deviations < 0 and finding.share == 0
    assert finding.sentence.startswith("less of this than on good parts")
    assert "none instead of" in finding.sentence
    rows, columns = np.nonzero(finding.where)
    assert rows.max() <= 4 and columns.min() >= 8 and len(finding.places) == len(rows)


def test_one_too_many_is_more_where_it_lies(normals):
    usual, _ = joined(*normals, np.arange(30))
    doubled = held(np.random.default_rng(2))
    doubled[1, 9:11, 9:11], doubled[0, 9:11, 9:11] = 1, 0
    assert usual.score(doubled) > normals[1].max()
    finding = usual.findings(doubled)[0]
    assert finding.deviations > 0 and "more of this" in finding.sentence
    assert finding.where[9:11, 9:11].all()


def test_a_mark_is_one_region_though_the_same_is_missing_twice(normals):
    usual, _ = joined(*normals, np.arange(30))
    other = held(np.random.default_rng(2))
    other[1, 9:12, 8:11], other[0, 9:12, 8:11] = 1, 0
    other[1, 8:10, 0:2], other[0, 8:10, 0:2] = 0.9, 0.1
    finding = next(each for each in usual.findings(other) if each.kind == 1)
    rows, columns = np.nonzero(finding.where)
    assert rows.min() >= 8 and columns.min() >= 7  # the larger one alone


def test_a_normal_image_stays_below_its_peers(normals):
    usual, _ = joined(*normals, np.arange(30))
    rng = np.random.default_rng(7)
    assert max(usual.score(held(rng)) for _ in range(50)) < normals[1].max() + 1


def test_each_part_is_judged_by_the_others_alone(normals):
    """One odd normal does not make itself usual, whatever its parts are called."""
    every, values = normals
    every[3] = held(np.random.default_rng(2), without=1)
    _, scores = joined(every, values, np.arange(30))
    assert scores[3] > np.delete(values, 3).max()
    assert (np.delete(scores, 3) == np.delete(values, 3)).all()


def test_it_is_read_back_from_json_and_refused_where_it_does_not_fit(normals):
    usual, _ = joined(*normals, np.arange(30))
    assert Usual.read(json.loads(json.dumps(asdict(usual)))) == usual
    for wrong in (
        replace(usual, means=usual.means[:-1]),
        replace(usual, stds=(0.0, *usual.stds[1:])),
        replace(usual, places=usual.places[:-1]),
        replace(usual, farthest=(1.0,)),
        replace(usual, ordinary=(float("nan"), 1.0)),
    ):
        with pytest.raises(ValueError, match="hold"):
            Usual.read(asdict(wrong))
    with pytest.raises(ValueError, match="exactly the fields"):
        Usual.read({"means": []})
