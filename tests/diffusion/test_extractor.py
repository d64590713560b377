from __future__ import annotations

import copy
import os

import numpy as np
import pytest
import torch
from parts import ROOT, spoil, texture

from ddad.diffusion.extractor import Extractor


@pytest.fixture(scope="module")
def extractor(tiny_backbone):
    return Extractor.load(tiny_backbone)


@pytest.fixture
def image():
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_features_of_all_stages_lie_on_one_grid(extractor, image):
    assert [s.shape for s in extractor.stages(image)] == [
        (1, 8, 16, 24),
        (1, 12, 8, 12),
        (1, 16, 4, 6),
    ]
    assert extractor(image).shape == (1, 36, 8, 12)


def test_stages_are_those_of_the_backbone(tiny_backbone, extractor, image):
    """Against transformers' own model with its own preprocessing constants."""
    from transformers import ResNetBackbone

    model = ResNetBackbone.from_pretrained(tiny_backbone).eval()
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = ((image + 1) / 2 - mean[:, None, None]) / std[:, None, None]
    with torch.no_grad():
        expected = model(x, output_hidden_states=True).hidden_states[1:]
        found = extractor.stages(image)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other)


def test_features_move_with_the_image(extractor):
    """Shifting by one stride of 16 shifts the grid by two cells, but for the mirrored border."""
    wide = torch.rand(1, 3, 96, 336, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        left, right = extractor(wide[..., :320]), extractor(wide[..., 16:])
    torch.testing.assert_close(
        left[..., 2:][..., 14:-14], right[..., :-2][..., 14:-14], atol=1e-4, rtol=1e-4
    )


def test_save_and_load_keep_weights_and_constants(extractor, image, tmp_path):
    extractor.save(tmp_path / "copy")
    copy = Extractor.load(tmp_path / "copy")
    assert copy.digest == extractor.digest
    assert (copy.mean, copy.std) == (extractor.mean, extractor.std)
    torch.testing.assert_close(copy(image), extractor(image), rtol=0, atol=0)
    other = Extractor(copy.model, "other", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert other.digest != extractor.digest


def papers_own():
    from transformers import EfficientNetConfig, EfficientNetModel

    config = EfficientNetConfig(width_coefficient=0.2, depth_coefficient=0.2, hidden_dim=256)
    return EfficientNetModel(config)


def classifier():
    from transformers import ResNetConfig, ResNetForImageClassification

    sizes = {"embedding_size": 8, "hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}
    return ResNetForImageClassification(ResNetConfig(layer_type="basic", **sizes))


@pytest.mark.parametrize("build", [papers_own, classifier])
def test_kinds_that_the_hub_holds_are_understood(tmp_path, image, build):
    """EfficientNet as in the paper and a whole classifier; random weights, no hub is asked."""
    build().save_pretrained(tmp_path)
    stages = Extractor.load(tmp_path).stages(image)
    assert [s.shape[-2:] for s in stages] == [(16, 24), (8, 12), (4, 6)]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "expected config.json"),
        ({"config.json": "{"}, "cannot be opened"),
        ({"config.json": '{"model_type": "resnet"}'}, "cannot be opened"),
    ],
)
def test_what_is_no_extractor_says_so(tmp_path, files, sentence):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=sentence) as caught:
        Extractor.load(tmp_path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match="no feature extractor"):
        Extractor.load("google/efficientnet-b4")  # the hub only when asked for


def test_the_development_backbone_opens(real_data):
    extractor = Extractor.load(real_data.parent / "backbones" / "resnet18-stage3")
    assert extractor(torch.zeros(1, 3, 64, 64)).shape == (1, 448, 8, 8)
    assert ROOT not in (real_data, *real_data.parents)


def test_weights_that_came_in_half_precision_are_kept_so(extractor, tmp_path):
    extractor.save(tmp_path / "whole")
    half = Extractor(copy.deepcopy(extractor.model).half().float(), "half")
    half.save(tmp_path / "half")
    sizes = [(tmp_path / n / "model.safetensors").stat().st_size for n in ("half", "whole")]
    assert sizes[0] < 0.7 * sizes[1]
    assert Extractor.load(tmp_path / "half").digest == half.digest
    assert Extractor.load(tmp_path / "whole").digest == extractor.digest


def test_the_bundled_extractor_is_small_and_knows_its_teacher():
    """Its features predict the teacher's far better than their mean does, on an unseen part."""
    from ddad.model.checkpoint import BUNDLED

    size = sum(path.stat().st_size for path in BUNDLED.iterdir())
    assert size < 10_000_000
    assert (BUNDLED / "README.md").is_file()
    teacher = ROOT.parent / "shared" / "backbones" / "resnet18-stage3"
    if not teacher.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"no teacher at {teacher}")
        pytest.skip(f"no teacher at {teacher}")
    ours, theirs = Extractor.load(BUNDLED), Extractor.load(teacher)
    pixels = texture(np.random.default_rng(3), 192, 192)
    x = torch.from_numpy(spoil(pixels, np.random.default_rng(0))[0]).permute(2, 0, 1).float()[None]
    with torch.inference_mode():
        pairs = zip(ours.stages(x / 127.5 - 1), theirs.stages(x / 127.5 - 1), strict=True)
        for found, wanted in pairs:
            assert found.shape == wanted.shape
            spread = (wanted - wanted.mean((0, 2, 3), keepdim=True)).square().mean()
            assert (found - wanted).square().mean() < 0.5 * spread
