from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from diffusers import DDPMPipeline
from parts import texture

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.scheduler import linear_chain
from ddad.model.checkpoint import (
    BUNDLED,
    CheckpointError,
    find_checkpoint,
    list_checkpoints,
    read_calibration,
)
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, sample_tokens
from ddad.score.look import Look
from ddad.training.fit import Vectors


@pytest.fixture
def images():
    return [texture(np.random.default_rng(5))]


def test_diffusers_opens_and_samples_a_checkpoint(tiny_checkpoint):
    pipeline = DDPMPipeline.from_pretrained(tiny_checkpoint, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    sample = pipeline(
        num_inference_steps=4, output_type="np", generator=torch.Generator().manual_seed(0)
    ).images
    assert sample.shape[0] == 1 and sample.shape[-1] == 3
    assert 0 <= sample.min() < sample.max() <= 1


def test_save_and_load_keep_everything(tiny_detector, tmp_path, images):
    tiny_detector.save(tmp_path / "copy")
    copy = Detector.load(tmp_path / "copy")
    assert copy.config == tiny_detector.config
    assert copy.calibration == tiny_detector.calibration
    assert copy.training == tiny_detector.training
    (here,), (there,) = tiny_detector.detect(images[:1]), copy.detect(images[:1])
    np.testing.assert_array_equal(here.score_map, there.score_map)
    assert not list((tmp_path / "copy").glob(".saving-*"))
    files = {f.suffix for f in (tmp_path / "copy").rglob("*") if f.is_file()}
    assert files <= {".json", ".safetensors"}
    written = (tmp_path / "copy" / "unet" / "config.json").read_text()
    assert "_name_or_path" not in written  # a folder of the machine that made it


def test_calibration_of_other_settings_is_refused(tiny_checkpoint, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    meta = json.loads((folder / "ddad.json").read_text())
    meta["score"]["blur"] = 5.0
    (folder / "ddad.json").write_text(json.dumps(meta))
    with pytest.raises(CheckpointError, match="other weights or settings"):
        Detector.load(folder)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("ddad.json", "{", "damaged"),
        ("ddad.json", '{"format": 99}', "format 99"),
        ("ddad.json", "[]", "format None"),
        ("calibration.json", "{}", "exactly the fields"),
        ("unet/config.json", "{}", "damaged"),
        ("unet/diffusion_pytorch_model.safetensors", "junk", "damaged"),
        ("features/mixture.safetensors", "junk", "damaged"),
        ("features/extractor/config.json", "{}", "cannot be opened"),
        ("scheduler/scheduler_config.json", '{"variance_type": "fixed_small"}', "learned_range"),
    ],
)
def test_damaged_checkpoints_say_so_in_one_line(tiny_checkpoint, tmp_path, file, content, sentence):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    (folder / file).write_text(content)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        Detector.load(folder)
    assert "\n" not in str(caught.value)


