"""The graph says what the model says, in an interpreter that has no torch."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import ROOT
from PIL import Image

from ddad import Detector, load_image
from ddad.export import runner
from ddad.export.graph import FeatureGraph, write

EXAMPLES = sorted((ROOT / "checkpoints" / "cookie" / "examples").glob("*[!k].png"))
ALONE = (
    "import runpy, sys\n"
    "sys.modules['torch'] = sys.modules['ddad'] = None  # importing them now fails\n"
    "sys.argv = sys.argv[1:]\n"
    "runpy.run_path(sys.argv[0], run_name='__main__')\n"
)


@pytest.fixture(scope="module")
def cookie():
    return Detector.load("cookie")


@pytest.fixture(scope="module")
def written(cookie, tmp_path_factory):
    out = tmp_path_factory.mktemp("graph")
    write(cookie, load_image(EXAMPLES[0]).pixels.shape, out)
    return out


def test_it_equals_torch_to_a_thousandth(cookie, written):
    """In float32, which the graph is in."""
    pixels = [load_image(file).pixels for file in EXAMPLES]
    graph, model = FeatureGraph(cookie, pixels[0].shape).eval(), runner.Model(written)
    for each in pixels:
        levels = runner.resized(each, graph.size)
        with torch.no_grad():
            torch_said = graph(torch.from_numpy(levels))
        onnx_said = model.session.run(None, {"levels": levels})
        for mine, its in zip(torch_said, onnx_said, strict=True):
            np.testing.assert_allclose(its, mine.numpy(), atol=1e-3, rtol=1e-5)


def test_a_photograph_is_judged_as_the_detector_judges_it(cookie, written, single_precision):
    """But for a grey level here and there, which Pillow rounds another way than torch."""
    model = runner.Model(written)
    for file in EXAMPLES:
        pixels = load_image(file).pixels
        (wanted,), found = cookie.detect([pixels]), model(pixels)
        assert abs(found.score - wanted.score) < 0.02
        assert np.abs(found.score_map - wanted.score_map).max() < 0.05
        assert found.familiar == wanted.familiar
        assert (found.score > model.about["threshold"]) == wanted.anomalous


def test_it_scores_where_there_is_no_torch_and_none_of_this_package(cookie, written, tmp_path):
    small = tmp_path / "small.png"
    Image.new("RGB", (40, 30)).save(small)
    command = [sys.executable, "-c", ALONE, str(written / "score.py"), *map(str, EXAMPLES)]
    command += [str(small), "--masks", str(tmp_path / "masks")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "the graph is of photographs of" in done.stderr, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == [*map(str, EXAMPLES)]
    for row in rows:
        (wanted,) = cookie.detect([load_image(row[0]).pixels])
        good = not wanted.anomalous
        assert row[2] == ("good" if good else "defective")
        mask = np.asarray(Image.open(tmp_path / "masks" / row[0].rpartition("/")[2]))
        assert set(np.unique(mask)) == ({0} if good else {0, 255})


def test_the_threshold_is_beside_the_graph(cookie, written):
    about = json.loads((written / "model.json").read_text())
    assert about["threshold"] == cookie.calibration.threshold
    assert about["fingerprint"] == cookie.fingerprint
    command = [sys.executable, str(written / "score.py"), str(EXAMPLES[1]), "--threshold", "1e9"]
    assert "good" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_two_photographs_of_one_name_do_not_share_a_mask(written, tmp_path):
    other = tmp_path / EXAMPLES[0].name
    other.write_bytes(EXAMPLES[1].read_bytes())
    command = [sys.executable, str(written / "score.py"), str(EXAMPLES[0]), str(other)]
    done = subprocess.run(
        [*command, "--masks", str(tmp_path / "m")], capture_output=True, text=True
    )
    assert done.returncode == 2 and "one name" in done.stderr and not (tmp_path / "m").exists()


def test_what_no_graph_can_be_made_of_is_said(cookie, tmp_path):
    shape = load_image(EXAMPLES[0]).pixels.shape
    mixed = cookie.with_config(replace(cookie.config, pixel_weight=0.2))
    with pytest.raises(ValueError, match="cookie@fast"):
        write(mixed, shape, tmp_path)
    blurred = replace(cookie, config=replace(cookie.config, feature_blur=1.0))
    with pytest.raises(ValueError, match="does not smooth"):
        write(blurred, shape, tmp_path)
    assert not list(tmp_path.iterdir())


def test_making_a_graph_changes_nothing_of_the_detector(cookie):
    """What it keeps is not what a tracing saw."""
    fresh, pixels = Detector.load("cookie"), load_image(EXAMPLES[1]).pixels
    FeatureGraph(fresh, pixels.shape)
    assert re.fullmatch("torch.float32", str(fresh.features.mixture.rotated.dtype))
    (before,), (after,) = cookie.detect([pixels]), fresh.detect([pixels])
    np.testing.assert_array_equal(before.score_map, after.score_map)
