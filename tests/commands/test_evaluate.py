from __future__ import annotations

import csv
import json

import pytest
from sklearn.metrics import roc_auc_score

from ddad.cli import main


def test_evaluate_agrees_with_its_own_table(tree, tiny_checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(["evaluate", str(tree), "--checkpoint", str(tiny_checkpoint), "--out", str(out)]) == 0
    )
    metrics = json.loads((out / "metrics.json").read_text())
    with (out / "images.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    labels = [row["defect"] != "good" for row in rows]
    scores = [float(row["score"]) for row in rows]
    assert metrics["image_auroc"] == pytest.approx(roc_auc_score(labels, scores))
    assert (metrics["n_good"], metrics["n_defective"]) == (6, 6)
    assert set(metrics["per_defect"]) == {"square"}
    assert metrics["image_auroc"] > 0.9 and metrics["aupro"] > 0.7
    assert "aupro" in capsys.readouterr().out
