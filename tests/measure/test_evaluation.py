from __future__ import annotations

import csv
import re

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.data.datasets import Sample, read
from ddad.measure.evaluation import evaluate


def test_each_image_is_a_row_and_counts_once(tree, tiny_detector, tmp_path):
    samples, seen = [s for s in read(tree) if s.split == "test"][::4], []
    report = lambda name, done, total: seen.append((name, done, total))  # noqa: E731
    metrics = evaluate(tiny_detector, samples, tmp_path, report=report)
    with (tmp_path / "images.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [str(s.path) for s in samples]
    for row, sample in zip(rows, samples, strict=True):
        size = 100 if sample.anomalous else 0
        assert row["defect"] == sample.defect
        assert float(row["true_area"]) == pytest.approx(size / (40 * 48))
        assert row["anomalous"] == str(float(row["score"]) > float(row["threshold"]))
    found = metrics["at_threshold"]
    assert metrics["n_good"] + metrics["n_defective"] == len(samples) == len(seen)
    assert found["true_positives"] == sum(
        row["anomalous"] == "True" for row in rows if row["defect"] != "good"
    )
    assert seen[-1] == (samples[-1].path.name, len(samples), len(samples))


@pytest.fixture
def parts(tmp_path):
    """Draws a part, spoiled or not, and a mask of it; returns the sample that they make."""
    rng = np.random.default_rng(0)

    def draw(name, defect, mask=None, spoiled=True):
        image, drawn = spoil(texture(rng), rng)
        path = tmp_path / f"{name}.png"
        Image.fromarray(image if spoiled else texture(rng)).save(path)
        place = None
        if mask is not None:
            place = tmp_path / f"{name}_mask.png"
            Image.fromarray(mask(drawn).astype(np.uint8) * 255).save(place)
        return Sample(path, "test", defect, place, name)

    return draw


def same(mask):
    return mask


def evaluated(detector, samples, out):
    metrics = evaluate(detector, samples, out)
    with (out / "images.csv").open(newline="", encoding="utf-8-sig") as file:
        return metrics, list(csv.DictReader(file))


def test_what_fails_is_a_row_and_counts_nowhere(tiny_detector, parts, tmp_path):
    whole = [parts("a", "good", spoiled=False), parts("b", "dent", same), parts("c", "dent", same)]
    bad = {
        "size": (parts("size", "dent", lambda m: m[:-1]), "is 48 x 39 pixels, its image 48 x 40"),
        "cut": (parts("cut", "dent", same), "damaged or cut short"),
        "truth": (parts("truth", "dent", same), "is empty"),
        "gone": (parts("gone", "good"), "does not exist"),
        "marked": (parts("marked", "good", same), "is good by its folder, but .* marks a defect"),
        "blank": (parts("blank", "dent", np.zeros_like), "is dent by its folder.* marks nothing"),
    }
    cut = bad["cut"][0].path
    cut.write_bytes(cut.read_bytes()[:900])
    bad["truth"][0].mask_path.write_bytes(b"")
    bad["gone"][0].path.unlink()
    samples = [whole[0], *(sample for sample, _ in bad.values()), *whole[1:]]
    metrics, rows = evaluated(tiny_detector, samples, tmp_path / "out")
    alone, _ = evaluated(tiny_detector, whole, tmp_path / "alone")
    assert [row["file"] for row in rows] == [str(sample.path) for sample in samples]
    assert [bool(row["error"]) for row in rows] == [False, *[True] * 6, False, False]
    for row, (sample, sentence) in zip(rows[1:7], bad.values(), strict=True):
        assert re.search(sentence, row["error"]) and row["score"] == ""
        assert sample.path.name in row["error"] or sample.mask_path.name in row["error"]
    assert metrics["errors"] == [row["error"] for row in rows[1:7]]
    assert metrics | {"errors": []} == alone


def test_a_defect_without_a_mask_counts_as_an_image(tiny_detector, parts, tmp_path):
    samples = [parts("a", "good", spoiled=False), parts("b", "dent"), parts("c", "dent", same)]
    metrics, rows = evaluated(tiny_detector, samples, tmp_path / "out")
    assert [row["true_area"] for row in rows] == ["0.0", "", str(100 / (40 * 48))]
    assert (metrics["n_with_masks"], metrics["n_without_masks"]) == (1, 1)
    assert metrics["n_defective"] == 2 and metrics["pixel_auroc"] > 0.9 and not metrics["errors"]


def test_a_mask_alone_says_what_no_folder_does(tiny_detector, parts, tmp_path):
    samples = [parts("a", None, np.zeros_like, spoiled=False), parts("b", None, same)]
    metrics, rows = evaluated(tiny_detector, samples, tmp_path / "out")
    assert [row["defect"] for row in rows] == ["good", "defect"]
    assert (metrics["n_good"], metrics["n_defective"]) == (1, 1)
    assert set(metrics["per_defect"]) == {"defect"}


def test_a_set_of_nothing_but_damage_is_no_crash(tiny_detector, parts, tmp_path):
    sample = parts("a", "dent", same)
    sample.path.write_bytes(b"damaged")
    metrics, rows = evaluated(tiny_detector, [sample], tmp_path / "out")
    assert metrics["image_auroc"] is metrics["pixel_auroc"] is None and len(rows) == 1
    assert metrics["n_good"] == metrics["n_defective"] == 0
