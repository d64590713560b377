"""Builders of the denoising networks: stock diffusers modules, so any diffusers user can open them.

Knows nothing of diffusion or data.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from diffusers import UNet2DModel


@dataclass(frozen=True)
class UNetConfig:
    """Size of the pixel U-Net. One entry of `channels` is one resolution, each half the last."""

    channels: tuple[int, ...] = (16, 32, 64, 128)
    layers: int = 1
    attention: bool = True

    @property
    def stride(self) -> int:
        """Image sides must be multiples of this, in pixels."""
        return int(2 ** (len(self.channels) - 1))


def image_unet(config: UNetConfig, sample_size: tuple[int, int]) -> UNet2DModel:
    """U-Net from (B, 3, H, W) to (B, 6, H, W): eps and v. Fully convolutional but for attention.

    The last convolution starts at zero, so that v = 0 (the geometric mean of the two bounds) and
    eps = 0 at first, as in improved-diffusion; diffusers does not do so by itself.
    """
    depth = len(config.channels)
    unet = UNet2DModel(
        sample_size=sample_size,
        in_channels=3,
        out_channels=6,
        block_out_channels=config.channels,
        layers_per_block=config.layers,
        down_block_types=("DownBlock2D",) * depth,
        up_block_types=("UpBlock2D",) * depth,
        add_attention=config.attention,
        attention_head_dim=8,
        norm_num_groups=8,
        resnet_time_scale_shift="scale_shift",
    )
    torch.nn.init.zeros_(unet.conv_out.weight)
    if unet.conv_out.bias is not None:
        torch.nn.init.zeros_(unet.conv_out.bias)
    return unet
