"""True masks of every kind: any value but the background's counts, and that is said."""

from __future__ import annotations

import io

import numpy as np
import pytest
from drawing import COLOUR, encoded, tiff
from PIL import Image
from scipy.ndimage import gaussian_filter

from ddad.images.guard import ImageError
from ddad.images.masks import load_classes, load_mask, load_truth

SHAPE = np.zeros((48, 64), bool)
SHAPE[10:18, 20:30] = True
TWO = np.where(SHAPE, 2, 0) + np.where(np.roll(SHAPE, 20, 0), 5, 0)


def save(folder, image, kind="PNG", **options):
    path = folder / f"mask.{kind.lower()}"
    path.write_bytes(encoded(image, kind, **options))
    return path


def paint(*colours, background=(0, 0, 0)):
    """An RGB picture of the two shapes, the first in the first colour and so on."""
    pixels = np.full((*SHAPE.shape, len(background)), background, np.uint8)
    for shift, colour in enumerate(colours):
        pixels[np.roll(SHAPE, 20 * shift, 0)] = colour
    return Image.fromarray(pixels)


def palette(entries, colours):
    image = Image.fromarray(entries.astype(np.uint8)).convert("P")
    image.putpalette([value for colour in colours for value in colour])
    return image


def grey(values):
    return Image.fromarray(np.asarray(values, np.uint8))


