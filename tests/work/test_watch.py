from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from parts import ROOT, texture
from PIL import Image

from ddad.cli import main
from ddad.work.watch import Ledger, watch


def photograph(path, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(".part")
    Image.fromarray(texture(np.random.default_rng(seed))).save(part, "PNG")
    os.replace(part, path)


def rows(out):
    with (out / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def until(done, seconds=90):
    deadline = time.monotonic() + seconds
    while not done() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert done()


def test_each_version_of_a_file_is_scored_once(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "in" / "results"
    photograph(folder / "a.png", 1)
    photograph(folder / "deep" / "a.png", 2)
    (folder / "bad.png").write_bytes(b"x")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "notes.txt").write_text("x")
    once = {"every": 0.01, "once": True}
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 3
    found = {row["file"]: row for row in rows(out)}
    assert set(found) == {str(folder / n) for n in ("a.png", "deep/a.png", "bad.png")}
    assert "bad.png" in found[str(folder / "bad.png")]["error"]
    assert (out / "masks" / "deep" / "a.png.png").exists()
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 0
    photograph(folder / "a.png", 3)
    (folder / "bad.png").unlink()
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 1
    assert len(rows(out)) == 4


def test_a_file_that_still_grows_waits(tiny_detector, tmp_path):
    folder, out, stopped, seen = tmp_path / "in", tmp_path / "out", threading.Event(), []
    photograph(tmp_path / "whole.png", 1)
    data = (tmp_path / "whole.png").read_bytes()
    folder.mkdir()
    options = {"every": 0.3, "report": seen.append}
    thread = threading.Thread(
        target=watch, args=(folder, out, tiny_detector, stopped), kwargs=options
    )
    thread.start()
    for end in range(0, len(data), len(data) // 8):  # written in pieces, faster than two looks
        with (folder / "a.png").open("ab") as file:
            file.write(data[end : end + len(data) // 8])
        time.sleep(0.1)
    until(lambda: seen)
    stopped.set()
    thread.join(30)
    assert len(seen) == 1 and "error" not in seen[0]


def test_only_one_watch_writes_a_folder(tiny_detector, tmp_path):
    from ddad.training.journal import exclusive

    with exclusive(tmp_path / "out"), pytest.raises(ValueError, match="another process"):
        watch(tmp_path, tmp_path / "out", tiny_detector, threading.Event(), once=True)
    with pytest.raises(ValueError, match="no folder"):
        watch(tmp_path / "none", tmp_path / "out", tiny_detector, threading.Event())


def test_a_lost_line_of_the_table_comes_back_from_the_ledger(tiny_detector, tmp_path):
    photograph(tmp_path / "in" / "a.png", 1)
    once = {"every": 0.01, "once": True}
    watch(tmp_path / "in", tmp_path / "out", tiny_detector, threading.Event(), **once)
    before = rows(tmp_path / "out")
    (tmp_path / "out" / "scores.csv").write_text("half a li")
    watch(tmp_path / "in", tmp_path / "out", tiny_detector, threading.Event(), **once)
    assert rows(tmp_path / "out") == before and len(before) == 1


def test_killed_and_started_again_it_misses_nothing_and_repeats_nothing(
    tiny_checkpoint, tmp_path, capsys
):
    folder, out = tmp_path / "in", tmp_path / "out"
    for i in range(12):
        photograph(folder / f"{i:02}.png", i)
    command = [sys.executable, "-m", "ddad", "watch", str(folder), "--out", str(out)]
    command += ["--checkpoint", str(tiny_checkpoint), "--every", "0.05"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    until(lambda: out.joinpath("scores.csv").exists() and len(rows(out)) >= 3)
    process.send_signal(signal.SIGKILL)
    process.wait()
    photograph(folder / "late.png", 99)
    shutil.copy(folder / "00.png", folder / "again.png")
    arguments = ["--checkpoint", str(tiny_checkpoint), "--every", "0.05", "--once"]
    assert main(["watch", str(folder), "--out", str(out), *arguments]) == 0
    names = sorted(os.path.basename(row["file"]) for row in rows(out))
    assert names == sorted(f.name for f in folder.iterdir())
    assert len(Ledger(out / "ledger.sqlite").rows()) == 14
    assert len(list(out.glob("maps/*.png"))) == 14
