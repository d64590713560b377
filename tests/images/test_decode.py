from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from drawing import COLOUR, COLOUR16, GREY, GREY16, chunk, encoded, load, tiff
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ddad.images.decode import ImageError


def png16_rgb():
    """A 16-bit RGB PNG, which Pillow cannot write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in COLOUR16)
    header = struct.pack(">IIBBBBB", 24, 16, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


THREE = np.repeat(GREY[..., None], 3, 2)
EXACT = {
    "grey png": (lambda: encoded(Image.fromarray(GREY), "PNG"), THREE),
    "colour png": (lambda: encoded(Image.fromarray(COLOUR), "PNG"), COLOUR),
    "grey bmp": (lambda: encoded(Image.fromarray(GREY), "BMP"), THREE),
    "colour bmp": (lambda: encoded(Image.fromarray(COLOUR), "BMP"), COLOUR),
    "colour webp": (lambda: encoded(Image.fromarray(COLOUR), "WEBP", lossless=True), COLOUR),
    "grey tiff": (lambda: encoded(Image.fromarray(GREY), "TIFF"), THREE),
    "lzw tiff": (lambda: encoded(Image.fromarray(COLOUR), "TIFF", compression="tiff_lzw"), COLOUR),
    "grey gif": (lambda: encoded(Image.fromarray(GREY), "GIF"), THREE),
    "16-bit grey png": (lambda: encoded(Image.fromarray(GREY16), "PNG"), GREY16 / 257),
    "16-bit colour png": (png16_rgb, COLOUR16 / 257),
    "16-bit grey tiff": (lambda: tiff(GREY16), GREY16 / 257),
    "big-endian tiff": (lambda: tiff(GREY16, byteorder=">"), GREY16 / 257),
    "16-bit colour tiff": (lambda: tiff(COLOUR16, photometric="rgb"), COLOUR16 / 257),
    "planar tiff": (
        lambda: tiff(COLOUR16.transpose(2, 0, 1), photometric="rgb", planarconfig="separate"),
        COLOUR16 / 257,
    ),
    "deflate tiff": (lambda: tiff(GREY16, compression="zlib"), GREY16 / 257),
    "tiled tiff": (lambda: tiff(GREY16, tile=(16, 16)), GREY16 / 257),
    "unit float tiff": (lambda: tiff((GREY / 255).astype(np.float32)), THREE),
    "wide float tiff": (lambda: tiff(GREY.astype(np.float32)), THREE),
}


@pytest.mark.parametrize("kind", EXACT)
def test_lossless_formats_keep_every_level(tmp_path, kind):
    make, expected = EXACT[kind]
    expected = expected if expected.ndim == 3 else np.repeat(expected[..., None], 3, 2)
    loaded = load(tmp_path, make())
    assert loaded.pixels.dtype == np.uint8
    np.testing.assert_allclose(loaded.pixels, expected, atol=1)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close(tmp_path, kind):
    smooth = np.asarray(Image.fromarray(COLOUR).resize((96, 64), Image.Resampling.BICUBIC))
    data = encoded(Image.fromarray(smooth), kind, quality=95)
    assert np.abs(load(tmp_path, data).pixels.astype(int) - smooth).mean() < 4


def test_cmyk_and_one_bit(tmp_path):
    red = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    for kind in ("JPEG", "TIFF"):
        pixels = load(tmp_path, encoded(red, kind)).pixels
        assert pixels[..., 0].min() > 200 and pixels[..., 1:].max() < 80
    half = Image.fromarray(GREY > 127)
    for kind in ("PNG", "TIFF", "BMP"):
        np.testing.assert_array_equal(
            load(tmp_path, encoded(half, kind)).pixels[..., 0] > 0, GREY > 127
        )


def test_palette_and_transparency_are_shown_on_white(tmp_path):
    palette = Image.fromarray(COLOUR).quantize(64)
    expected = np.asarray(palette.convert("RGB"))
    np.testing.assert_array_equal(load(tmp_path, encoded(palette, "PNG")).pixels, expected)
    alpha = np.where(GREY > 127, 255, 0).astype(np.uint8)
    rgba = Image.fromarray(np.dstack([COLOUR, alpha]))
    grey_alpha = Image.merge("LA", [Image.fromarray(GREY), Image.fromarray(alpha)])
    for image in (rgba, grey_alpha):
        loaded = load(tmp_path, encoded(image, "PNG"))
        assert (loaded.pixels[alpha == 0] == 255).all()
        assert "on white" in loaded.note
    see_through = encoded(palette, "PNG", transparency=0)
    assert "on white" in load(tmp_path, see_through).note


@pytest.mark.parametrize("orientation", range(1, 9))
def test_images_come_out_as_a_viewer_shows_them(tmp_path, orientation):
    turned = {
        1: COLOUR, 2: COLOUR[:, ::-1], 3: COLOUR[::-1, ::-1], 4: COLOUR[::-1],
        5: COLOUR.swapaxes(0, 1), 6: np.rot90(COLOUR, -1),
        7: np.rot90(COLOUR, 2).swapaxes(0, 1), 8: np.rot90(COLOUR),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    loaded = load(tmp_path, encoded(Image.fromarray(COLOUR), "PNG", exif=exif))
    np.testing.assert_array_equal(loaded.pixels, turned)
    deep = tiff(COLOUR16, photometric="rgb", extratags=[(274, "H", 1, orientation, True)])
    np.testing.assert_allclose(load(tmp_path, deep).pixels, turned, atol=1)
    grey = encoded(Image.fromarray(GREY16), "PNG", exif=exif)
    np.testing.assert_allclose(load(tmp_path, grey).pixels[..., 0], turned[..., 0], atol=1)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_several_frames_the_first_is_used_and_that_is_said(tmp_path, kind):
    frames = [Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200, 90)]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)
    loaded = load(tmp_path, data)
    assert (loaded.pixels == 10).all()
    assert f"first of 3 {'pages' if kind == 'TIFF' else 'frames'}" in loaded.note
    deep = tiff(np.stack([GREY16, GREY16 // 2]), photometric="minisblack")
    assert "first of 2 pages" in load(tmp_path, deep).note


SEEDS = [make() for make, _ in EXACT.values()] + [encoded(Image.fromarray(COLOUR), "JPEG")]


@settings(deadline=None, max_examples=150, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6),
    st.integers(0, 4000),
)
def test_damage_gives_an_image_or_a_sentence(tmp_path, seed, flips, cut):
    data = bytearray(seed[: len(seed) - cut % len(seed)])
    for place, value in flips:
        data[place % len(data)] = value
    try:
        pixels = load(tmp_path, bytes(data), max_pixels=1_000_000).pixels
    except ImageError as error:
        assert "\n" not in str(error)
    else:
        assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3
