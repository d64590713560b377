from __future__ import annotations

import numpy as np
import pytest
import torch

from ddad.score.calibration import Calibration
from ddad.score.fusion import calibrate, fuse, normalise, score_map

EVEN = ((1.0,) * 5,) * 5
LOUD = ((2.0,) * 5, *((2.0, 1.0, 1.0, 1.0, 1.0),) * 4)


def fitted(borders=EVEN):
    return Calibration(
        *({"pixel": (1.0, 2.0)}, {"pixel": (0.5, 4.0)}, {"pixel": borders}),
        *((1.0,), 0.2, 2.0, 0.0, 4.0, "abc"),
    )


def test_normalise_is_a_z_score():
    maps = torch.stack([torch.full((2, 2), 1.5), torch.full((2, 2), -2.0)])
    z = normalise(fitted(), "pixel", maps)
    torch.testing.assert_close(z[:, 0, 0], torch.tensor([1.0, -1.0]))
    assert z.dtype == torch.float32
    second = normalise(fitted(), "pixel", maps[1:], slice(1, 2))
    assert torch.equal(second, z[1:])


def test_a_loud_border_is_halved_before_it_is_measured():
    maps = torch.full((2, 40, 40), 3.0)
    z = normalise(fitted(LOUD), "pixel", maps)
    torch.testing.assert_close(z[0, 0, 20], torch.tensor((3 / 2 - 1) / 0.5))
    torch.testing.assert_close(z[0, 20, 20], torch.tensor((3 - 1) / 0.5))


def test_fusing_weighs_branches_each_at_the_size_of_the_image():
    z = {"pixel": torch.full((3, 4, 4), 2.0), "feature": torch.full((2, 2, 3), -1.0)}
    fused = fuse(z, {"pixel": 0.25, "feature": 0.75}, (8, 6, 3))
    torch.testing.assert_close(fused, torch.full((8, 6), 0.25 * 2 - 0.75))
    z["pixel"][:2] = torch.tensor([8.0, 5.0])[:, None, None]
    torch.testing.assert_close(fuse(z, {"pixel": 1.0}, (8, 6)), torch.full((8, 6), 5.0))


def test_scores_have_a_gradient():
    maps = torch.rand(2, 4, 4).requires_grad_()
    fuse({"pixel": normalise(fitted(), "pixel", maps)}, {"pixel": 1.0}, (8, 8)).sum().backward()
    # Each scale is half the mean, its deviation divides it; enlarging keeps the sum at 4 a cell.
    assert maps.grad[0].mean() == pytest.approx(4 / 2 / 0.5)
    assert maps.grad[1].mean() == pytest.approx(4 / 2 / 4.0)


def test_calibration_is_that_of_the_maps_and_of_the_fused_scores():
    rng = np.random.default_rng(0)
    raw = [{"feature": rng.gamma(2, size=(2, 50, 50)).astype(np.float32)} for _ in range(9)]
    weights = {"feature": 1.0}
    found = calibrate([(maps, (50, 50)) for maps in raw], weights, 0.2, cross_fitted=True)
    assert found.cross_fitted and found.fingerprint == "" and found.target_fpr == 0.2
    maps = []
    for index, each in enumerate(raw):  # by the levels of the others
        others = [(m, (50, 50)) for i, m in enumerate(raw) if i != index]
        maps.append(score_map(calibrate(others, weights, 0.2), each, weights, (50, 50)))
    scores = sorted(float(each.max()) for each in maps)
    assert found.normal_scores == pytest.approx(scores, rel=1e-6)
    assert found.threshold == found.normal_scores[7]  # ceil(10 * 0.8) = 8 of 9
    assert found.map_low == pytest.approx(np.median([np.median(each) for each in maps]), rel=1e-6)
    assert sorted(found.normal_levels) == pytest.approx(sorted(map(np.median, maps)), rel=1e-5)
    assert sorted(found.parts) == list(range(9))
    assert found.map_high - found.threshold == pytest.approx(found.threshold - found.map_low)
    z = np.stack([normalise(found, "feature", torch.from_numpy(m["feature"])) for m in raw])
    np.testing.assert_allclose(z.mean((0, 2, 3)), 0, atol=1e-2)
    np.testing.assert_allclose(z.std((0, 2, 3)), 1, atol=1e-2)
    with pytest.raises(ValueError, match="at least one image"):
        calibrate([], weights, 0.2)


def test_photographs_of_one_part_are_judged_by_other_parts_alone():
    """A part whose shots are all loud would make its own loudness usual."""
    rng = np.random.default_rng(1)
    raw = [{"feature": rng.gamma(2, size=(1, 20, 20))} for _ in range(12)]
    for maps in raw[:3]:
        maps["feature"] *= 10
    pairs, weights = [(maps, (20, 20)) for maps in raw], {"feature": 1.0}
    parts = ["a"] * 3 + [str(i) for i in range(9)]
    together = calibrate(pairs, weights, 0.2, parts=parts)
    apart = calibrate(pairs, weights, 0.2)
    assert together.promise.parts == 10 and apart.promise.parts == 12
    assert together.means == apart.means  # what a new image meets
    assert together.normal_scores[-1] > 2 * apart.normal_scores[-1]
