"""Shared fixtures: a generated MVTec-shaped tree and a tiny detector trained on it for real."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from parts import ROOT, spoil, texture
from PIL import Image

# Workers of one run share the processor.
_THREADS = max(2 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)), 1)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", _THREADS)))


@pytest.fixture(scope="session")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """train/good (24), test/good (6), test/square (6) with masks; images of 48 x 40 pixels."""
    root, rng = tmp_path_factory.mktemp("data") / "stripes", np.random.default_rng(0)

    def write(pixels: np.ndarray, *parts: str) -> None:
        path = root.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)

    for i in range(24):
        write(texture(rng), "train", "good", f"{i:03}.png")
    for i in range(6):
        write(texture(rng), "test", "good", f"{i:03}.png")
        image, mask = spoil(texture(rng), rng)
        write(image, "test", "square", f"{i:03}.png")
        write(mask.astype(np.uint8) * 255, "ground_truth", "square", f"{i:03}_mask.png")
    return root


@pytest.fixture(scope="session")
def tiny_backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small ResNet of random weights, as a directory that transformers reads."""
    from transformers import ResNetBackbone, ResNetConfig

    torch.manual_seed(0)
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 12, 16], "depths": [1, 1, 1]}
    path = tmp_path_factory.mktemp("backbones") / "tiny"
    ResNetBackbone(ResNetConfig(layer_type="basic", **sizes)).save_pretrained(path)
    return path


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tree: Path, tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A checkpoint of both branches, trained by the command line with the `tiny` preset."""
    from ddad.cli import main
    from ddad.score.calibration import Calibration

    out = tmp_path_factory.mktemp("checkpoints") / "stripes"
    command = ["train", str(tree), "--out", str(out), "--preset", "tiny"]
    features = ["--extractor", str(tiny_backbone), "--feature-size", "64", "--pixel-weight", "0.7"]
    assert main([*command, *features]) == 0
    # Parts of 40 x 48 pixels leave three cells of features: a defect is strange nearly all over.
    # So strange begins beyond defects, and well below what pictures of another scale show.
    calibration = out / "calibration.json"
    fitted = Calibration.from_json(calibration.read_text("utf-8"))
    calibration.write_text(replace(fitted, strange=8.0).to_json(), "utf-8")
    return out


@pytest.fixture(scope="session")
def tiny_detector(tiny_checkpoint: Path):
    from ddad.model.detector import Detector

    return Detector.load(tiny_checkpoint)


@pytest.fixture
def single_precision(monkeypatch):
    """float32 on any processor: the tests' small network tells too little apart for less."""
    monkeypatch.setattr("ddad.diffusion.extractor.fast_dtype", lambda device: None)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real defect sets; a machine without them skips, except in CI, where that is a failure."""
    root = Path(os.environ.get("DDAD_DATA", ROOT.parent / "shared" / "data"))
    if not root.is_dir():
        message = f"no data sets at {root}: set DDAD_DATA"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return root


@pytest.fixture(scope="module")  # an open one keeps an event loop running in this thread
def browser():
    """Chromium; a machine without it skips, except in CI, where that is a failure."""
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: install Debian's package chromium")
        pytest.skip("no Chromium on this machine")
    with playwright.sync_playwright() as engine:
        film = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox", *film])
        yield browser
        browser.close()
