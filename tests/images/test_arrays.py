from __future__ import annotations

import numpy as np
import pytest
import torch

from ddad.images.arrays import picture, pictures

RGB = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def test_what_is_ours_already_stays_the_same_array():
    assert picture(RGB) is RGB


@pytest.mark.parametrize(
    "image",
    [
        RGB.transpose(2, 0, 1),
        RGB / 255,
        (RGB / 255).astype(np.float32).transpose(2, 0, 1),
        torch.from_numpy(RGB).permute(2, 0, 1) / 255,
        (torch.from_numpy(RGB).permute(2, 0, 1) / 255).requires_grad_(),
        RGB.tolist() and np.asfortranarray(RGB),
    ],
    ids=["uint8 first", "float last", "float first", "tensor", "with gradient", "Fortran order"],
)
def test_every_layout_is_the_same_image(image):
    found = picture(image)
    assert found.dtype == np.uint8 and found.flags["C_CONTIGUOUS"]
    np.testing.assert_array_equal(found, RGB)


def test_grey_becomes_three_channels_and_a_batch_a_list():
    grey = RGB[..., 0]
    for image in (grey, grey[..., None], grey[None], grey / 255):
        np.testing.assert_array_equal(picture(image), np.repeat(grey[..., None], 3, 2))
    for batch in (np.stack([RGB, RGB]), torch.from_numpy(np.stack([RGB, RGB])).movedim(3, 1) / 255):
        assert [each.shape for each in pictures(batch)] == [RGB.shape, RGB.shape]


@pytest.mark.parametrize(
    ("image", "told"),
    [
        (RGB.astype(np.uint16), "not uint16"),
        (RGB.astype(np.int64), "not int64"),
        (RGB / 127.5 - 1, "not from -1 to"),
        (RGB.astype(np.float32), "not from 0 to 255"),
        (np.full((9, 9, 3), np.nan), "not from nan"),
        (np.zeros((9, 9, 4), np.uint8), "shape"),
        (np.zeros((0, 9, 3), np.uint8), "shape"),
        (np.zeros((2, 9, 9, 3), np.uint8), "shape"),
    ],
)
def test_anything_else_is_a_sentence(image, told):
    with pytest.raises(ValueError, match=told):
        picture(image)
