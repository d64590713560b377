from __future__ import annotations

import csv
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from parts import ROOT, texture
from PIL import Image

from ddad.cli import main
from ddad.work.ledger import Ledger
from ddad.work.watch import watch


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
    with pytest.raises(ValueError, match="is watched, so --out needs another folder"):
        watch(tmp_path, tmp_path / "x" / "..", tiny_detector, threading.Event(), once=True)
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


@contextmanager
def watching(folder, out, detector, **options):
    """A watch in a thread: the rows it reports, the sentences it says, its outcome when it ends."""
    stopped, outcome = threading.Event(), []
    seen = SimpleNamespace(rows=[], said=[], outcome=outcome)

    def run():
        options.setdefault("every", 0.05)
        try:
            told = {"report": seen.rows.append, "say": seen.said.append}
            outcome.append(watch(folder, out, detector, stopped, **told, **options))
        except Exception as error:  # for the test to look at
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield seen
    finally:
        stopped.set()
        thread.join(60)
        assert not thread.is_alive()


def test_an_output_that_is_blocked_is_tried_again_and_at_the_next_start(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    photograph(folder / "b.png", 2)
    out.mkdir()
    (out / "maps").touch()
    seen, once = [], {"every": 0.01, "once": True, "report": lambda row: seen.append(row)}
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 0
    assert {row["again"] for row in seen} == {"output"} and len(seen) == 2
    assert rows(out) == [] and Ledger(out / "ledger.sqlite").rows() == []
    (out / "maps").unlink()
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 2
    assert [(row["error"], row["score"] != "") for row in rows(out)] == [("", True)] * 2
    assert len(list(out.glob("maps/*.png"))) == 2


def test_one_output_that_is_in_the_way_keeps_no_other_image_waiting(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    for name in "abcd":
        photograph(folder / name / "x.png", ord(name))
    (out / "maps").mkdir(parents=True)
    (out / "maps" / "a").touch()  # where a folder should be
    once = {"every": 0.01, "once": True}
    assert watch(folder, out, tiny_detector, threading.Event(), **once) == 3
    with watching(folder, out, tiny_detector) as seen:
        until(lambda: seen.rows)
        photograph(folder / "e" / "x.png", 5)
        until(lambda: len(rows(out)) == 4)
        (out / "maps" / "a").unlink()
        until(lambda: len(rows(out)) == 5)
    assert [row.get("again") for row in seen.rows] == ["output", None, None]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no users of this kind here")
def test_a_locked_image_waits_until_it_is_unlocked(tiny_checkpoint, tmp_path):
    """As a user who is not the administrator: a file that may not be read."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("the administrator may read every file, and setpriv is not there")
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    photograph(folder / "b.png", 2)
    (folder / "b.png").chmod(0)
    out.mkdir()
    command = [sys.executable, "-m", "ddad", "watch", str(folder), "--every", "0.05"]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    if os.geteuid() == 0:
        powers = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}", *command]
    with open(tmp_path / "said", "w") as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=said)
        until(lambda: "Permission denied; trying again" in (tmp_path / "said").read_text())
        assert [os.path.basename(row["file"]) for row in rows(out)] == ["a.png"]
        (folder / "b.png").chmod(0o644)
        until(lambda: len(rows(out)) == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert [row["error"] for row in rows(out)] == ["", ""]


def test_a_half_written_file_is_no_error_row(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(tmp_path / "whole.png", 1)
    data = (tmp_path / "whole.png").read_bytes()
    folder.mkdir()
    with watching(folder, out, tiny_detector, every=0.1) as seen:
        until(lambda: (out / "scores.csv").exists())
        (folder / "a.png").write_bytes(data[: len(data) // 2])
        (folder / "b.png").touch()
        time.sleep(0.6)  # longer than two looks: the camera pauses
        for name in ("a.png", "b.png"):
            (folder / name).write_bytes(data)
        until(lambda: len(seen.rows) == 2)
        (folder / "c.png").write_bytes(data[: len(data) // 2])  # and this one stays so
        os.utime(folder / "c.png", (1e9, 1e9))  # by a clock that is wrong
        time.sleep(0.3)
        assert len(seen.rows) == 2
        until(lambda: len(seen.rows) == 3)
    assert ["error" in row for row in seen.rows] == [False, False, True]
    assert "again" not in seen.rows[2] and len(rows(out)) == 3


def test_an_old_damaged_file_is_a_row_at_once(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    (folder / "a.png").write_bytes(b"damaged")
    os.utime(folder / "a.png", (1e9, 1e9))
    started = time.monotonic()
    watch(folder, out, tiny_detector, threading.Event(), every=0.5, once=True)
    assert time.monotonic() - started < 4 and rows(out)[0]["error"]


def test_a_file_that_changes_while_it_is_scored_counts_as_it_is_in_the_end(tmp_path, tiny_detector):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)

    class Changing:
        """The detector, behind whose back the camera writes once more."""

        turns = 0

        def __getattr__(self, name):
            return getattr(tiny_detector, name)

        def detect(self, images):
            found = tiny_detector.detect(images)
            if not self.turns:
                photograph(folder / "a.png", 2)
            self.turns += 1
            return found

    assert watch(folder, out, Changing(), threading.Event(), every=0.01, once=True) == 1
    pixels = np.asarray(Image.open(folder / "a.png"))
    (found,) = tiny_detector.detect([pixels])
    assert float(rows(out)[0]["score"]) == pytest.approx(found.score, abs=1e-5)


def test_what_waits_is_scored_side_by_side_and_committed_in_its_order(tmp_path, tiny_detector):
    folder, out = tmp_path / "in", tmp_path / "out"
    for number in range(6):
        photograph(folder / f"{number}.png", number)
        os.utime(folder / f"{number}.png", (1e9 + number, 1e9 + number))
    both = threading.Barrier(2, timeout=20)

    class Meeting:
        """The detector, which scores none until two are asked for."""

        def __getattr__(self, name):
            return getattr(tiny_detector, name)

        def detect(self, images):
            both.wait()
            return tiny_detector.detect(images)

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        watch(folder, out, Meeting(), threading.Event(), every=0.01, once=True)
    finally:
        torch.set_num_threads(threads)
    names = [os.path.basename(row["file"]) for row in rows(out)]
    assert names == [f"{number}.png" for number in range(6)]
    assert not any(row["error"] for row in rows(out))


def test_the_output_folder_removed_is_begun_anew(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    with watching(folder, out, tiny_detector) as seen:
        until(lambda: len(seen.rows) == 1)
        shutil.rmtree(out)
        photograph(folder / "b.png", 2)
        until(lambda: out.joinpath("scores.csv").exists() and len(rows(out)) == 2)
    assert sorted(os.path.basename(row["file"]) for row in rows(out)) == ["a.png", "b.png"]
    assert len(seen.said) == 1 and len(list(out.glob("maps/*.png"))) == 2
    assert len(Ledger(out / "ledger.sqlite").rows()) == 2


def test_the_folder_out_of_reach_is_waited_for(tiny_detector, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    with watching(folder, out, tiny_detector) as seen:
        until(lambda: len(seen.rows) == 1)
        folder.rename(tmp_path / "away")
        until(lambda: seen.said)
        photograph(tmp_path / "away" / "b.png", 2)
        (tmp_path / "away").rename(folder)
        until(lambda: len(seen.rows) == 2)
    assert seen.said == [f"{folder} cannot be reached: waiting for it"] and seen.outcome == [2]


def test_a_table_that_cannot_be_written_loses_no_row(tiny_detector, tmp_path):
    """A folder of its name, as good a lock as Excel's."""
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    with watching(folder, out, tiny_detector) as seen:
        until(lambda: len(seen.rows) == 1)
        (out / "scores.csv").unlink()
        (out / "scores.csv").mkdir()
        photograph(folder / "b.png", 2)
        until(lambda: len(seen.rows) == 2)
        (out / "scores.csv").rmdir()
        until(lambda: (out / "scores.csv").is_file() and len(rows(out)) == 2)
    assert len(seen.said) == 1 and "scores.csv cannot be written" in seen.said[0]
    (out / "scores.csv").unlink()
    (out / "scores.csv").mkdir()
    with pytest.raises(OSError, match="scores.csv cannot be written.*the ledger has all rows"):
        watch(folder, out, tiny_detector, threading.Event(), every=0.01, once=True)


def test_a_name_that_is_no_unicode_is_one_row(tiny_checkpoint, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    photograph(folder / "a.png", 1)
    for raw in (b"caf\xe9.png", b"\xff\x80.png", b"two\nlines.png", b"deep\xe4/x.png"):
        photograph(folder / os.fsdecode(raw), 2)
    command = [sys.executable, "-m", "ddad", "watch", str(folder), "--every", "0.05", "--once"]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}):
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | locale, capture_output=True, text=True
        )
        assert done.returncode == 0 and "Traceback" not in done.stderr, done.stderr
        found = rows(out)
        assert len(found) == 5 and not any(row["error"] for row in found)
        assert len({row["file"] for row in found}) == 5
        assert len([*out.glob("maps/**/*.png")]) == 5
    assert done.stdout.startswith("0 images scored")  # the ledger knew all of them


