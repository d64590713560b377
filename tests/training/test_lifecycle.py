from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace

import numpy as np
import pytest
from parts import ROOT
from PIL import Image

from ddad.cli import main
from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.images.files import file_digest
from ddad.model.detector import Detector
from ddad.model.package import checkpoint_zip, load_checkpoint_zip
from ddad.score.appearance import kept
from ddad.score.config import ScoreConfig
from ddad.training.journal import PAUSE, STOP, read_log, read_progress, request
from ddad.training.lifecycle import run
from ddad.training.plan import CALIBRATION, PIXEL, Plan, cross_fitted_share
from ddad.training.run import TINY
from ddad.training.synthetic import KINDS

SCORE = ScoreConfig(size=32, feature_size=64)
QUICK = Plan("feature", TINY, SCORE)


@pytest.fixture
def extractor(tiny_backbone):
    return Extractor.load(tiny_backbone)


@pytest.fixture(scope="module")
def normals(tree):
    return [s for s in data.read(tree) if s.split == "train"]


def test_a_training_leaves_a_model_with_its_card(normals, extractor, tmp_path):
    detector = run(normals, extractor, tmp_path, QUICK)
    assert Detector.load(tmp_path).fingerprint == detector.fingerprint
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    estimate = metrics["estimate"]
    assert "painted" in estimate["what"] and estimate["normals"] >= 20
    assert 0.3 < estimate["image_auroc"] <= 1 and 0.5 < estimate["pixel_auroc"] <= 1
    assert sum(metrics["calibration"]["histogram"]["counts"]) == 24
    card = (tmp_path / "README.md").read_text()
    assert "An estimate, from painted defects" in card and "24 photographs" in card
    for name in ("examples/1_good.png", "maps/1_good.png"):
        assert name in card and (tmp_path / name).exists()
    masks = sorted(tmp_path.glob("examples/*_mask.png"))
    assert len(masks) == len(KINDS) and all(np.asarray(Image.open(m)).any() for m in masks)
    progress = read_progress(tmp_path / "run")
    assert (progress["state"], progress["done"]) == ("done", 1.0)
    rows = read_log(tmp_path / "run")
    assert {r["phase"] for r in rows} == {CALIBRATION} and rows[0]["painted_peak"] > 0
    assert list(tmp_path.glob("run/preview/*_painted.png"))


@pytest.mark.parametrize("keeps", [False, True])
def test_photographs_stay_with_a_model_only_where_its_trainer_says_so(
    normals, extractor, tmp_path, keeps
):
    run(normals[:8], extractor, tmp_path / "model", replace(QUICK, keeps=keeps))
    assert len(kept(tmp_path / "model")) == 8 * keeps
    card = (tmp_path / "model" / "README.md").read_text()
    assert ("8 of its photographs travel with it" in card) == keeps
    packed = checkpoint_zip(tmp_path / "model", tmp_path / "model.zip")
    with zipfile.ZipFile(packed) as archive:
        assert sum(name.startswith("normals/") for name in archive.namelist()) == 8 * keeps
    load_checkpoint_zip(packed, tmp_path / "other")
    assert len(kept(tmp_path / "other")) == 8 * keeps


def test_the_share_of_a_cross_fit_counts_what_takes_the_time():
    shares = [cross_fitted_share(fold, 4 * fold, 20) for fold in range(6)]
    assert shares[0] == 0 and shares[-1] == 1 and shares == sorted(shares)
    assert cross_fitted_share(1, 1, 20) > 0.15  # a fitted fold, not one of twenty photographs
    assert cross_fitted_share(1, 1, 1) == 1


