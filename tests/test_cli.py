from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from ddad.cli import main
from ddad.model.detector import Detector


@pytest.fixture
def copy(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


def test_help_is_fast_because_nothing_heavy_is_imported():
    code = (
        "import sys, ddad.cli\n"
        "heavy = {'torch', 'gradio', 'diffusers', 'skimage', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "ddad.cli.main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("train", "calibrate", "score", "restore", "evaluate", "nll"):
        assert command in done.stdout


def test_dry_run_prints_the_settings_and_does_nothing(tree, tmp_path, capsys):
    out = tmp_path / "none"
    assert main(["train", str(tree), "--out", str(out), "--dry-run", "--steps", "7"]) == 0
    settings = json.loads(capsys.readouterr().out)
    assert (settings["steps"], settings["minutes"]) == (7, 0)
    assert not out.exists()


def test_a_trained_checkpoint_says_what_it_is(tiny_checkpoint):
    meta = json.loads((tiny_checkpoint / "ddad.json").read_text())
    assert meta["format"] == 3
    assert meta["training"]["images"]["trained_on"] == 19
    assert meta["training"]["images"]["held_out"] == 5
    assert len(meta["training"]["trained_on"]) == 19
    assert Detector.load(tiny_checkpoint).calibration.n == 5


def test_score_exit_codes(tree, tiny_checkpoint, tmp_path, capsys):
    good = tree / "test" / "good"
    base = ["--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "out")]
    assert main(["score", str(good), *base]) == 0
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    capsys.readouterr()
    assert main(["score", str(good / "000.png"), str(bad), *base]) == 1
    assert "bad.png is empty" in capsys.readouterr().err
    assert main(["score", str(good / "000.png"), *base, "--max-megapixels", "0.001"]) == 1
    assert "the limit is 0.001" in capsys.readouterr().err
    for wrong in (
        ["score", str(tmp_path / "none"), *base],
        ["score", str(good), "--checkpoint", "no-such", "--out", str(tmp_path / "out")],
        ["train", str(tmp_path), "--out", str(tmp_path / "m"), "--steps", "3"],
        ["train", str(tree), "--out", str(tmp_path / "m"), "--steps", "3", "--size", "2"],
        ["train", str(tree), "--out", str(tmp_path / "m"), "--steps", "3", "--timesteps", "2000"],
        ["evaluate", str(good), "--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path)],
    ):
        assert main(wrong) == 2
        assert capsys.readouterr().err.strip().count("\n") == 0
    with pytest.raises(SystemExit) as usage:
        main(["score"])
    assert usage.value.code == 2


def test_evaluate_agrees_with_its_own_table(tree, tiny_checkpoint, tmp_path, capsys):
    out = tmp_path / "out"
    assert (
        main(["evaluate", str(tree), "--checkpoint", str(tiny_checkpoint), "--out", str(out)]) == 0
    )
    metrics = json.loads((out / "metrics.json").read_text())
    with (out / "images.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = [row["defect"] != "good" for row in rows]
    scores = [float(row["score"]) for row in rows]
    assert metrics["image_auroc"] == pytest.approx(roc_auc_score(labels, scores))
    assert (metrics["n_good"], metrics["n_defective"]) == (6, 6)
    assert set(metrics["per_defect"]) == {"square"}
    assert metrics["image_auroc"] > 0.9 and metrics["aupro"] > 0.7
    assert "aupro" in capsys.readouterr().out


def test_calibrate_uses_only_images_the_model_has_not_seen(tree, copy, capsys):
    before = Detector.load(copy).calibration
    assert main(["calibrate", str(tree), "--checkpoint", str(copy), "--fpr", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "19 images left out" in said
    after = Detector.load(copy).calibration
    assert after.n == before.n == 5
    assert after.normal_scores == pytest.approx(before.normal_scores, rel=1e-5)  # other batches
    assert after.threshold < before.threshold
    assert after.guaranteed_fpr == pytest.approx(0.5)


def test_calibrate_with_other_settings_makes_another_checkpoint(tree, copy, tmp_path, capsys):
    out = tmp_path / "other"
    command = ["calibrate", str(tree), "--checkpoint", str(copy), "--out", str(out)]
    assert main([*command, "--timesteps", "50", "--draws", "1", "--blur", "1"]) == 0
    other = Detector.load(out)
    assert (other.config.timesteps, other.config.draws, other.config.blur) == ((50,), 1, 1.0)
    assert other.fingerprint != Detector.load(copy).fingerprint
    assert "would need 19" in capsys.readouterr().out


def test_calibrate_refuses_when_nothing_is_unseen(tree, copy, tmp_path, capsys):
    seen = tmp_path / "seen"
    seen.mkdir()
    digests = set(Detector.load(copy).training["trained_on"])
    from ddad.images.files import file_digest

    for file in (tree / "train" / "good").iterdir():
        if file_digest(file) in digests:
            shutil.copy(file, seen)
    assert main(["calibrate", str(seen), "--checkpoint", str(copy)]) == 2
    assert "trained on every normal image" in capsys.readouterr().err


def test_nll_is_a_finite_number_of_bits(tree, tiny_checkpoint, capsys):
    command = ["nll", str(tree), "--checkpoint", str(tiny_checkpoint), "--images", "1"]
    assert main(command) == 0
    bits = float(capsys.readouterr().out.splitlines()[-1].split()[0])
    assert 2 < bits < 12


def test_a_photograph_of_twelve_megapixels_scores_within_two_gigabytes(tiny_checkpoint, tmp_path):
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    photograph.resize((4000, 3000)).save(tmp_path / "large.jpg")
    code = (
        "import resource, sys\n"
        "from ddad.cli import main\n"
        "failed = main(['score', *sys.argv[1:]])\n"
        "print(failed, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    arguments = [str(tmp_path / "large.jpg"), "--checkpoint", str(tiny_checkpoint), "--out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    failed, kilobytes = done.stdout.split()[-2:]
    assert failed == "0", done.stderr
    assert int(kilobytes) < 2_000_000
