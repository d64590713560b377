from __future__ import annotations

import csv
from pathlib import PurePosixPath

import numpy as np
from parts import spoil, texture
from PIL import Image

from ddad.export.render import difference
from ddad.score.config import RestoreConfig
from ddad.work.restore import FRAME, restore_files


def test_progress_rows_and_pictures_are_of_each_file_in_turn(tiny_detector, tmp_path):
    rng = np.random.default_rng(0)
    image, _ = spoil(texture(rng, 40, 600), rng)
    Image.fromarray(image).save(tmp_path / "part.png")
    (tmp_path / "bad.png").write_bytes(b"no image")
    planned = [(tmp_path / f"{name}.png", PurePosixPath("deep") / name) for name in ("bad", "part")]
    seen, out = [], tmp_path / "out"
    errors = restore_files(
        tiny_detector,
        planned,
        out,
        RestoreConfig(method="partial", evaluations=6),
        animation="gif",
        max_pixels=10**6,
        report=lambda name, done, total: seen.append((name, done, total)),
    )
    with (out / "restorations.csv").open(newline="", encoding="utf-8-sig") as file:
        failed, done = csv.DictReader(file)
    assert errors == [failed["error"]] and "not an image" in errors[0]
    assert (done["width"], done["height"], done["method"]) == ("600", "40", "partial")
    assert done["restored"] == str(float(done["score_after"]) <= float(done["threshold"]))
    shares = [share for _, share, _ in seen]
    assert seen[0] == ("bad.png", 100, 200) and seen[-1] == ("part.png", 200, 200)
    assert shares == sorted(shares) and len(set(shares)) > 3
    columns = ("picture", "difference", "animation")
    assert [failed[column] for column in columns] == ["", "", ""]
    assert [done[column] for column in columns] == [
        *("restored/deep/part.png", "differences/deep/part.png", "animations/deep/part.gif"),
    ]
    result = np.asarray(Image.open(out / "restored" / "deep" / "part.png"))
    assert result.shape == image.shape and (result != image).any()
    shown = np.asarray(Image.open(out / "differences" / "deep" / "part.png"))
    assert np.array_equal(shown, difference(image, result))
    with Image.open(out / "animations" / "deep" / "part.gif") as animation:
        assert animation.size == (FRAME, 34) and animation.n_frames > 1
