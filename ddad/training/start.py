"""The network that a training begins with: a checkpoint's, or one of random weights."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from diffusers import UNet2DModel
from torch import Tensor

from ddad.diffusion.extractor import STRIDES, Extractor
from ddad.diffusion.networks import FeatureHead, UNetConfig, image_unet, patch_of, stride_of
from ddad.model.checkpoint import read_network
from ddad.training.run import Network, TrainConfig

SAMPLE = 32
"""Images by which the features' mean and scale are set."""


def stride(config: TrainConfig) -> int:
    """Image sides must be multiples of this, in pixels: the U-Net's, and with a head the
    extractor's."""
    if config.start:
        found = stride_of(read_network(config.start)[0])
    else:
        found = UNetConfig(config.channels, config.layers, patch=config.patch).stride
    return math.lcm(found, STRIDES[-1]) if config.features else found


def first_network(
    config: TrainConfig,
    images: Sequence[Tensor],
    window: tuple[int, int],
    extractor: Extractor | None,
) -> Network:
    """For images uint8 (3, h, w) seen through windows; depends on the seed alone.

    A head is kept from the start where that has one for as many features, else begun anew.
    Raises ValueError for a head without an extractor.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.start:
            unet, head = read_network(config.start)
            side = [each // patch_of(unet) for each in window]
            unet.register_to_config(sample_size=side)
        else:
            size = UNetConfig(config.channels, config.layers, patch=config.patch)
            unet, head = image_unet(size, window), None
        if not config.features:
            return Network(unet)
        if extractor is None:
            raise ValueError("a feature head needs an extractor to learn from")
        return Network(unet, _head(head, unet, extractor, images, window))


@torch.inference_mode()
def _seen(extractor: Extractor, images: Sequence[Tensor], window: tuple[int, int]) -> Tensor:
    height, width = window
    few = images[:: max(1, len(images) // SAMPLE)][:SAMPLE]
    found = [extractor(image[None, :, :height, :width].float() / 127.5 - 1) for image in few]
    return torch.cat(found)


def _head(
    known: FeatureHead | None,
    unet: UNet2DModel,
    extractor: Extractor,
    images: Sequence[Tensor],
    window: tuple[int, int],
) -> FeatureHead:
    seen = _seen(extractor, images, window)
    if known is not None and len(known.mean) == seen.shape[1]:
        return known.train().requires_grad_()
    head = FeatureHead.beside(unet, seen.shape[1])
    head.mean.copy_(seen.mean((0, 2, 3)))
    head.scale.copy_(seen.var((0, 2, 3)).mean().sqrt().clamp(min=1e-6)[None])
    return head
