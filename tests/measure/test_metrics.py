from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import aupro
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from ddad.measure.metrics import (
    Evaluation,
    PixelCurves,
    image_curves,
    image_metrics,
    score_bin,
    thin,
)


def images(seed, count=4, side=24, levels=0):
    """Maps and masks with a few square defects; `levels` > 0 rounds the scores so that they tie."""
    rng = np.random.default_rng(seed)
    maps, masks = [], []
    for _ in range(count):
        mask = np.zeros((side, side + 3), bool)
        for _ in range(rng.integers(1, 4)):
            y, x, size = rng.integers(0, side - 6), rng.integers(0, side - 6), rng.integers(1, 6)
            mask[y : y + size, x : x + size] = True
        score = rng.normal(size=mask.shape) + 1.5 * mask
        maps.append((np.round(score * levels) / levels if levels else score).astype(np.float32))
        masks.append(mask)
    return maps, masks


def counted(maps, masks):
    curves = PixelCurves()
    for score_map, mask in zip(maps, masks, strict=True):
        curves.add(score_map, mask)
    return curves


@pytest.mark.parametrize("levels", [0, 2, 8])
@pytest.mark.parametrize("seed", range(3))
def test_pixel_metrics_against_sklearn(seed, levels):
    maps, masks = images(seed, levels=levels)
    scores = np.concatenate([m.ravel() for m in maps])
    labels = np.concatenate([m.ravel() for m in masks])
    result = counted(maps, masks).result()
    assert result["pixel_auroc"] == pytest.approx(roc_auc_score(labels, scores), abs=1e-3)
    assert result["pixel_ap"] == pytest.approx(average_precision_score(labels, scores), abs=2e-3)
    precision, recall, _ = precision_recall_curve(labels, scores)
    f1 = (2 * precision * recall / np.maximum(precision + recall, 1e-12)).max()
    assert result["pixel_f1_max"] == pytest.approx(f1, abs=2e-3)


@pytest.mark.parametrize("levels", [0, 2, 8])
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_against_its_definition(levels, limit):
    maps, masks = images(7, levels=levels)
    ours = counted(maps, masks).result(limit)["aupro"]
    assert ours == pytest.approx(aupro(maps, masks, limit), abs=1e-3)


def test_perfect_constant_and_inverted_scores():
    _, masks = images(0)
    perfect = counted([m.astype(np.float32) for m in masks], masks).result()
    assert perfect["pixel_auroc"] == perfect["pixel_ap"] == perfect["pixel_f1_max"] == 1
    assert perfect["aupro"] == pytest.approx(1)
    constant = counted([np.zeros(m.shape, np.float32) for m in masks], masks).result()
    assert constant["pixel_auroc"] == 0.5
    assert constant["aupro"] == pytest.approx(0.15)
    inverted = counted([-m.astype(np.float32) for m in masks], masks).result()
    assert inverted["pixel_auroc"] == 0


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.5, 40), st.floats(-100, 100))
def test_monotone_maps_change_nothing(seed, scale, shift):
    maps, masks = images(seed, count=2, levels=4)
    before = counted(maps, masks).result()
    stretched = [(m * np.float32(scale) + np.float32(shift)).astype(np.float32) for m in maps]
    after = counted(stretched, masks).result()
    for name, value in before.items():
        assert after[name] == pytest.approx(value, abs=0.02 if abs(shift) > scale else 1e-6)


def test_order_and_merging_change_nothing():
    maps, masks = images(1, count=6)
    whole = counted(maps, masks).result()
    assert counted(maps[::-1], masks[::-1]).result() == pytest.approx(whole)
    half = counted(maps[:3], masks[:3])
    half.merge(counted(maps[3:], masks[3:]))
    assert half.result() == pytest.approx(whole)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=2, max_size=9))
def test_bins_rise_with_the_score(values):
    scores = np.sort(np.array(values, np.float32))
    bins = score_bin(scores)
    assert (np.diff(bins) >= 0).all()
    assert (bins >= 0).all() and (bins < 1 << 20).all()


def test_zero_has_one_sign_and_close_scores_stay_apart():
    zeros = score_bin(np.array([0.0, -0.0], np.float32))
    assert zeros[0] == zeros[1]
    apart = score_bin(np.array([1.0, 1.001, -1.0, -1.001], np.float32))
    assert apart[1] > apart[0] > apart[2] > apart[3]


