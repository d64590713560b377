from __future__ import annotations

import csv
import json
import shutil

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


def run(tree, checkpoint, out, capsys):
    code = main(["evaluate", str(tree), "--checkpoint", str(checkpoint), "--out", str(out)])
    said = capsys.readouterr()
    metrics = out / "metrics.json"
    return code, json.loads(metrics.read_text()) if metrics.exists() else None, said.out, said.err


@pytest.fixture
def own(tree, tmp_path):
    """The tree, to be spoiled."""
    return shutil.copytree(tree, tmp_path / "own")


def test_a_truncated_image_and_mask_are_named_and_the_rest_is_measured(
    own, tiny_checkpoint, tmp_path, capsys
):
    image = own / "test" / "square" / "002.png"
    image.write_bytes(image.read_bytes()[:1000])
    mask = own / "ground_truth" / "square" / "004_mask.png"
    mask.write_bytes(mask.read_bytes()[:40])
    code, metrics, out, err = run(own, tiny_checkpoint, tmp_path / "out", capsys)
    assert code == 1 and str(image) in err and str(mask) in err
    assert (metrics["n_good"], metrics["n_defective"]) == (6, 4) and metrics["aupro"] > 0.5
    assert "2 of 12 images left out: they have an error" in out and "aupro" in out


@pytest.mark.parametrize("gone", [2, 6])
def test_masks_may_lack_for_a_part_or_for_all(own, tiny_checkpoint, tmp_path, capsys, gone):
    for mask in sorted((own / "ground_truth" / "square").iterdir())[:gone]:
        mask.unlink()
    code, metrics, out, _ = run(own, tiny_checkpoint, tmp_path / "out", capsys)
    assert code == 0 and f"pixel metrics want masks: {gone} of 6 defective images have none" in out
    assert (metrics["n_defective"], metrics["n_without_masks"]) == (6, gone)
    assert metrics["image_auroc"] > 0.9 and (metrics["aupro"] is None) == (gone == 6)
    assert ("aupro" in out) == (gone == 2)


@pytest.mark.parametrize(("without", "lacking"), [("good", "good"), ("square", "defective")])
def test_one_class_alone_is_a_sentence(own, tiny_checkpoint, tmp_path, capsys, without, lacking):
    shutil.rmtree(own / "test" / without)
    code, metrics, out, _ = run(own, tiny_checkpoint, tmp_path / "out", capsys)
    assert code == 0 and f"no {lacking} ones are there" in out
    assert metrics["image_auroc"] is None and metrics["n_good"] + metrics["n_defective"] == 6


def test_what_the_model_was_trained_on_is_left_out_and_said(own, tiny_checkpoint, tmp_path, capsys):
    for file in (own / "train" / "good").iterdir():
        shutil.copy(file, own / "test" / "good" / f"again_{file.name}")
    code, metrics, out, _ = run(own, tiny_checkpoint, tmp_path / "out", capsys)
    assert code == 0 and metrics["n_good"] == 6 + 5
    assert "19 images left out: the model was trained on them" in out


def test_a_folder_without_splits_is_measured_by_its_folders(own, tiny_checkpoint, tmp_path, capsys):
    flat = tmp_path / "flat"
    for kind in ("good", "square"):
        shutil.copytree(own / "test" / kind, flat / kind)
    code, metrics, out, _ = run(flat, tiny_checkpoint, tmp_path / "out", capsys)
    assert code == 0 and (metrics["n_good"], metrics["n_defective"]) == (6, 6)
    assert "6 of 6 defective images have none" in out


def test_wrong_places_are_one_sentence_each(own, tiny_checkpoint, tmp_path, capsys):
    (tmp_path / "file").touch()
    for data, out in ((tmp_path / "none", "out"), (tmp_path / "file", "out"), (own, "file")):
        code, _, _, err = run(data, tiny_checkpoint, tmp_path / out, capsys)
        assert code == 2 and err.count("\n") == 1 and str(tmp_path) in err