def test_a_disk_that_is_full_for_a_while_costs_time_alone(tiny_checkpoint, tmp_path):
    """No file may grow beyond a few bytes, then beyond a picture's size, then the limit is off."""
    folder, out, said = tmp_path / "in", tmp_path / "out", tmp_path / "said"
    for i in range(3):
        noise = np.random.default_rng(i).integers(0, 256, (220, 240, 3), dtype=np.uint8)
        folder.mkdir(exist_ok=True)
        Image.fromarray(noise).save(folder / f"{i}.png")
    command = [sys.executable, "-m", "ddad", "watch", str(folder), "--every", "0.05"]
    command += ["--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    none = resource.RLIM_INFINITY
    with said.open("w") as file:
        process = subprocess.Popen(
            *(command,),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=file,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, none)),
        )
        until(lambda: "ledger.sqlite cannot be used" in said.read_text())
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (30_000, none))
        until(lambda: "out cannot be written" in said.read_text())
        assert process.poll() is None and rows(out) == []
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (none, none))
        until(lambda: len(rows(out)) == 3)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert not any(row["error"] for row in rows(out)) and "Traceback" not in said.read_text()
    for kind in ("maps", "masks", "overlays"):
        for picture in out.glob(f"{kind}/*.png"):
            Image.open(picture).load()


