from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.networks import patch_of
from ddad.model.checkpoint import CheckpointError, read_network
from ddad.training.run import CPU, TINY
from ddad.training.start import first_network, stride

IMAGES = [torch.full((3, 64, 96), level, dtype=torch.uint8) for level in (20, 120, 220)]


def same(one, other):
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == again and torch.equal(a, b) for (name, a), (again, b) in pairs)


def test_a_run_starts_from_the_base_with_its_head_and_fits_its_windows():
    config = replace(CPU, features=0.3)
    network = first_network(config, IMAGES, (64, 96), Extractor.load("checkpoints/extractor"))
    unet, head = read_network("base")
    assert same(network.unet, unet) and same(network.head, head)
    assert list(network.unet.config.sample_size) == [16, 24]
    assert all(weight.requires_grad for weight in network.parameters())
    assert stride(config) == 16 and patch_of(unet) == 4


def test_without_a_start_weights_depend_on_the_seed_alone():
    first, again, other = (
        first_network(replace(TINY, seed=seed), IMAGES, (64, 96), None) for seed in (0, 0, 1)
    )
    assert same(first, again) and not same(first, other) and first.head is None
    assert stride(TINY) == 2 and stride(replace(TINY, features=0.1)) == 16


def test_a_head_is_begun_anew_for_another_extractor_in_the_unit_of_its_features(tiny_backbone):
    extractor = Extractor.load(tiny_backbone)
    network = first_network(replace(CPU, features=0.3), IMAGES, (64, 96), extractor)
    with torch.inference_mode():
        seen = torch.cat([extractor(i[None].float() / 127.5 - 1) for i in IMAGES])
    scaled = network.head.scaled(seen)
    assert scaled.mean((0, 2, 3)).abs().max() < 1e-4
    assert scaled.var((0, 2, 3)).mean() == pytest.approx(1, rel=0.01)


def test_what_is_no_start_is_said():
    with pytest.raises(CheckpointError, match="no network at nowhere"):
        first_network(replace(CPU, start="nowhere"), IMAGES, (64, 96), None)
    with pytest.raises(ValueError, match="needs an extractor"):
        first_network(replace(CPU, features=0.3), IMAGES, (64, 96), None)
