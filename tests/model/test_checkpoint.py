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
from ddad.images.geometry import to_model
from ddad.model.checkpoint import BUNDLED, CheckpointError, find_checkpoint, list_checkpoints
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel, sample_tokens


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
    (tokens,) = sample_tokens(extractor, [to_model(images[0], (64, 64))], 64, 0)
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
