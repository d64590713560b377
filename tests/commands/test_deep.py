"""Deep pictures from the command line: one range from training to every score, and it is said."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from drawing import tiff
from parts import texture

from ddad.cli import main
from ddad.images.levels import Levels
from ddad.model.checkpoint import CheckpointError
from ddad.model.detector import Detector


def write(path, scale, pixels):
    """A part as a camera of 12 bits sees it, in 16 bits that declare no depth."""
    path.parent.mkdir(parents=True, exist_ok=True)
    grey = pixels.mean(axis=2) / 255
    path.write_bytes(tiff((grey * scale).astype(np.uint16), photometric="minisblack"))


@pytest.fixture(scope="module")
def camera(tmp_path_factory, tiny_backbone):
    """good/ (8) of a 12-bit camera, and a model of them."""
    root, rng = tmp_path_factory.mktemp("camera"), np.random.default_rng(0)
    for index in range(8):
        write(root / "data" / "good" / f"{index}.tif", 4095, texture(rng))
    (root / "data" / "good" / "phone.heic").write_bytes(b"x")
    command = ["train", str(root / "data"), "--out", str(root / "model"), "--branch", "feature"]
    assert main([*command, "--extractor", str(tiny_backbone), "--feature-size", "64"]) == 0
    return root


def test_check_and_train_say_how_deep_pictures_are_read(camera, tiny_backbone, tmp_path, capfd):
    data = str(camera / "data")
    train = [
        "train",
        data,
        "--out",
        str(tmp_path / "m"),
        "--extractor",
        str(tiny_backbone),
        "--branch",
        "feature",
    ]
    for command in (["check", data], [*train, "--feature-size", "64"]):
        assert main(command) == 0
        said = capfd.readouterr().out
        assert "8 of 8 pictures declare no depth: only 0..4095 of 65535 is used" in said
        assert "passed over: 1 .heic" in said


def test_the_range_is_the_model_s_and_goes_with_it(camera, tmp_path):
    detector = Detector.load(camera / "model")
    assert detector.levels == Levels(4095.0)
    stored = json.loads((camera / "model" / "ddad.json").read_text())
    assert stored["levels"] == {"white": 4095.0}
    detector.with_config(detector.config).save(tmp_path / "copy")
    assert Detector.load(tmp_path / "copy").levels == detector.levels
    stored["levels"] = {"white": "bright"}
    (tmp_path / "copy" / "ddad.json").write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match="white level"):
        Detector.load(tmp_path / "copy")
    del stored["levels"]
    (tmp_path / "copy" / "ddad.json").write_text(json.dumps(stored))
    assert Detector.load(tmp_path / "copy").levels == Levels()


def test_a_dark_photograph_stays_dark_where_the_model_scores_it(camera, tmp_path):
    part = texture(np.random.default_rng(3))
    write(tmp_path / "in" / "lit.tif", 4095, part)
    write(tmp_path / "in" / "dark.tif", 900, part)
    write(tmp_path / "in" / "other.tif", 65535, part)
    out, model = tmp_path / "out", str(camera / "model")
    assert main(["score", str(tmp_path / "in"), "--checkpoint", model, "--out", str(out)]) == 1
    with (out / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["file"].rpartition("/")[2]: row for row in csv.DictReader(file)}
    assert "4096 levels, 12 bits" in rows["lit.tif"]["note"]
    assert rows["dark.tif"]["score"] != rows["lit.tif"]["score"] and rows["dark.tif"]["note"]
    assert "the model's range" in rows["other.tif"]["error"]


def test_a_model_of_8_bits_refuses_what_it_has_no_range_for(camera, tmp_path):
    plain = replace(Detector.load(camera / "model"), levels=Levels())
    plain.save(tmp_path / "plain")
    assert "levels" not in json.loads((tmp_path / "plain" / "ddad.json").read_text())
    out = tmp_path / "out"
    command = ["score", str(camera / "data"), "--checkpoint", str(tmp_path / "plain")]
    assert main([*command, "--out", str(out)]) == 1
    with (out / "scores.csv").open(encoding="utf-8-sig", newline="") as file:
        errors = [row["error"] for row in csv.DictReader(file)]
    assert len(errors) == 8 and all("declares no depth" in error for error in errors)


def test_pictures_of_two_cameras_are_not_trained_on(camera, tiny_backbone, tmp_path, capfd):
    rng = np.random.default_rng(1)
    for index in range(5):
        write(tmp_path / "data" / f"{index}.tif", 1023, texture(rng))
    write(tmp_path / "data" / "other.tif", 65535, texture(rng))
    out = ["--out", str(tmp_path / "m"), "--extractor", str(tiny_backbone)]
    assert main(["train", str(tmp_path / "data"), *out]) == 2
    assert "other.tif has values up to 65535" in capfd.readouterr().err
    assert main(["check", str(tmp_path / "data")]) == 0
    assert "other.tif has values up to 65535" in capfd.readouterr().out