def test_image_metrics_against_sklearn():
    rng = np.random.default_rng(0)
    labels = rng.random(60) < 0.5
    scores = rng.normal(size=60) + labels
    found = image_metrics(list(scores), list(labels))
    assert found["image_auroc"] == pytest.approx(roc_auc_score(labels, scores))
    assert found["image_ap"] == pytest.approx(average_precision_score(labels, scores))
    best = max(
        2 * (labels & (scores >= t)).sum() / (labels.sum() + (scores >= t).sum()) for t in scores
    )
    assert found["image_f1_max"] == pytest.approx(best)


def test_one_class_has_no_value_and_bad_scores_are_refused():
    assert image_metrics([1.0, 2.0], [False, False])["image_auroc"] is None
    empty = counted([np.zeros((4, 4), np.float32)], [np.zeros((4, 4), bool)]).result()
    assert set(empty.values()) == {None}
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="finite"):
            PixelCurves().add(np.full((2, 2), bad, np.float32), np.ones((2, 2), bool))
        with pytest.raises(ValueError, match="finite"):
            image_metrics([bad, 1.0], [True, False])
    with pytest.raises(ValueError, match="mask"):
        PixelCurves().add(np.zeros((2, 2), np.float32), np.ones((2, 3), bool))


def test_evaluation_compares_each_defect_with_all_good_images():
    evaluation = Evaluation()
    maps, masks = images(2, count=6)
    for index, (score_map, mask) in enumerate(zip(maps, masks, strict=True)):
        defect = ("good", "good", "crack", "crack", "hole", "hole")[index]
        mask = mask if defect != "good" else np.zeros_like(mask)
        evaluation.add(float(score_map.max()), score_map, mask, defect)
    result = json.loads(json.dumps(evaluation.result()))
    assert (result["n_good"], result["n_defective"]) == (2, 4)
    assert set(result["per_defect"]) == {"crack", "hole"}
    crack = result["per_defect"]["crack"]
    assert (crack["n_good"], crack["n_defective"]) == (2, 2)
    none = [np.zeros_like(masks[0])] * 2
    alone = counted(maps[:4], none + masks[2:4]).result()
    assert crack["aupro"] == pytest.approx(alone["aupro"])


def test_curves_are_those_behind_the_numbers():
    """Areas under the thinned curves are the metrics, but for what 200 points leave out."""
    rng = np.random.default_rng(3)
    scores, labels = rng.normal(size=900), rng.random(900) < 0.4
    scores = scores + 1.2 * labels
    found, lines = image_metrics(list(scores), list(labels)), image_curves(scores, labels)
    roc, pr = lines["image_roc"], lines["image_pr"]
    assert len(roc) <= 200 and len(pr) <= 200
    assert np.trapezoid(roc[:, 1], roc[:, 0]) == pytest.approx(found["image_auroc"], abs=5e-3)
    assert np.trapezoid(pr[:, 1], pr[:, 0]) == pytest.approx(found["image_ap"], abs=1e-2)
    maps, masks = images(5, count=6, side=40)
    curves = counted(maps, masks)
    lines, numbers = curves.lines(), curves.result(1.0)
    for name, metric in (("pixel_roc", "pixel_auroc"), ("pixel_pr", "pixel_ap"), ("pro", "aupro")):
        x, y = lines[name].T
        assert len(x) <= 200 and (np.diff(x) >= 0).all() and x[-1] == 1
        assert np.trapezoid(y, x) == pytest.approx(numbers[metric], abs=1e-2)
    assert image_curves([1.0, 2.0], [True, True]) == {}
    assert counted([np.zeros((4, 4), np.float32)], [np.zeros((4, 4), bool)]).lines() == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=600), st.integers(3, 50))
def test_thinning_keeps_points_both_ends_and_the_shape(values, most):
    y = np.sort(np.array(values))
    points = np.stack([np.linspace(0, 1, len(y)), y], 1)
    kept = thin(points, most)
    assert len(kept) <= most
    assert {tuple(p) for p in kept.tolist()} <= {tuple(p) for p in points.tolist()}
    assert (kept[0] == points[0]).all() and (kept[-1] == points[-1]).all()
    missed = np.abs(np.interp(points[:, 0], kept[:, 0], kept[:, 1]) - y).max()
    steps = np.abs(np.diff(y)).max(initial=0) + 1 / max(len(y) - 1, 1)
    assert missed <= 4 / (most - 1) + steps


