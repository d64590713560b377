"""The denoising network: a stock diffusers U-Net on pixel blocks, and the paper's feature head.

Knows nothing of diffusion or data. A U-Net of 3 p^2 input channels sees every p x p block of an
image as the channels of one position (pixel-unshuffle), and its output is laid out again the same
way. That is a permutation of pixels, so losses and divergences are what they would be without it,
at the price of an image a p-th as large a side. p is read off the U-Net, which stays a stock one.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from diffusers import UNet2DModel
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, pixel_shuffle, pixel_unshuffle, silu

WINDOW, HALO = 768, 128
"""Pixels a side of a window of `in_windows` at most, and around it."""


@dataclass(frozen=True)
class UNetConfig:
    """Size of the pixel U-Net. One entry of `channels` is one resolution, each half the last."""

    channels: tuple[int, ...] = (16, 32, 64, 128)
    layers: int = 1
    attention: bool = True
    patch: int = 1
    """Pixels a side of the blocks that are one position of the finest resolution."""

    @property
    def stride(self) -> int:
        """Image sides must be multiples of this, in pixels."""
        return int(self.patch * 2 ** (len(self.channels) - 1))


def image_unet(config: UNetConfig, sample_size: tuple[int, int]) -> UNet2DModel:
    """U-Net for images of (H, W): see `predict`. Fully convolutional but for attention.

    The last convolution starts at zero, so that v = 0 (the geometric mean of the two bounds) and
    eps = 0 at first, as in improved-diffusion; diffusers does not do so by itself.
    """
    depth, block = len(config.channels), 3 * config.patch**2
    unet = UNet2DModel(
        sample_size=tuple(side // config.patch for side in sample_size),
        in_channels=block,
        out_channels=2 * block,
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


def patch_of(unet: UNet2DModel) -> int:
    """Pixels a side of the blocks that the U-Net sees as one position."""
    return math.isqrt(unet.config.in_channels // 3)


def stride_of(unet: UNet2DModel) -> int:
    """Image sides must be multiples of this, in pixels."""
    return int(patch_of(unet) * 2 ** (len(unet.config.block_out_channels) - 1))


def predict(unet: UNet2DModel, x_t: Tensor, t: Tensor) -> Tensor:
    """eps and v, (B, 6, H, W), of x_t (B, 3, H, W) at t (B,)."""
    patch = patch_of(unet)
    return _laid_out(unet(pixel_unshuffle(x_t, patch), t).sample, patch)


def in_windows(call: Callable[[Tensor], Tensor], x: Tensor, stride: int) -> Tensor:
    """`call` of a large x (B, C, H, W), window by window, each with HALO pixels around it.

    Memory stays that of a window. A network with GroupNorm, as the U-Net, has sums over all that
    it sees, so this is not what it says of x in one piece; it is what it says of windows nearer in
    size to the crops that it learned from. `stride` divides the sides of x.
    """
    height, width = x.shape[-2:]
    rows, columns = (_edges(length, stride) for length in (height, width))
    halo = -(-HALO // stride) * stride
    bands = []
    for top, bottom in itertools.pairwise(rows):
        pieces = []
        for left, right in itertools.pairwise(columns):
            y, z = max(0, top - halo), max(0, left - halo)
            seen = call(x[..., y : min(height, bottom + halo), z : min(width, right + halo)])
            pieces.append(seen[..., top - y : bottom - y, left - z : right - z])
        bands.append(torch.cat(pieces, -1))
    return torch.cat(bands, -2)


def _edges(length: int, stride: int) -> list[int]:
    count = -(-length // WINDOW)
    return [round(length * n / count / stride) * stride for n in range(count)] + [length]


class FeatureHead(nn.Module):
    """Predicts the clean image's features from a decoder block: norm, SiLU, 1x1 convolution.

    Lu et al. 2023, feature-level score. It learns features (B, C, h, w) less `mean`, over `scale`,
    (C,) and (1,) of the extractor's own unit.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, channels: int, features: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, channels)
        self.out = nn.Conv2d(channels, features, 1)
        self.register_buffer("mean", torch.zeros(features))
        self.register_buffer("scale", torch.ones(1))

    @classmethod
    def beside(cls, unet: UNet2DModel, features: int) -> FeatureHead:
        """An untrained one for a U-Net."""
        return cls(_channels(unet), features)

    @classmethod
    def with_weights(cls, weights: Mapping[str, Tensor]) -> FeatureHead:
        """One with the weights that its `state_dict` had."""
        features, channels = weights["out.weight"].shape[:2]
        head = cls(channels, features)
        head.load_state_dict({name: weight.float() for name, weight in weights.items()})
        return head.eval().requires_grad_(False)

    def scaled(self, features: Tensor) -> Tensor:
        """Features (B, C, h, w) in the unit that it learns."""
        return (features - self.mean[:, None, None]) / self.scale

    def forward(self, decoded: Tensor, grid: tuple[int, int]) -> Tensor:
        """The decoder block's output as scaled features (B, C, *grid)."""
        found: Tensor = self.out(adaptive_avg_pool2d(silu(self.norm(decoded)), grid))
        return found


def predict_features(
    unet: UNet2DModel, head: FeatureHead, x_t: Tensor, t: Tensor, grid: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """What `predict` gives, and the clean image's scaled features (B, C, *grid), in one pass.

    The steps of `UNet2DModel.forward`, which hands on no block's output. The head reads the last
    block but one, the finest that has all coarser ones behind it.
    """
    patch = patch_of(unet)
    emb = unet.time_embedding(unet.time_proj(t).to(x_t.dtype))
    h = unet.conv_in(pixel_unshuffle(x_t, patch))
    skips = (h,)
    for block in unet.down_blocks:
        h, found = block(h, emb)
        skips += found
    h = unet.mid_block(h, emb)
    decoded = h
    for number, block in enumerate(unet.up_blocks):
        count = len(block.resnets)
        h = block(h, skips[-count:], emb)
        skips = skips[:-count]
        if number == _tapped(unet):
            decoded = h
    out = unet.conv_out(unet.conv_act(unet.conv_norm_out(h)))
    return _laid_out(out, patch), head(decoded, grid)


def _laid_out(out: Tensor, patch: int) -> Tensor:
    """eps and v of blocks, (B, 6 p^2, h, w), as those of pixels."""
    return torch.cat([pixel_shuffle(part, patch) for part in out.chunk(2, dim=1)], 1)


def _tapped(unet: UNet2DModel) -> int:
    return max(0, len(unet.up_blocks) - 2)


def _channels(unet: UNet2DModel) -> int:
    widths = tuple(reversed(unet.config.block_out_channels))
    return int(widths[_tapped(unet)])
