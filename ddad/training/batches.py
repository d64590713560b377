"""What a step of the training sees: images at model size, windows of them, noise.

Every choice depends on (seed, step) alone and no generator outlives its step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ddad.data.datasets import DatasetError, Sample
from ddad.images.decode import load_image
from ddad.images.geometry import model_shape, to_model
from ddad.images.levels import Levels
from ddad.score.noise import seeded_generator
from ddad.training.run import TrainConfig


def load_normals(
    samples: Sequence[Sample], size: int, stride: int, levels: Levels | None = None
) -> list[Tensor]:
    """Images at model size as uint8 (3, h, w): what training keeps in memory."""
    images = []
    for sample in samples:
        pixels = load_image(sample.path, levels=levels).pixels
        resized = to_model(pixels, model_shape(pixels.shape, size, stride))
        images.append(((resized + 1) * 127.5).round().byte())
    return images


def crop_window(images: Sequence[Tensor], crop: int, stride: int) -> tuple[int, int]:
    """(h, w) of the training windows: `crop` squared, or the largest that fits every image.

    Raises DatasetError where an image is smaller than the crop.
    """
    height, width = (min(image.shape[axis] for image in images) for axis in (1, 2))
    if not crop:
        return height, width
    if crop % stride or crop > min(height, width):
        raise DatasetError(
            f"crop must be a multiple of {stride} and at most {min(height, width)} pixels for "
            f"these images, not {crop}"
        )
    return crop, crop


def draw_batch(
    images: Sequence[Tensor], window: tuple[int, int], config: TrainConfig, step: int, chain: int
) -> tuple[Tensor, Tensor, Tensor]:
    """x0 (B, 3, h, w), t (B,) and eps of a step; depends on (seed, step) and the images alone.

    Each epoch is a fresh permutation; t is stratified over the batch, so uniform over the chain.
    """
    generator = seeded_generator(config.seed, 1, step)
    rows = []
    for index in range(step * config.batch, (step + 1) * config.batch):
        epoch, place = divmod(index, len(images))
        order = torch.randperm(len(images), generator=seeded_generator(config.seed, 2, epoch))
        image = images[int(order[place])]
        u = torch.rand(4, generator=generator).tolist()
        top = int(u[0] * (image.shape[1] - window[0] + 1))
        left = int(u[1] * (image.shape[2] - window[1] + 1))
        image = image[:, top : top + window[0], left : left + window[1]]
        axes = [axis for axis, coin in ((1, u[2]), (2, u[3])) if config.flips and coin < 0.5]
        rows.append(image.flip(axes))
    x0 = torch.stack(rows).float() / 127.5 - 1
    strata = (torch.arange(config.batch) + torch.rand(config.batch, generator=generator)).double()
    t = (strata / config.batch * chain).long().clamp(max=chain - 1)
    return x0, t, torch.randn(x0.shape, generator=generator)
