from __future__ import annotations

import io
import os
import struct
import threading
import zlib

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ddad.images.decode import ImageError, load_image, load_mask
from ddad.images.files import write_png

RNG = np.random.default_rng(0)
GREY = np.linspace(0, 255, 24 * 16).reshape(16, 24).round().astype(np.uint8)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
GREY16 = (np.linspace(0, 65535, 24 * 16).reshape(16, 24)).round().astype(np.uint16)
COLOUR16 = np.stack([GREY16, GREY16[::-1], GREY16[:, ::-1]], axis=-1)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def png16_rgb():
    """A 16-bit RGB PNG, which Pillow cannot write."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in COLOUR16)
    header = struct.pack(">IIBBBBB", 24, 16, 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        chunk(kind, body)
        for kind, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def load(tmp_path, data, name="image.bin", **options):
    path = tmp_path / name
    path.write_bytes(data)
    return load_image(path, **options)


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
    assert "first of 3 frames" in loaded.note
    deep = tiff(np.stack([GREY16, GREY16 // 2]), photometric="minisblack")
    assert "first of 2 pages" in load(tmp_path, deep).note


def test_declared_depth_of_a_tiff_is_the_full_scale(tmp_path):
    twelve = GREY16 // 16
    plain, declared = tiff(twelve), tiff(twelve, extratags=[(281, "H", 1, 4095, True)])
    assert load(tmp_path, plain).pixels.max() == 16
    assert load(tmp_path, declared).pixels.max() == 255


def test_not_a_number_is_black_and_nothing_but_is_refused(tmp_path):
    values = (GREY / 255).astype(np.float32)
    values[0, 0] = np.nan
    values[0, 1] = np.inf
    pixels = load(tmp_path, tiff(values)).pixels
    assert (pixels[0, :2] == 0).all() and pixels.max() == 255
    with pytest.raises(ImageError, match="finite"):
        load(tmp_path, tiff(np.full((4, 4), np.nan, np.float32)))


def test_size_is_checked_in_the_header_before_decoding(tmp_path):
    header = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match=r"65535 x 65535.*4294\.8 megapixels.*limit is 40"):
        load(tmp_path, bomb)
    small = encoded(Image.fromarray(COLOUR), "PNG")
    with pytest.raises(ImageError, match="24 x 16"):
        load(tmp_path, small, max_pixels=383)
    assert load(tmp_path, small, max_pixels=384).pixels.shape == (16, 24, 3)
    with pytest.raises(ImageError, match="megapixels"):
        load(tmp_path, tiff(np.zeros((300, 300), np.uint16)), max_pixels=1000)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF"])
def test_truncated_files_get_one_sentence(tmp_path, kind):
    data = encoded(Image.fromarray(np.repeat(np.repeat(COLOUR, 4, 0), 4, 1)), kind)
    for share in (0.02, 0.3, 0.6):
        with pytest.raises(ImageError) as caught:
            load(tmp_path, data[: max(1, int(len(data) * share))], "cut.png")
        assert "cut.png" in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_image_gets_one_sentence(tmp_path):
    (tmp_path / "folder").mkdir()
    for name, data, sentence in (
        ("empty.png", b"", "empty"),
        ("text.png", b"hello, this is text", "not an image"),
        ("script.png", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not an image"),
        ("new\nline\x1b.png", b"x", r"new\\nline\\x1b"),
    ):
        with pytest.raises(ImageError, match=sentence) as caught:
            load(tmp_path, data, name)
        assert "\n" not in str(caught.value)
    for name, sentence in (("folder", "is a folder"), ("none.png", "does not exist")):
        with pytest.raises(ImageError, match=sentence):
            load_image(tmp_path / name)
    with pytest.raises(ImageError, match="cannot be read|does not exist"):
        load_image("nul\0byte.png")


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


def test_threads_do_not_disturb_each_other(tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.tif"
    good.write_bytes(encoded(Image.fromarray(COLOUR), "PNG"))
    bad.write_bytes(tiff(GREY16)[:-300])
    limit, wrong = Image.MAX_IMAGE_PIXELS, []

    def work():
        for _ in range(30):
            try:
                np.testing.assert_array_equal(load_image(good).pixels, COLOUR)
                with pytest.raises(ImageError):
                    load_image(bad)
            except BaseException as error:
                wrong.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert limit == Image.MAX_IMAGE_PIXELS


def test_masks_are_binary_by_one_rule(tmp_path):
    def mask(values):
        path = tmp_path / "mask.png"
        Image.fromarray(np.array([values], np.uint8)).save(path)
        return load_mask(path)[0].tolist()

    assert mask([0, 255, 127, 128]) == [False, True, False, True]
    assert mask([0, 1, 1]) == [False, True, True]
    assert mask([0, 0]) == [False, False]
    assert mask([236, 255, 0]) == [True, True, False]


def test_png_files_appear_whole_or_not_at_all(tmp_path):
    write_png(GREY16, tmp_path / "deep.png")
    with Image.open(tmp_path / "deep.png") as image:
        np.testing.assert_array_equal(np.asarray(image), GREY16)
    with pytest.raises(Exception, match="."):
        write_png(np.zeros((3, 3), np.complex64), tmp_path / "wrong.png")
    assert os.listdir(tmp_path) == ["deep.png"]
