"""Kill -9 while work is done: a few of the moments of `python -m benchmarks.kill`."""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import pytest
from parts import ROOT

from benchmarks.kill import JOBS


@pytest.mark.parametrize("job", JOBS)
def test_a_kill_loses_nothing_that_was_finished(job, tmp_path):
    JOBS[job](tmp_path, [0.3] if job == "train" else [0.0, 0.2])


def test_a_full_disk_is_told_in_one_sentence(tiny_checkpoint, tree, tmp_path):
    """No file may grow beyond a few bytes: what a full disk does to the pictures and the table."""
    command = [sys.executable, "-m", "ddad", "score", str(tree / "test" / "square" / "000.png")]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)),
    )
    said = [line for line in done.stderr.splitlines() if "image/s" not in line]
    assert done.returncode in (1, 2) and len(said) == 1, done.stderr
    assert "too large" in said[0] or "space" in said[0]
    assert not [*(tmp_path / "out").rglob("*.png")]
    assert not (tmp_path / "out" / "scores.csv").exists()


def test_a_folder_that_may_not_be_written_is_told_in_one_sentence(tiny_checkpoint, tree, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    out = locked / "out" if os.getuid() else "/proc/out"  # the administrator may write anywhere
    command = [sys.executable, "-m", "ddad", "score", str(tree / "test" / "square" / "000.png")]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert str(out) in done.stderr.splitlines()[-1]