def test_a_damaged_ledger_is_told_and_left_alone(tiny_checkpoint, tmp_path, capsys):
    photograph(tmp_path / "in" / "a.png", 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "ledger.sqlite").write_bytes(b"no ledger" * 999)
    command = ["watch", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--once"]
    assert main([*command, "--checkpoint", str(tiny_checkpoint)]) == 2
    assert "is damaged" in capsys.readouterr().err
    assert (tmp_path / "out" / "ledger.sqlite").read_bytes() == b"no ledger" * 999


def test_a_stream_that_is_no_longer_what_was_promised_for_is_said_once(tiny_detector, tmp_path):
    """All photographs lie above the threshold, of which 100 normals promise about 5 %."""
    low = tuple(np.linspace(-9, -8, 100).tolist())
    fitted = replace(
        tiny_detector.calibration,
        normal_scores=low,
        normal_levels=low,
        parts=tuple(range(100)),
        target_fpr=0.05,
        threshold=sorted(low)[-5],
        strange=None,
    )
    assert fitted.promise.rate == pytest.approx(0.05, abs=0.002)
    moved = tiny_detector.calibrated(fitted)
    for seed in range(14):
        photograph(tmp_path / "in" / f"{seed:02}.png", seed)
    said = []
    once = {"every": 0.01, "once": True, "say": said.append}
    for scored in (14, 0):  # a start anew follows the stream from its beginning
        watched = tmp_path / "in", tmp_path / "out", moved
        assert watch(*watched, threading.Event(), **once) == scored
        (sentence,) = said
        assert "undecided photographs lie above the threshold" in sentence
        assert "ddad calibrate --add-normals" in sentence
        said.clear()
