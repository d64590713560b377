from __future__ import annotations

import json

import pytest
import torch
from parts import ROOT
from torch.nn.functional import pixel_unshuffle

from ddad.diffusion.losses import hybrid_loss, kl
from ddad.diffusion.networks import (
    FeatureHead,
    UNetConfig,
    image_unet,
    patch_of,
    predict,
    predict_features,
    stride_of,
)
from ddad.diffusion.scheduler import linear_chain


def test_shipped_models_have_the_network_of_the_base_they_start_from():
    shown = [
        json.loads((ROOT / "checkpoints" / name / "unet" / "config.json").read_text())
        for name in ("base", "cookie", "bottle")
    ]
    for config in shown:
        config.pop("sample_size")
    assert shown[0] == shown[1] == shown[2]


def test_a_fresh_network_says_nothing_and_takes_any_multiple_of_its_stride():
    config = UNetConfig((8, 16, 24), layers=1)
    unet = image_unet(config, (16, 16))
    assert config.stride == 4
    for height, width in ((16, 16), (12, 20)):
        said = unet(torch.randn(2, 3, height, width), torch.tensor([3, 900])).sample
        assert said.shape == (2, 6, height, width) and not said.any()


@pytest.fixture
def unet():
    """One of 4 x 4 pixel blocks that says something."""
    torch.manual_seed(0)
    unet = image_unet(UNetConfig((8, 16), patch=4), (32, 48))
    torch.nn.init.normal_(unet.conv_out.weight, std=0.3)
    return unet.eval()


def test_a_network_on_blocks_takes_images_and_says_their_patch_and_stride(unet):
    assert patch_of(unet) == 4 and stride_of(unet) == UNetConfig((8, 16), patch=4).stride == 8
    with torch.no_grad():
        assert predict(unet, torch.randn(2, 3, 40, 24), torch.tensor([3, 900])).shape == (
            2,
            6,
            40,
            24,
        )


def test_blocks_are_a_permutation_so_losses_and_kl_are_those_of_the_blocks(unet):
    """The same network on (B, 48, h, w), as a stock diffusers user runs it."""
    chain, t = linear_chain(), torch.tensor([40, 700])
    generator = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(2, 3, 32, 48, generator=generator) for _ in range(2))
    x_t = chain.q_sample(x0, t, eps)
    with torch.no_grad():
        pixels, blocks = predict(unet, x_t, t), unet(pixel_unshuffle(x_t, 4), t).sample
    there = [pixel_unshuffle(v, 4) for v in (x0, x_t, eps)]
    one = hybrid_loss(chain, pixels, x0, x_t, t, eps, vlb_weight=0.001)
    other = hybrid_loss(chain, blocks, there[0], there[1], t, there[2], vlb_weight=0.001)
    for a, b in zip(one, other, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)
    s = t - 20
    maps = [
        kl(chain.q_posterior(clean, noisy, t, s), chain.p_posterior(out, noisy, t, s, clip=True)[0])
        for clean, noisy, out in ((x0, x_t, pixels), (there[0], there[1], blocks))
    ]
    torch.testing.assert_close(pixel_unshuffle(maps[0], 4), maps[1], rtol=1e-4, atol=1e-5)


def test_the_head_rides_along_the_pass_that_predicts_the_noise(unet):
    torch.manual_seed(1)
    head = FeatureHead.beside(unet, 5)
    x_t, t = torch.randn(2, 3, 32, 48), torch.tensor([3, 900])
    with torch.no_grad():
        out, features = predict_features(unet, head, x_t, t, (4, 6))
        torch.testing.assert_close(out, predict(unet, x_t, t), rtol=1e-5, atol=1e-5)
        assert features.shape == (2, 5, 4, 6)
        alone = predict_features(unet, head, x_t[:1], t[:1], (4, 6))[1]
    torch.testing.assert_close(features[:1], alone, rtol=1e-4, atol=1e-4)
    again = FeatureHead.with_weights(head.state_dict())
    torch.testing.assert_close(
        again(torch.ones(1, 16, 8, 8), (4, 4)), head(torch.ones(1, 16, 8, 8), (4, 4))
    )
    head.mean.fill_(2), head.scale.fill_(4)
    assert float(head.scaled(torch.full((1, 5, 1, 1), 6.0)).mean()) == 1
