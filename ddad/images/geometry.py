"""How an image of any size becomes the network's input, and how maps and changes get back onto it.

The policy: the whole image is resized, keeping its aspect ratio, to about size x size pixels in
area; nothing is cropped away. Each side is rounded to the network's stride, so one scale an axis
maps coordinates. Images are uint8 (H, W, 3) outside, float32 (3, h, w) in [-1, 1] inside.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

VISIBLE = 0.1
"""Change, of a range of 2, from which on `carry` lets the finer image's detail go."""


def model_shape(shape: Sequence[int], size: int, stride: int) -> tuple[int, int]:
    """(h, w) in pixels for an image of shape (H, W, ...): area about size^2, multiples of stride.

    An extreme aspect ratio is clipped, so that no side is under two strides.
    """
    least = 2 * stride
    most = max(least, size * size // least // stride * stride)
    ratio = math.sqrt(shape[0] / shape[1])

    def side(length: float) -> int:
        return max(least, min(most, round(length / stride) * stride))

    return side(size * ratio), side(size / ratio)


def squares(shape: Sequence[int]) -> int:
    """How many whole squares fit into an image of shape (H, W, ...) side by side, up to four."""
    return max(1, min(4, max(shape[:2]) // min(shape[:2])))


def feature_shape(shape: Sequence[int], size: int) -> tuple[int, int]:
    """`model_shape` of the feature branch, whose stride is 16: larger for an elongated image.

    The area is size^2 for every whole square that fits into the image side by side, up to four,
    as long as the image has so many pixels itself: squeezed into the area of one square, it would
    lose what is thin.
    """
    fitting = min(squares(shape), shape[0] * shape[1] // size**2)
    return model_shape(shape, round(size * math.sqrt(max(1, fitting))), 16)


def to_levels(pixels: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """uint8 (H, W, 3) to uint8 (3, h, w), antialiased when it shrinks."""
    planes = torch.from_numpy(np.require(pixels, requirements=("C", "W"))).permute(2, 0, 1)
    if tuple(planes.shape[1:]) == shape:
        return planes
    shrunk = [  # a channel at a time, for the memory of large images
        interpolate(plane[None, None].float(), shape, mode="bilinear", antialias=True)[0]
        for plane in planes
    ]
    return torch.cat(shrunk).round_().clamp_(0, 255).byte()


def from_levels(levels: Tensor) -> Tensor:
    """Grey levels, uint8, as float32 in [-1, 1]."""
    return levels.float() / 127.5 - 1


def to_model(pixels: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """uint8 (H, W, 3) to float32 (3, h, w) in [-1, 1], antialiased when it shrinks.

    Values stay on the 256 grey levels, on which L_0 is defined and which training keeps.
    """
    return from_levels(to_levels(pixels, shape))


def to_image(maps: Tensor, height: int, width: int) -> Tensor:
    """Maps (N, h, w) resized to (N, height, width), the original image's size."""
    if tuple(maps.shape[1:]) == (height, width):
        return maps
    shrinks = height < maps.shape[1] or width < maps.shape[2]
    return interpolate(maps[None], (height, width), mode="bilinear", antialias=shrinks)[0]


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """(B, C, h, w) to another size, bilinear, antialiased where it shrinks."""
    if tuple(x.shape[-2:]) == tuple(size):
        return x
    smaller = size[0] < x.shape[-2] or size[1] < x.shape[-1]
    return interpolate(x, tuple(size), mode="bilinear", antialias=smaller)


def carry(fine: Tensor, change: Tensor) -> Tensor:
    """A change found at a smaller size brought onto the finer image.

    What did not change keeps its own detail; where much did, the detail finer than the change is
    the defect's, and goes.
    """
    size, coarse = fine.shape[-2:], change.shape[-2:]
    if size == coarse:
        return fine + change
    detail = fine - resize(resize(fine, coarse), size)
    gone = (max_pool2d(change.abs().amax(1, keepdim=True), 3, 1, 1) / VISIBLE).clamp(max=1)
    return fine + resize(change, size) - resize(gone, size) * detail
