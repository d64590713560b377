from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from parts import texture

from ddad.cli import main
from ddad.diffusion.networks import predict_features
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.noise import scale_noise


@pytest.fixture(scope="module")
def headed(tree, tiny_backbone, tmp_path_factory):
    """A model whose U-Net was trained with the paper's head, by the command line."""
    out = tmp_path_factory.mktemp("headed") / "model"
    command = ["train", str(tree), "--out", str(out), "--preset", "tiny", "--steps", "60"]
    command += ["--size", "64", "--features", "0.5", "--head-weight", "0.4"]
    features = ["--extractor", str(tiny_backbone), "--feature-size", "64", "--pixel-weight", "0.2"]
    assert main([*command, *features]) == 0
    return Detector.load(out)


def test_the_head_is_a_branch_of_the_score_and_lasts_in_the_checkpoint(headed):
    assert headed.weights == pytest.approx({"pixel": 0.2, "head": 0.4, "feature": 0.4})
    assert len(headed.head.mean) == 36
    (found,) = headed.detect([texture(np.random.default_rng(0))])
    branches = [scale.branch for scale in found.scales]
    assert branches.count("head") == len(headed.config.timesteps)
    assert sum(scale.weight for scale in found.scales) == pytest.approx(1)


def test_its_map_is_the_squared_error_of_the_predicted_features(headed):
    image = texture(np.random.default_rng(0))
    config = replace(headed.config, draws=1, feature_blur=0.0)
    (raw,) = headed.with_config(config).maps([image])
    from ddad.images.geometry import to_model

    x0 = to_model(image, headed.shape("pixel", image))[None]
    t = torch.tensor([config.timesteps[1]])
    x_t = headed.scheduler.q_sample(x0, t, scale_noise(config, int(t), x0.shape[1:]))
    with torch.inference_mode():
        wanted = headed.features.extractor(x0)
        _, found = predict_features(headed.unet, headed.head, x_t, t, tuple(wanted.shape[2:]))
        found = found * headed.head.scale + headed.head.mean[:, None, None]
    error = ((found - wanted) / headed.head.scale).square().mean(1)[0]
    np.testing.assert_allclose(raw["head"][1], error, rtol=1e-3, atol=1e-4)


def test_its_loss_falls_and_without_weight_it_is_no_branch(headed):
    plain = headed.with_config(replace(headed.config, head_weight=0.0, pixel_weight=0.0))
    assert plain.weights == {"feature": 1.0} and plain.head is not None
    with pytest.raises(ValueError, match="together"):
        ScoreConfig(pixel_weight=0.7, head_weight=0.7)
