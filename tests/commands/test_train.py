from __future__ import annotations

import json

from ddad.cli import main
from ddad.model.detector import Detector


def test_dry_run_prints_the_settings_and_does_nothing(tree, tmp_path, capsys):
    out = tmp_path / "none"
    assert main(["train", str(tree), "--out", str(out), "--dry-run", "--steps", "7"]) == 0
    settings = json.loads(capsys.readouterr().out)
    assert (settings["steps"], settings["minutes"]) == (7, 0)
    assert not out.exists()


def test_a_trained_checkpoint_says_what_it_is(tiny_checkpoint):
    meta = json.loads((tiny_checkpoint / "ddad.json").read_text())
    assert meta["format"] == 4
    assert meta["training"]["images"]["trained_on"] == 19
    assert meta["training"]["images"]["held_out"] == 5
    assert len(meta["training"]["trained_on"]) == 19
    assert Detector.load(tiny_checkpoint).calibration.n == 5
