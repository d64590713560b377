from __future__ import annotations

import csv
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import unicodedata
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import torch
from parts import ROOT, spoil, texture
from PIL import Image

from ddad.images.decode import load_image
from ddad.model.runtime import side_by_side
from ddad.work import attempts
from ddad.work.batch import score_file, score_files
from ddad.work.outputs import plan_outputs


def write(path, pixels=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = texture(np.random.default_rng(len(str(path)))) if pixels is None else pixels
    Image.fromarray(pixels).save(path)
    return path


def rows_of(out):
    with (out / "scores.csv").open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_files_hold_what_the_detector_found(tiny_detector, tmp_path):
    rng = np.random.default_rng(0)
    image, _ = spoil(texture(rng), rng)
    path = write(tmp_path / "in" / "part.png", image)
    out = tmp_path / "out"
    errors = score_files(tiny_detector, [(path, PurePosixPath("deep/part"))], out, max_pixels=10**6)
    assert errors == []
    (found,) = tiny_detector.detect([image])
    (row,) = rows_of(out)
    steps = [f"mean_{b}_t{t}" for b, ts in tiny_detector.timesteps.items() for t in ts]
    wanted = ["file", "width", "height", "score", "threshold", "anomalous", "area_fraction"]
    wanted += [*steps, "map", "mask", "overlay", "model", "seed", "seconds", "error"]
    assert [c for c in row if c in wanted] == wanted
    assert (row["width"], row["height"], row["error"]) == ("48", "40", "")
    assert row["map"] == "maps/deep/part.png" and row["overlay"] == "overlays/deep/part.png"
    assert float(row["score"]) == pytest.approx(found.score, abs=1e-5)
    assert row["anomalous"] == "True"
    assert float(row[steps[0]]) == pytest.approx(found.scales[0].mean, abs=1e-5)
    code = np.asarray(Image.open(out / "maps" / "deep" / "part.png")).astype(float)
    low, high = float(row["map_min"]), float(row["map_max"])
    np.testing.assert_allclose(
        low + (high - low) * code / 65535, found.score_map, atol=(high - low) / 65535
    )
    mask = np.asarray(Image.open(out / "masks" / "deep" / "part.png"))
    np.testing.assert_array_equal(mask, found.mask() * np.uint8(255))
    shown = load_image(out / "overlays" / "deep" / "part.png").pixels
    assert shown.shape == image.shape
    assert (shown[found.mask()] != image[found.mask()]).any()


def test_a_bad_file_is_a_row_and_the_rest_is_scored(tiny_detector, tmp_path):
    bad = tmp_path / "=cmd|' !A0.png"
    bad.write_bytes(b"no image")
    good = write(tmp_path / "good.png")
    planned = plan_outputs([bad, good])
    seen = []
    errors = score_files(
        tiny_detector,
        planned,
        tmp_path / "out",
        max_pixels=10**6,
        report=lambda name, done, total: seen.append((done, total)),
    )
    assert len(errors) == 1 and "not an image" in errors[0]
    first, second = rows_of(tmp_path / "out")
    assert first["error"] == errors[0] and first["score"] == ""
    assert second["error"] == "" and float(second["score"]) > -10
    assert seen == [(1, 2), (2, 2)]
    assert not list((tmp_path / "out").rglob("*.part*"))


def test_names_that_a_spreadsheet_would_run_are_defused(tiny_detector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("=1+1.png").write_bytes(b"no image")
    score_files(tiny_detector, plan_outputs([Path("=1+1.png")]), Path("out"), max_pixels=10**6)
    (row,) = rows_of(tmp_path / "out")
    assert row["file"] == "./=1+1.png"
    Path("-5.png").write_bytes(write(tmp_path / "any.png").read_bytes())
    Path("@cam.png").write_bytes(Path("-5.png").read_bytes())
    named = [Path("-5.png"), Path("@cam.png")]
    score_files(tiny_detector, plan_outputs(named), Path("out"), max_pixels=10**6)
    for row, path in zip(rows_of(tmp_path / "out"), named, strict=True):
        assert Path(row["file"]) == path and row["file"].startswith("./")
        assert row["mask"] == f"masks/{path.name}" and (tmp_path / "out" / row["mask"]).is_file()


def test_each_row_names_its_own_files(tiny_detector, tmp_path):
    """Of names that differ in suffix, capitals or normal form alone; none if none was written."""
    names = ("A/001.jpg", "A/001.png", "A/001.png.png", "A/X.bmp", "A/x.png", "A/é.png", "裂纹.png")
    for i, name in enumerate((*names, "A/e\u0301.png", "a/001.png")):
        rng = np.random.default_rng(i)
        write(tmp_path / "in" / name, texture(rng, 16 + i, 20))
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    (tmp_path / "in" / os.fsdecode(b"caf\xe9.png")).write_bytes(
        (tmp_path / "in" / "裂纹.png").read_bytes()
    )
    out = tmp_path / "out"
    planned = plan_outputs([tmp_path / "in"])
    score_files(tiny_detector, planned, out, max_pixels=10**6)
    rows = rows_of(out)
    assert len(rows) == 11
    for row, (file, _) in zip(rows, planned, strict=True):
        if row["error"]:
            assert [row[column] for column in ("map", "mask", "overlay")] == ["", "", ""]
            continue
        height, width = load_image(file).pixels.shape[:2]
        for column in ("map", "mask", "overlay"):
            with Image.open(out / row[column]) as picture:
                assert picture.size == (width, height)
    for column in ("map", "mask", "overlay"):
        told = [unicodedata.normalize("NFD", row[column].casefold()) for row in rows]
        assert len(set(told)) == len(rows) and all("\\" not in name for name in told)
    assert [p for p in planned if p[1].name == "caf%E9"]


def test_without_pictures_no_file_is_named(tiny_detector, tmp_path):
    file = write(tmp_path / "a.png")
    row = score_file(tiny_detector, file, PurePosixPath("a"), None, max_pixels=10**6)
    assert "score" in row and not {"map", "mask", "overlay"} & set(row)


def test_a_kill_leaves_nothing_half_written(tiny_checkpoint, tmp_path):
    for index in range(60):
        write(tmp_path / "in" / f"{index}.png", texture(np.random.default_rng(index), 200, 220))
    out = tmp_path / "out"
    process = subprocess.Popen(
        [sys.executable, "-m", "ddad", "score", tmp_path / "in", "--out", out]
        + ["--checkpoint", tiny_checkpoint],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 90
    while len(list(out.glob("overlays/[!.]*.png"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "scores.csv").exists()
    pictures = [p for p in out.rglob("*.png") if not p.name.startswith(".")]
    assert len(pictures) >= 9
    for picture in pictures:
        with Image.open(picture) as image:
            image.load()


def test_side_by_side_keeps_the_order_and_hands_on_errors():
    threads = torch.get_num_threads()
    slow_first = lambda i: time.sleep(0.02 * (i % 3 == 0)) or i  # noqa: E731
    assert list(side_by_side(slow_first, range(20))) == list(range(20))
    one_thread = side_by_side(lambda i: torch.get_num_threads(), range(4))
    assert set(one_thread) == {1}
    with pytest.raises(ZeroDivisionError):
        list(side_by_side(lambda i: 1 / (i - 5), range(10)))
    begun = []
    some = side_by_side(begun.append, range(1000))
    next(some)
    some.close()
    assert len(begun) < 10  # the rest is dropped
    assert torch.get_num_threads() == threads


def test_what_passes_meanwhile_is_no_error_and_rows_keep_their_order(tiny_detector, tmp_path):
    """maps/b cannot be made for a second; c.png is written while the run is under way."""
    out, whole = tmp_path / "out", write(tmp_path / "whole.png")
    files = [write(tmp_path / "in" / name) for name in ("a/x.png", "b/x.png", "c.png", "d.png")]
    files[2].write_bytes(whole.read_bytes()[:500])
    files[3].write_bytes(b"damaged")
    os.utime(files[3], (1e9, 1e9))
    (out / "maps").mkdir(parents=True)
    (out / "maps" / "b").touch()

    def pass_by():
        (out / "maps" / "b").unlink()
        files[2].write_bytes(whole.read_bytes())

    later = threading.Timer(1.0, pass_by)
    later.start()
    errors = score_files(tiny_detector, plan_outputs([tmp_path / "in"]), out, max_pixels=10**6)
    later.join()
    found = rows_of(out)
    assert [row["file"] for row in found] == [str(file) for file in files]
    assert [bool(row["error"]) for row in found] == [False, False, False, True]
    assert errors == [found[3]["error"]] and found[1]["score"] and found[2]["score"]
    assert (out / "maps" / "b" / "x.png").exists() and (out / "maps" / "c.png").exists()


def test_what_does_not_pass_is_a_row_and_the_run_ends(tiny_detector, tmp_path, monkeypatch):
    monkeypatch.setattr(attempts, "PAUSES", (0.01, 0.01))
    write(tmp_path / "in" / "a" / "x.png")
    write(tmp_path / "in" / "b.png")
    out = tmp_path / "out"
    (out / "maps").mkdir(parents=True)
    (out / "maps" / "a").touch()
    planned = plan_outputs([tmp_path / "in"])
    (error,) = score_files(tiny_detector, planned, out, max_pixels=10**6)
    assert error.startswith(f"{out} cannot be written: ")
    assert [row["error"] for row in rows_of(out)] == [error, ""]


def test_an_exception_in_one_image_is_its_row(tiny_detector, tmp_path):
    class Failing:
        """The detector, but for an image that some kernel does not like."""

        def __getattr__(self, name):
            return getattr(tiny_detector, name)

        def detect(self, images):
            if images[0].shape[0] == 41:
                return torch.zeros(2, 3) @ torch.zeros(2, 3)
            return tiny_detector.detect(images)

    for name, height in (("a", 40), ("b", 41), ("c", 42)):
        write(tmp_path / f"{name}.png", texture(np.random.default_rng(0), height, 48))
    planned = plan_outputs([tmp_path])
    (error,) = score_files(Failing(), planned, tmp_path / "out", max_pixels=10**6)
    assert error.startswith(f"{tmp_path}/b.png cannot be worked on: RuntimeError: ")
    assert [row["error"] for row in rows_of(tmp_path / "out")] == ["", error, ""]
    row = score_file(Failing(), *planned[1], None, max_pixels=10**6)
    assert row["error"] == error and "again" not in row


def test_a_disk_that_is_full_for_a_moment_loses_no_row(tiny_checkpoint, tmp_path):
    """No file may grow beyond what ten rows take, then the limit is off."""
    for i in range(30):
        write(tmp_path / "in" / f"{i:02}.png", texture(np.random.default_rng(i), 24, 24))
    out, none = tmp_path / "out", resource.RLIM_INFINITY
    command = [sys.executable, "-m", "ddad", "score", str(tmp_path / "in"), "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--checkpoint", str(tiny_checkpoint)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4000, none)),
    )
    table = out / "scores.csv.partial"
    deadline = time.monotonic() + 90
    while not (table.exists() and table.stat().st_size > 3000) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.7)
    lines = table.read_bytes()
    assert len(lines) <= 4000 and lines.endswith(b"\n")  # no half row, though there was some room
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (none, none))
    _, said = process.communicate(timeout=90)
    assert process.returncode == 0, said
    names = [os.path.basename(row["file"]) for row in rows_of(out)]
    assert names == [f"{i:02}.png" for i in range(30)]


def test_names_that_are_no_unicode_are_scored_and_told_in_any_locale(tiny_checkpoint, tmp_path):
    for raw in (b"caf\xe9.png", b"\xff.png", b"two\nlines.png"):
        write(tmp_path / "in" / os.fsdecode(raw))
    (tmp_path / "in" / os.fsdecode(b"bad\xfc.png")).write_bytes(b"damaged")
    out = tmp_path / os.fsdecode(b"out\xe4")
    command = [sys.executable, "-m", "ddad", "score", tmp_path / "in", "--out", out]
    done = subprocess.run(
        [*command, "--checkpoint", tiny_checkpoint],
        cwd=ROOT,
        env=os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert "3 of 4 images scored" in done.stdout and r"bad\udcfc.png" in done.stderr
    assert len(rows_of(out)) == 4 and len(list((out / "maps").iterdir())) == 3
