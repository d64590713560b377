from __future__ import annotations

import csv

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


def test_a_mask_of_another_size_is_refused(tiny_detector, tmp_path):
    rng = np.random.default_rng(0)
    image, mask = spoil(texture(rng), rng)
    Image.fromarray(image).save(tmp_path / "a.png")
    Image.fromarray(mask[:-1].astype(np.uint8) * 255).save(tmp_path / "a_mask.png")
    sample = Sample(tmp_path / "a.png", "test", "dent", tmp_path / "a_mask.png", "a")
    with pytest.raises(ValueError, match="is 48 x 39 pixels, its image 48 x 40"):
        evaluate(tiny_detector, [sample], tmp_path / "out")
    assert not (tmp_path / "out" / "images.csv").exists()