def test_a_setting_of_the_wrong_kind_is_said_in_our_words(tiny_checkpoint, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(tiny_checkpoint, folder)
    meta = json.loads((folder / "ddad.json").read_text())
    meta["score"]["size"] = None
    (folder / "ddad.json").write_text(json.dumps(meta))
    with pytest.raises(CheckpointError, match="damaged: a setting .* of the wrong kind$"):
        Detector.load(folder)


def test_unknown_names_list_the_shipped_models(tmp_path):
    for name in ("no-such-model", "../../etc", tmp_path):
        with pytest.raises(CheckpointError, match="no checkpoint"):
            find_checkpoint(name)


def test_shipped_models_load_and_fit_their_limits():
    names = list_checkpoints()
    assert len(names) >= 2
    for name in names:
        detector = Detector.load(name)
        assert detector.calibration.n > 0
        assert detector.card
        folder = find_checkpoint(name)
        weights = sum(f.stat().st_size for f in folder.rglob("*.safetensors"))
        assert weights <= 15e6


def test_the_bundled_extractor_is_named_by_its_digest(tmp_path, images):
    folder = tmp_path / "model"
    extractor = Extractor.load(BUNDLED)
    tokens = sample_tokens(Look(extractor, images[0], 64), 64, (0, 0))
    features = FeatureModel(extractor, NormalMixture.fit(tokens, 2))
    made = Detector(None, linear_chain(), ScoreConfig(feature_size=64), features=features)
    made.save(folder)
    assert not (folder / "features" / "extractor").exists()
    assert Detector.load(folder).fingerprint == made.fingerprint
    meta = json.loads((folder / "ddad.json").read_text())
    meta["bundled_extractor"] = "0" * 32
    (folder / "ddad.json").write_text(json.dumps(meta))
    with pytest.raises(CheckpointError, match="another version of the bundled extractor"):
        Detector.load(folder)


@pytest.fixture(scope="module")
def close(tmp_path_factory):
    """A model with two closer looks, calibrated, and its folder."""
    rng = np.random.default_rng(0)
    normals = [texture(rng, 200, 200) for _ in range(6)]
    config = ScoreConfig(feature_size=64).closer((128, 192))
    vectors = Vectors.of(normals, Extractor.load(BUNDLED), config)
    made = vectors.detector().calibrate(normals, target_fpr=0.2)
    folder = tmp_path_factory.mktemp("models") / "close"
    made.save(folder)
    return made, folder, texture(rng, 200, 200)


def test_a_model_with_closer_looks_is_opened_whole_or_faster(close):
    made, folder, pixels = close
    whole = Detector.load(folder)
    assert whole.fingerprint == made.fingerprint and whole.name == "close"
    for name, looks in (("close@fast", ()), ("close@1", (128,))):
        found = Detector.load(folder.with_name(name))
        assert found.name == name and found.config.looks == looks
        again = made.with_looks(len(looks))
        assert found.fingerprint == again.fingerprint == found.calibration.fingerprint
        assert found.detect([pixels])[0].score == again.detect([pixels])[0].score
        assert read_calibration(folder.with_name(name)) == found.calibration
        assert sum(found.weights.values()) == pytest.approx(1)
    for name in ("close@3", "close@9"):
        with pytest.raises(CheckpointError, match="closer look"):
            Detector.load(folder.with_name(name))
    with pytest.raises(CheckpointError):
        Detector.load(folder.with_name("close@slow"))


def test_its_steps_end_in_what_it_finds(close, monkeypatch):
    made, _, pixels = close
    monkeypatch.setattr("ddad.score.look.LARGEST", 1)
    monkeypatch.setattr("ddad.score.look.CORE", 8)
    *steps, last = made.detect_steps(pixels)
    (found,) = made.detect([pixels])
    np.testing.assert_array_equal(last.score_map, found.score_map)
    assert [step.branch for step in steps[:2]] == ["feature", "feature"]
    assert len([step for step in steps if step.branch == "feature_192"]) > 2, "a tile at a time"
    np.testing.assert_array_equal(steps[-1].map, found.scales[-1].map)


def test_whoever_stops_asking_cancels_the_rest(close, monkeypatch):
    made, _, pixels = close
    monkeypatch.setattr("ddad.score.look.LARGEST", 1)
    monkeypatch.setattr("ddad.score.look.CORE", 8)
    seen, described = [], Look.described
    monkeypatch.setattr(Look, "described", lambda look, t: seen.append(t) or described(look, t))
    steps = made.detect_steps(pixels)
    while next(steps).branch != "feature_192":
        pass
    steps.close()
    assert len(seen) < sum(len(look.tiles) for look in made.see(pixels)) - 3


def test_a_model_saved_over_another_leaves_nothing_of_it(close, tmp_path):
    made, _, _ = close
    made.save(tmp_path)
    made.with_looks(0).save(tmp_path)
    assert [file.name for file in tmp_path.glob("calibration*")] == ["calibration.json"]
    assert Detector.load(tmp_path).config.looks == ()
