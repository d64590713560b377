from __future__ import annotations

import signal
import subprocess
import sys
import time

import numpy as np
from parts import ROOT, texture
from PIL import Image

from ddad.cli import main


def until(done, seconds=90):
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


def test_it_ends_cleanly_when_asked_to(tiny_checkpoint, tmp_path):
    (tmp_path / "in").mkdir()
    command = [sys.executable, "-m", "ddad", "watch", str(tmp_path / "in"), "--every", "0.05"]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    until(lambda: (tmp_path / "out" / "scores.csv").exists())
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and said.startswith("0 images scored")


def test_each_image_is_told_as_it_is_scored(tiny_checkpoint, tmp_path, capsys):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    Image.fromarray(texture(np.random.default_rng(0))).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"")
    command = ["watch", str(folder), "--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    assert main([*command, "--once", "--every", "0.01"]) == 0
    said = sorted(capsys.readouterr().out.splitlines())
    assert said[0] in (f"{folder}/a.png: good", f"{folder}/a.png: anomalous")
    assert said[1].startswith(f"{folder}/b.png: ") and said[1].endswith("is empty (0 bytes)")
    assert said[2] == f"2 images scored: {out}/scores.csv"
    assert main([*command[:1], str(tmp_path / "none"), *command[2:]]) == 2
    assert "no folder at" in capsys.readouterr().err
