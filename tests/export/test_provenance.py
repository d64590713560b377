from __future__ import annotations

import csv
import io
import json
import shlex
import zipfile

import numpy as np
import pytest
import tifffile
from parts import spoil, texture
from reviewing import opened

import ddad
from ddad.cli import main
from ddad.export.bundle import write_zip
from ddad.export.reviewed import Reviewed


def test_run_json_makes_the_maps_again(tmp_path, tiny_detector, tiny_checkpoint, monkeypatch):
    rng = np.random.default_rng(5)
    image, _ = spoil(texture(rng), rng)
    (found,) = tiny_detector.detect([image])
    threshold = found.score - 2
    one = Reviewed(
        *("part.png", image, found.mask(threshold), found.score_map, found.score, threshold),
        model=tiny_detector.name,
        fingerprint=tiny_detector.fingerprint,
        seed=tiny_detector.config.seed,
    )
    write_zip([one], ["coco", "masks", "maps"], tmp_path / "r.zip")
    with zipfile.ZipFile(tmp_path / "r.zip") as archive:
        archive.extractall(tmp_path / "r")
    run = json.loads((tmp_path / "r" / "run.json").read_text())
    (command,) = run["commands"]
    words = [tiny_checkpoint if w == tiny_detector.name else w for w in shlex.split(command)]
    assert words[:3] == ["python", "-m", "ddad"]
    monkeypatch.chdir(tmp_path / "r")
    assert main([str(word) for word in words[3:]]) == 0
    scores = (tmp_path / "r" / "again" / "scores.csv").read_text(encoding="utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(scores))
    facts = run["images"][0]
    assert float(row["score"]) == pytest.approx(facts["score"], abs=1e-4)
    kept = tifffile.imread(tmp_path / "r" / "maps" / "part.tiff")
    again = opened((tmp_path / "r" / "again" / "maps" / "part.png").read_bytes()) / 65535
    low, high = float(row["map_min"]), float(row["map_max"])
    half_a_code = (high - low) / 65535 / 2
    assert np.abs(low + (high - low) * again - kept).max() < half_a_code + 1e-4
    mask = opened((tmp_path / "r" / "masks" / "part.png").read_bytes()) > 0
    assert np.array_equal(kept > np.float32(facts["threshold"]), mask)
    assert run["versions"]["numpy"] == np.__version__ and ddad.__version__ in run["program"]