def test_a_card_of_someone_elses_hand_is_kept(normals, extractor, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    run(normals[:6], extractor, tmp_path, QUICK)
    assert (tmp_path / "README.md").read_text() == "mine"


def ask(folder, what, phase):
    """A `show` that makes a request once, in the middle of a phase."""
    asked = []

    def show(progress):
        if progress["phase"] == phase and progress["phase_done"] > 0 and not asked:
            asked.append(request(folder, what))

    return show


def test_stopping_early_keeps_what_was_calibrated_on(normals, extractor, tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.training.journal.EVERY", 0)
    show = ask(tmp_path / "run", STOP, CALIBRATION)
    detector = run(normals, extractor, tmp_path, QUICK, show=show)
    assert 1 <= detector.calibration.n < 24
    assert len(detector.training["trained_on"]) == 24


def test_pausing_saves_and_the_same_call_goes_on(normals, extractor, tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.training.journal.EVERY", 0)
    with pytest.raises(KeyboardInterrupt):
        run(normals, extractor, tmp_path, QUICK, show=ask(tmp_path / "run", PAUSE, CALIBRATION))
    assert read_progress(tmp_path / "run")["state"] == "paused"
    assert not (tmp_path / "ddad.json").exists()
    assert run(normals, extractor, tmp_path, QUICK).calibration.n == 24


def test_the_pixel_branch_can_be_ended_early_for_good(normals, tmp_path, monkeypatch):
    monkeypatch.setattr("ddad.training.journal.EVERY", 0)
    long = Plan("pixel", replace(TINY, steps=100_000, save_every=0), SCORE)
    detector = run(normals, None, tmp_path, long, show=ask(tmp_path / "run", STOP, PIXEL))
    assert detector.training["ended_early"] and detector.training["steps"] < 100
    assert "ended early" in (tmp_path / "README.md").read_text()
    assert list(tmp_path.glob("run/preview/*_painted.png"))
    again = run(normals, None, tmp_path, long)
    assert again.training["steps"] == detector.training["steps"]


def test_a_broken_image_ends_it_with_a_sentence(normals, extractor, tmp_path):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    with pytest.raises(ValueError):
        run([*normals, replace(normals[0], path=bad)], extractor, tmp_path / "m", QUICK)
    progress = read_progress(tmp_path / "m" / "run")
    assert progress["state"] == "failed" and "bad.png" in progress["message"]


def test_a_terminated_command_says_paused_and_goes_on(tree, tiny_backbone, tmp_path):
    command = [
        sys.executable,
        "-m",
        "ddad",
        "train",
        str(tree),
        "--out",
        str(tmp_path / "m"),
        "--branch",
        "feature",
    ]
    command += ["--extractor", str(tiny_backbone), "--feature-size", "192"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not read_log(tmp_path / "m" / "run"):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130 and b"goes on" in stderr
    assert read_progress(tmp_path / "m" / "run")["state"] == "paused"


def test_no_defect_and_no_mask_reaches_the_model_of_normals(tree, tiny_backbone, tmp_path):
    """With test images and true masks or without: the same weights and calibration."""
    bare = shutil.copytree(tree, tmp_path / "bare")
    shutil.rmtree(bare / "test")
    shutil.rmtree(bare / "ground_truth")
    marks = []
    for source, out in ((tree, tmp_path / "one"), (bare, tmp_path / "two")):
        command = [
            "train",
            str(source),
            "--out",
            str(out),
            "--extractor",
            str(tiny_backbone),
            "--branch",
            "feature",
        ]
        assert main([*command, "--feature-size", "64"]) == 0
        detector = Detector.load(out)
        marks.append((detector.fingerprint, detector.calibration.normal_scores))
        good = {file_digest(f) for f in (tree / "train" / "good").iterdir()}
        assert set(detector.training["trained_on"]) == good
    assert marks[0] == marks[1]


def test_masks_beside_photographs_are_not_taken_for_parts(tmp_path):
    for name in (
        "good/a.png",
        "good/b.png",
        "crack/c.png",
        "crack/c_mask.png",
        "masks/crack/c.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name)
    chosen = data.normals(tmp_path)
    names = [s.path.relative_to(tmp_path).as_posix() for s in chosen.samples]
    assert names == ["good/a.png", "good/b.png"]
    assert any("crack 1" in note for note in chosen.notes)
    assert any("masks" in note for note in chosen.notes)


def test_a_helping_process_trains_the_same_part_and_keeps_no_model(normals, tmp_path):
    config = replace(TINY, steps=2)
    plan = Plan("pixel", config, ScoreConfig(size=config.size))
    assert run(normals, None, tmp_path / "model", plan, first=False) is None
    part, held = data.hold_out(normals, config.held_out, config.seed)
    images = json.loads((tmp_path / "model" / "run" / "run.json").read_text())["images"]
    assert (images["trained_on"], images["held_out"]) == (len(part), len(held))
    assert [f.name for f in (tmp_path / "model").iterdir()] == ["run"]
