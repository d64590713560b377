from __future__ import annotations

import shutil

import numpy as np
import pytest
from parts import texture
from PIL import Image

from ddad.cli import main
from ddad.images.files import file_digest
from ddad.model.detector import Detector


@pytest.fixture
def copy(tiny_checkpoint, tmp_path):
    return shutil.copytree(tiny_checkpoint, tmp_path / "copy")


def test_calibrate_uses_only_images_the_model_has_not_seen(tree, copy, capsys):
    before = Detector.load(copy).calibration
    assert main(["calibrate", str(tree), "--checkpoint", str(copy), "--fpr", "0.5"]) == 0
    said = capsys.readouterr().out
    assert "19 images left out" in said
    after = Detector.load(copy).calibration
    assert after.n == before.n == 5
    assert after.normal_scores == pytest.approx(before.normal_scores, rel=1e-5)  # other batches
    assert after.threshold < before.threshold
    assert after.promise.rate == pytest.approx(0.5)


def test_calibrate_counts_parts(copy, tmp_path, capsys):
    """Folders of shots, of which one lies in another's folder too."""
    data, rng = tmp_path / "data", np.random.default_rng(5)
    for part in range(4):
        (data / f"part_{part}").mkdir(parents=True)
        for number in range(3):
            Image.fromarray(texture(rng)).save(data / f"part_{part}" / f"{number}.png")
    shutil.copy(data / "part_0" / "1.png", data / "part_3" / "again.png")
    assert main(["calibrate", str(data), "--checkpoint", str(copy), "--fpr", "0.5"]) == 0
    assert "counted as 3 parts: by folder, 2 photographs in 1 burst" in capsys.readouterr().out
    after = Detector.load(copy).calibration
    assert after.promise.parts == 3 and after.n == 13


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
    for file in (tree / "train" / "good").iterdir():
        if file_digest(file) in digests:
            shutil.copy(file, seen)
    assert main(["calibrate", str(seen), "--checkpoint", str(copy)]) == 2
    assert "trained on every normal image" in capsys.readouterr().err
