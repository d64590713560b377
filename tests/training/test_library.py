"""The library as a researcher uses it: the README's lines run as they are written."""

from __future__ import annotations

import re

import numpy as np
import pytest
from parts import ROOT, spoil, texture
from PIL import Image

from ddad import Detector, fit
from ddad.diffusion.extractor import Extractor
from ddad.measure import evaluate_images
from ddad.score.config import ScoreConfig

SMALL = ScoreConfig(feature_size=64)


@pytest.fixture(scope="module")
def parts():
    rng = np.random.default_rng(0)
    good = [texture(rng, 64, 64) for _ in range(16)]
    return good, [spoil(texture(rng, 64, 64), rng) for _ in range(4)]


@pytest.fixture(scope="module")
def model(parts, tiny_backbone):
    return fit(parts[0][:12], extractor=Extractor.load(tiny_backbone), config=SMALL, seed=3)


def test_a_fitted_model_is_calibrated_and_says_what_it_was_asked(parts, model, tmp_path):
    good, bad = parts
    assert model.calibration.n == 12 and model.calibration.cross_fitted
    scores = [found.score for found in model.detect([*good[12:], *(image for image, _ in bad)])]
    assert max(scores[:4]) < min(scores[4:])
    model.save(tmp_path / "mine")
    again = Detector.load(tmp_path / "mine")
    assert [found.score for found in again.detect(good[12:])] == scores[:4]


def test_the_same_images_in_another_layout_make_the_same_model(parts, model, tiny_backbone):
    first = np.stack(parts[0][:12]).transpose(0, 3, 1, 2).astype(np.float32) / 255
    extractor = Extractor.load(tiny_backbone)
    assert fit(first, extractor=extractor, config=SMALL, seed=3).fingerprint == model.fingerprint


def test_parts_are_not_torn_apart_and_progress_is_told(parts, tiny_backbone):
    names, seen = [str(index // 2) for index in range(12)], []
    model = fit(
        parts[0][:12],
        parts=names,
        extractor=Extractor.load(tiny_backbone),
        config=SMALL,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert len(set(model.calibration.parts)) == 6
    assert seen == [(done, 24) for done in range(1, 25)]


def test_evaluation_of_arrays(parts, model):
    good, bad = parts
    images = [*good[12:], *(image for image, _ in bad)]
    masks = [None, None, np.zeros((64, 64), bool), None, *(255 * mask for _, mask in bad)]
    found = evaluate_images(model, images, masks)
    assert found["image_auroc"] == 1 and (found["n_good"], found["n_defective"]) == (4, 4)
    assert found["at_threshold"]["threshold"] == model.calibration.threshold
    assert {"missed", "false_alarms"} == set(found["rates"])
    with pytest.raises(ValueError, match="the map is"):
        evaluate_images(model, [good[0]], [np.ones((3, 3))])
    with pytest.raises(ValueError, match="shorter"):
        evaluate_images(model, good[:2], [None])


def test_what_cannot_be_fitted_to_is_a_sentence():
    with pytest.raises(ValueError, match="at least one image"):
        fit([])
    with pytest.raises(ValueError, match="an image is uint8"):
        fit([np.zeros((4, 4, 7))])


def test_the_readme_runs_as_it_is_written(parts, tmp_path, monkeypatch):
    readme = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from pathlib.+?)```", readme, re.DOTALL)
    assert len([line for line in code.splitlines() if line]) <= 12
    (tmp_path / "good").mkdir()
    for number, image in enumerate(parts[0]):
        Image.fromarray(image).save(tmp_path / "good" / f"{number}.png")
    bad, mask = parts[1][0]
    Image.fromarray(bad).save(tmp_path / "part.png")
    monkeypatch.chdir(tmp_path)
    names = {"more_good": parts[0], "images": [parts[0][0], bad], "masks": [None, mask]}
    exec(compile(code, "README.md", "exec"), names)
    assert names["found"].anomalous and (tmp_path / "mine" / "ddad.json").exists()