def test_verdicts_against_a_count_by_hand():
    threshold = 0.5
    maps, masks = images(4, count=5)
    masks[0][:] = masks[1][:] = False
    kinds = ["good", "good", "crack", "hole", "hole"]
    maps[1] = np.full_like(maps[1], -1)  # a good part passed as good
    maps[4] = np.full_like(maps[4], -1)  # a defect missed
    evaluation = Evaluation(threshold)
    for score_map, mask, kind in zip(maps, masks, kinds, strict=True):
        evaluation.add(float(score_map.max()), score_map, mask, kind)
    result = evaluation.result()
    found = result["at_threshold"]
    names = ("true_positives", "false_negatives", "false_positives", "true_negatives")
    assert [found[name] for name in names] == [2, 1, 1, 1] and found["threshold"] == threshold
    marked = np.concatenate([(m > threshold).ravel() for m in maps])
    truth = np.concatenate([m.ravel() for m in masks])
    assert found["pixel_iou"] == pytest.approx((marked & truth).sum() / (marked | truth).sum())
    assert found["pixel_precision"] == pytest.approx((marked & truth).sum() / marked.sum())
    assert found["pixel_recall"] == pytest.approx((marked & truth).sum() / truth.sum())
    hole = result["per_defect"]["hole"]["at_threshold"]
    assert [hole[name] for name in names] == [1, 1, 1, 1]
    assert "at_threshold" not in Evaluation().result()


def test_defects_without_masks_count_as_images_alone():
    maps, masks = images(6, count=6)
    masks[0][:] = masks[1][:] = False
    kinds = ["good", "good", "crack", "crack", "hole", "hole"]
    part, known = Evaluation(0.5), Evaluation(0.5)
    for index, (score_map, mask, kind) in enumerate(zip(maps, masks, kinds, strict=True)):
        score, bare = float(score_map.max()), index in (3, 4, 5)
        part.add(score, score_map, None if bare else mask, kind)
        if not bare:
            known.add(score, score_map, mask, kind)
    found, of_known = json.loads(json.dumps(part.result())), known.result()
    assert (found["n_defective"], found["n_with_masks"], found["n_without_masks"]) == (4, 1, 3)
    scores = [float(m.max()) for m in maps]
    assert found["image_auroc"] == pytest.approx(roc_auc_score([0, 0, 1, 1, 1, 1], scores))
    for name in ("pixel_auroc", "pixel_ap", "aupro", "pixel_f1_max"):
        assert found[name] == of_known[name] is not None
        assert found["per_defect"]["hole"][name] is None
    assert found["per_defect"]["hole"]["image_auroc"] is not None
    assert found["at_threshold"]["pixel_iou"] == of_known["at_threshold"]["pixel_iou"]
    assert found["per_defect"]["hole"]["at_threshold"]["pixel_iou"] is None
    assert set(part.lines()) == set(known.lines()) | {"image_roc", "image_pr"}


@pytest.mark.parametrize("kinds", [(), ("good",) * 3, ("crack",) * 3])
@pytest.mark.parametrize("masked", [True, False])
def test_a_set_of_one_class_or_none_has_the_figures_that_there_are(kinds, masked):
    evaluation = Evaluation(0.5)
    maps, masks = images(1, count=3)
    for kind, score_map, mask in zip(kinds, maps, masks, strict=False):
        mask = mask & (kind != "good")
        evaluation.add(1.0, score_map, mask if masked or kind == "good" else None, kind)
    found = evaluation.result()
    assert found["n_good"] + found["n_defective"] == len(kinds)
    assert found["image_auroc"] is None and "image_roc" not in evaluation.lines()
    pixels_of_both = masked and "crack" in kinds
    assert (found["pixel_auroc"] is not None) == pixels_of_both == ("pro" in evaluation.lines())
    at = found["at_threshold"]
    assert sum(at[k] for k in at if k.endswith(("positives", "negatives"))) == len(kinds)


def test_what_cannot_be_counted_is_counted_nowhere():
    score_map, mask = np.zeros((4, 4), np.float32), np.zeros((4, 4), bool)
    broken = np.full_like(score_map, np.nan)
    evaluation = Evaluation(0.5)
    for score, values, truth in (
        (float("nan"), score_map, None),
        (1.0, score_map, mask[1:]),
        (1.0, broken, mask),
    ):
        with pytest.raises(ValueError):
            evaluation.add(score, values, truth, "good")
    assert evaluation.result()["n_good"] == 0