BOTH = TWO > 0
BLACK, RED, GREEN, DARK = (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 90)
ALPHA = np.where(BOTH, 255, 0).astype(np.uint8)
KINDS = {
    "bool": (Image.fromarray(BOTH), BOTH, 1),
    "0 and 255": (grey(BOTH * 255), BOTH, 1),
    "0 and 1": (grey(BOTH), BOTH, 1),
    "0 and 7": (grey(BOTH * 7), BOTH, 1),
    "0 and 254": (grey(BOTH * 254), BOTH, 1),
    "class numbers": (grey(TWO), BOTH, 2),
    "class numbers 1 and 255": (grey(np.where(TWO == 2, 1, 0) + 255 * (TWO == 5)), BOTH, 2),
    "class numbers 100 and 200": (grey(np.where(TWO == 2, 100, 0) + 200 * (TWO == 5)), BOTH, 2),
    "colours": (paint(RED, GREEN), BOTH, 2),
    "one dark colour": (paint(DARK, DARK), BOTH, 1),
    "white on black in RGB": (paint((255,) * 3, (255,) * 3), BOTH, 1),
    "red on white": (paint(RED, RED, background=(255, 255, 255)), BOTH, 1),
    "red and green on blue": (paint(RED, GREEN, background=(0, 0, 255)), BOTH, 2),
    "palette": (palette(TWO, [BLACK, RED, RED, RED, RED, GREEN]), BOTH, 2),
    "palette of darks": (palette(BOTH, [BLACK, (1, 0, 2)]), BOTH, 1),
    "palette, all black": (palette(BOTH, [BLACK, BLACK]), BOTH, 1),
    "palette without black": (palette(BOTH, [(255, 255, 255), RED]), BOTH, 1),
    "palette, black last": (palette(BOTH ^ True, [RED, BLACK]), BOTH, 1),
    "palette of grey": (palette(BOTH * 255, [(i, i, i) for i in range(256)]), BOTH, 1),
    "alpha": (Image.fromarray(np.dstack([COLOUR[:1, :1] * 0 + np.full((*SHAPE.shape, 3), 200,
              np.uint8), ALPHA])), BOTH, 1),
    "black paint on nothing": (
        Image.fromarray(np.dstack([np.zeros((*SHAPE.shape, 3), np.uint8), ALPHA])), BOTH, 1),
    "opaque alpha": (paint((*RED, 255), (*RED, 255), background=(0, 0, 0, 255)), BOTH, 1),
    "grey and alpha": (Image.merge("LA", [grey(BOTH * 255), grey(ALPHA)]), BOTH, 1),
    "alpha and black": (
        paint((*RED, 255), (0, 0, 0, 255), background=(0, 0, 0, 0)), SHAPE, 1),
    "empty": (grey(TWO * 0), SHAPE & False, 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_any_value_but_the_background_s_counts_and_that_is_said(tmp_path, kind):
    image, marked, classes = KINDS[kind]
    truth = load_truth(save(tmp_path, image))
    np.testing.assert_array_equal(truth.mask, marked)
    np.testing.assert_array_equal(truth.classes > 0, marked)
    assert len(np.unique(truth.classes)) - 1 <= max(classes, 0) and truth.how
    if classes > 1:
        pairs = {*zip(TWO[marked].tolist(), truth.classes[marked].tolist(), strict=True)}
        assert len(pairs) == 2 and len({value for _, value in pairs}) == 2


def test_class_numbers_and_entries_are_kept_as_they_are(tmp_path):
    np.testing.assert_array_equal(load_classes(save(tmp_path, grey(TWO))), TWO)
    colours = palette(TWO, [BLACK, RED, RED, RED, RED, GREEN])
    np.testing.assert_array_equal(load_classes(save(tmp_path, colours)), TWO)
    many = np.arange(48 * 64).reshape(48, 64) // 64 // 2 * 3  # 24 flat stripes
    many[:, :40] = 0
    np.testing.assert_array_equal(load_classes(save(tmp_path, grey(many))), many)


@pytest.mark.parametrize("kind", ["uint16", "int32", "uint32", "float32", "float64"])
def test_deep_masks_count_whatever_their_range(tmp_path, kind):
    for value in (1, 3, 255, 257, 4095, 65535):
        if value > 32767 and kind == "int16":
            continue
        path = tmp_path / "m.tif"
        path.write_bytes(tiff((BOTH * value).astype(kind)))
        np.testing.assert_array_equal(load_mask(path), BOTH)
    path.write_bytes(tiff(TWO.astype(kind)))
    np.testing.assert_array_equal(load_classes(path), TWO)
    if kind.startswith("float"):
        path.write_bytes(tiff((BOTH * 0.5).astype(kind)))
        np.testing.assert_array_equal(load_mask(path), BOTH)


def test_deep_colours_and_inverted_grey(tmp_path):
    path = tmp_path / "m.tif"
    colours = np.zeros((*SHAPE.shape, 3), np.uint16)
    colours[SHAPE, 0] = 4095
    path.write_bytes(tiff(colours, photometric="rgb"))
    np.testing.assert_array_equal(load_mask(path), SHAPE)
    path.write_bytes(tiff(np.where(SHAPE, 0, 65535).astype(np.uint16), photometric="miniswhite"))
    np.testing.assert_array_equal(load_mask(path), SHAPE)


def test_classes_beside_a_void_of_255_stay_classes(tmp_path):
    """As label masks of data sets for segmentation have it: 1 to 20, their outline 255."""
    values = np.zeros((96, 128), np.uint8)
    for number in range(1, 21):
        row, column = divmod(number - 1, 5)
        area = values[4 + 23 * row :, 4 + 24 * column :][:18, :20]
        area[:] = 255
        area[2:-2, 2:-2] = number
    truth = load_truth(save(tmp_path, grey(values)))
    np.testing.assert_array_equal(truth.classes, values)


def test_noise_stays_noise_when_a_compressed_mask_is_saved_anew(tmp_path):
    large = np.kron(BOTH, np.ones((2, 2), bool))
    for quality in (30, 75, 95):
        path = save(tmp_path, grey(large * 255), "JPEG", quality=quality)
        truth = load_truth(save(tmp_path, Image.open(path)))
        assert np.count_nonzero(truth.mask != large) < 30


@pytest.mark.parametrize("quality", [30, 75, 95])
@pytest.mark.parametrize("colour", [(255, 255, 255), RED])
def test_a_compressed_mask_is_read_at_its_half(tmp_path, quality, colour):
    for kind in ("JPEG", "WEBP"):
        path = save(tmp_path, paint(colour, colour), kind, quality=quality)
        truth = load_truth(path)
        assert np.count_nonzero(truth.mask != BOTH) < 0.15 * BOTH.sum()
        assert "above half" in truth.how


def test_soft_edges_are_read_at_their_half(tmp_path):
    large = Image.fromarray(np.kron(BOTH, np.ones((4, 4), bool))).convert("L")
    for size in ((64, 48), (100, 75), (512, 384)):
        for how in (Image.Resampling.BILINEAR, Image.Resampling.BOX, Image.Resampling.LANCZOS):
            image = large.resize(size, how)
            truth = load_truth(save(tmp_path, image))
            np.testing.assert_array_equal(truth.mask, np.asarray(image) > 127)
    soft = gaussian_filter(BOTH * 255.0, 2).round().astype(np.uint8)
    np.testing.assert_array_equal(load_mask(save(tmp_path, grey(soft))), soft > soft.max() / 2)


def test_the_two_ends_that_were_always_told_apart(tmp_path):
    def mask(values):
        return load_mask(save(tmp_path, grey([values])))[0].tolist()

    assert mask([0, 255, 127, 128, 0, 0, 0, 0]) == [False, True, False, True] + [False] * 4
    assert mask([0, 1, 1, 0, 0]) == [False, True, True, False, False]
    assert mask([0, 0]) == [False, False]
    assert mask([236, 255, 0, 0, 0]) == [True, True, False, False, False]


def photographs():
    rng = np.random.default_rng(0)
    smooth = gaussian_filter(rng.uniform(0, 255, (96, 128, 3)), (3, 3, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 255
    yield smooth.astype(np.uint8)
    yield smooth[..., 0].astype(np.uint8)
    yield rng.integers(0, 256, (96, 128, 3), dtype=np.uint8)
    yield (smooth[..., 0] * 0.5 + 30).astype(np.uint8)
    part = smooth.copy()
    part[30:40, 30:50] = RED  # painted over
    yield part.astype(np.uint8)
    yield np.full((96, 128), 90, np.uint8) + rng.integers(0, 9, (96, 128)).astype(np.uint8)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "palette", "deep"])
def test_a_photograph_is_no_mask(tmp_path, kind):
    for pixels in photographs():
        image = Image.fromarray(pixels)
        if kind == "palette":
            path = save(tmp_path, image.convert("RGB").quantize(64), "PNG")
        elif kind == "deep":
            path = tmp_path / "d.tif"
            path.write_bytes(tiff(pixels.astype(np.uint16) * 13, photometric=
                                  "rgb" if pixels.ndim == 3 else "minisblack"))  # fmt: skip
        else:
            path = save(tmp_path, image, kind)
        with pytest.raises(ImageError) as error:
            load_mask(path)
        assert "\n" not in str(error.value) and "mask" in str(error.value)


def test_what_marks_everything_or_all_around_is_refused(tmp_path):
    inverted = ~BOTH
    for image in (
        grey(inverted * 255),
        grey(inverted),
        grey(TWO * 0 + 255),
        grey(TWO * 0 + 1),
        paint(BLACK, BLACK, background=(255, 255, 255)),
        palette(inverted, [BLACK, RED]),
    ):
        with pytest.raises(ImageError, match="background|inverted"):
            load_mask(save(tmp_path, image))
    most = np.zeros((48, 64), bool)
    most[1:-1, 1:-1] = True  # large, and yet a mask
    np.testing.assert_array_equal(load_mask(save(tmp_path, grey(most * 255))), most)


def test_a_mask_is_turned_as_its_photograph_is(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = np.rot90(BOTH, -1)
    np.testing.assert_array_equal(load_mask(save(tmp_path, grey(BOTH * 255), exif=exif)), turned)
    path = tmp_path / "m.tif"
    path.write_bytes(tiff((BOTH * 9).astype(np.uint16), extratags=[(274, "H", 1, 6, True)]))
    np.testing.assert_array_equal(load_mask(path), turned)


def test_a_large_mask_takes_no_more_than_seconds_and_a_few_times_its_size(tmp_path):
    rng = np.random.default_rng(0)
    large = np.kron(rng.integers(0, 8, (12, 16)) > 6, np.ones((125, 125), bool))
    pixels = np.zeros((*large.shape, 3), np.uint8)
    pixels[large] = RED
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    path = tmp_path / "m.png"
    path.write_bytes(buffer.getvalue())
    np.testing.assert_array_equal(load_mask(path), large)
