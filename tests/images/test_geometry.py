from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ddad.images.geometry import carry, feature_shape, model_shape, resize, to_image, to_model

sides = st.integers(1, 20_000)


@given(sides, sides, st.sampled_from([64, 128, 256]), st.sampled_from([2, 8, 16]))
def test_shapes_fit_the_network_and_keep_the_area(height, width, size, stride):
    h, w = model_shape((height, width), size, stride)
    assert h % stride == w % stride == 0
    assert min(h, w) >= 2 * stride
    assert h * w <= 2 * size * size + size * stride * 4
    if 1 / 3 < height / width < 3:
        assert h * w == pytest.approx(size * size, rel=4 * stride / size)
        assert (h / w) == pytest.approx(height / width, rel=4 * stride / size)


@given(sides, sides, st.sampled_from([64, 256, 320]))
def test_the_feature_branch_sees_whole_patches(height, width, size):
    """Of an extreme image as well, whose shape is clipped at a size that is no multiple of 16."""
    h, w = feature_shape((height, width), size)
    assert h % 16 == w % 16 == 0 and min(h, w) >= 32


def test_a_square_image_becomes_the_model_size():
    assert model_shape((900, 900, 3), 128, 8) == (128, 128)
    assert model_shape((512, 384), 128, 8) == (144, 112)


def test_an_elongated_image_has_as_many_pixels_as_the_squares_in_it():
    assert feature_shape((900, 900), 320) == (320, 320)
    assert feature_shape((512, 384), 320) == model_shape((512, 384), 320, 16)
    h, w = feature_shape((1240, 500), 320)
    assert h * w == pytest.approx(2 * 320 * 320, rel=0.05)
    assert feature_shape((330, 110), 320) == model_shape((330, 110), 320, 16)  # it has no more
    assert feature_shape((1, 10_000), 64) == (32, 256)
    h, w = feature_shape((20_000, 1000), 320)  # bounded
    assert h * w <= 4.2 * 320 * 320


def test_values_span_minus_one_to_one_and_stay_on_grey_levels():
    pixels = np.zeros((50, 70, 3), np.uint8)
    pixels[:, 35:] = 255
    small = to_model(pixels, (16, 24))
    assert small.shape == (3, 16, 24)
    assert float(small.min()) == -1 and float(small.max()) == 1
    levels = (small + 1) * 127.5
    torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)


def test_maps_land_where_the_image_has_their_pixels():
    """A bright square's centre survives the way to model size and back, on both axes."""
    pixels = np.zeros((300, 420, 3), np.uint8)
    pixels[60:100, 300:360] = 255
    shape = model_shape((300, 420), 128, 8)
    back = to_image(to_model(pixels, shape)[:1] + 1, 300, 420)[0].numpy()
    assert back.shape == (300, 420)
    y, x = np.mgrid[:300, :420]
    centre = (back * y).sum() / back.sum(), (back * x).sum() / back.sum()
    assert centre == pytest.approx((79.5, 329.5), abs=0.5)


def test_an_image_at_model_size_is_not_resampled():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    same = ((to_model(pixels, (64, 64)) + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(same, pixels)


def test_a_change_keeps_the_detail_of_what_did_not_change():
    rng = torch.Generator().manual_seed(0)
    fine = torch.rand(1, 3, 64, 64, generator=rng) - 0.5
    coarse = torch.zeros(1, 3, 16, 16)
    torch.testing.assert_close(carry(fine, coarse), fine)
    coarse[..., 4:12, 4:12] = 0.4
    moved = carry(fine, coarse)
    torch.testing.assert_close(moved[..., :8, :], fine[..., :8, :])
    target = resize(resize(fine, (16, 16)) + coarse, (64, 64))
    inner = (..., slice(24, 40), slice(24, 40))
    torch.testing.assert_close(moved[inner], target[inner])  # none of the old detail is left
