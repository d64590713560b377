from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from ddad.cli import main
from ddad.score.calibration import Calibration


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


def test_a_photograph_of_twelve_megapixels_scores_within_two_gigabytes(tiny_checkpoint, tmp_path):
    rng = np.random.default_rng(0)
    photograph = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
    photograph.resize((4000, 3000)).save(tmp_path / "large.jpg")
    code = (  # not ru_maxrss: a process inherits that of the one that started it
        "import pathlib, re, sys\n"
        "from ddad.cli import main\n"
        "failed = main(['score', *sys.argv[1:]])\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(failed, *re.findall(r'VmHWM:\\s+(\\d+)', status))"
    )
    arguments = [str(tmp_path / "large.jpg"), "--checkpoint", str(tiny_checkpoint), "--out"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments, str(tmp_path / "out")],
        capture_output=True,
        text=True,
    )
    failed, kilobytes = done.stdout.split()[-2:]
    assert failed == "0", done.stderr
    assert 200_000 < int(kilobytes) < 2_000_000


def test_a_place_to_write_is_asked_for(tiny_checkpoint, tmp_path, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["score", str(tmp_path), "--checkpoint", str(tiny_checkpoint)])
    assert refused.value.code == 2
    assert "--out" in capsys.readouterr().err


def test_photographs_that_are_not_what_was_promised_for_are_said(
    tree, tiny_checkpoint, tmp_path, capsys
):
    """A folder all above the threshold of a hundred normals; as it was trained nothing is said."""
    score = ["score", str(tree / "train" / "good"), "--out", str(tmp_path / "out"), "--checkpoint"]
    assert main([*score, str(tiny_checkpoint)]) == 0
    assert "undecided photographs" not in capsys.readouterr().out
    moved = shutil.copytree(tiny_checkpoint, tmp_path / "moved") / "calibration.json"
    low = tuple(np.linspace(-9, -8, 100).tolist())
    known = {"normal_scores": low, "normal_levels": low, "parts": tuple(range(100))}
    fitted = Calibration.from_json(moved.read_text("utf-8"))
    fitted = replace(fitted, **known, target_fpr=0.05, threshold=low[-5], strange=None)
    moved.write_text(fitted.to_json(), "utf-8")
    assert main([*score, str(moved.parent)]) == 0
    said = capsys.readouterr().out
    assert "24 of 24 undecided photographs lie above the threshold" in said
    assert "ddad calibrate --add-normals" in said
