"""Deep pictures that Pillow opens: all their bits, and what they declare."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from drawing import COLOUR, COLOUR16, GREY, GREY16, chunk, encoded, load
from PIL import Image

from ddad.images.deep import jpeg2000_bits, significant_bits
from ddad.images.guard import ImageError


def png(samples, kind, *, sbit=b"", interlaced=False):
    """A 16-bit PNG: kind 0 grey, 2 RGB, 4 grey and alpha, 6 RGBA; each row with another filter."""
    height, width, channels = samples.shape

    def filtered(rows):
        before = np.zeros(rows[0].size * 2 if len(rows) else 0, np.uint8)
        for number, row in enumerate(rows):
            now = np.frombuffer(row.astype(">u2").tobytes(), np.uint8)
            step = 2 * channels
            left = np.concatenate([np.zeros(step, np.uint8), now[:-step]])
            yield bytes([number % 3]) + (now - (0, left, before)[number % 3]).tobytes()
            before = now

    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2),
                  (0, 1, 2, 2), (1, 0, 2, 1)]  # fmt: skip
    body = b"".join(b"".join(filtered(list(samples[y::v, x::h]))) for y, x, v, h in passes)
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, int(interlaced))
    chunks = [(b"IHDR", header), *([(b"sBIT", sbit)] if sbit else [])]
    chunks += [(b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("kind", [0, 2])
def test_all_bits_of_a_16_bit_png_count(tmp_path, kind, interlaced):
    whole = COLOUR16 if kind == 2 else GREY16[..., None]
    for bits in (10, 12, 14, 16):
        samples = whole >> (16 - bits)
        loaded = load(tmp_path, png(samples, kind, interlaced=interlaced))
        expected = np.broadcast_to(samples * (255 / (2**bits - 1)), COLOUR.shape)
        np.testing.assert_allclose(loaded.pixels, expected, atol=0.51)
        assert ("is used" in loaded.note) == (bits < 16)


def test_alpha_of_16_bits_is_of_its_own_range(tmp_path):
    alpha = np.where(GREY > 127, 65535, 0).astype(np.uint16)
    for kind, colours in ((6, COLOUR16 >> 4), (4, GREY16[..., None] >> 4)):
        loaded = load(tmp_path, png(np.dstack([colours, alpha]), kind))
        assert (loaded.pixels[alpha == 0] == 255).all() and "on white" in loaded.note
        seen = np.broadcast_to(colours * (255 / 4095), COLOUR.shape)
        np.testing.assert_allclose(loaded.pixels[alpha > 0], seen[alpha > 0], atol=1)


@pytest.mark.parametrize("kind", [0, 2])
@pytest.mark.parametrize("bits", [9, 10, 12, 14])
def test_the_depth_that_a_png_declares_is_used(tmp_path, kind, bits):
    """In the lower bits, as cameras leave it, or the upper ones, as the standard has it."""
    low = (COLOUR16 if kind == 2 else GREY16[..., None]) >> (16 - bits) >> 1  # half as bright
    up = low << (16 - bits)
    sbit = bytes([bits] * low.shape[2])
    for samples in (low, up, up | (low >> max(0, 2 * bits - 16))):
        loaded = load(tmp_path, png(samples, kind, sbit=sbit))
        expected = np.broadcast_to(low * (255 / (2**bits - 1)), COLOUR.shape)
        np.testing.assert_allclose(loaded.pixels, expected, atol=1.01)
        assert "as declared" in loaded.note


def test_a_declaration_that_cannot_be_is_not_used(tmp_path):
    assert "0..65535" in load(tmp_path, png(GREY16[..., None], 0, sbit=b"\x0a")).note
    for sbit in (b"\0", b"\x10", b"\xff"):
        assert "only 0..4095" in load(tmp_path, png(GREY16[..., None] >> 4, 0, sbit=sbit)).note


def test_where_the_depth_is_found():
    assert significant_bits(png(COLOUR16, 2, sbit=b"\x0a\x0b\x0c")) == 12
    assert significant_bits(png(COLOUR16, 2)) == 16
    assert significant_bits(b"\x89PNG\r\n\x1a\n\0\0\0\x03sBIT") == 16
    assert significant_bits(b"") == 16
    assert jpeg2000_bits(encoded(Image.fromarray(GREY), "JPEG2000")) == 8
    assert jpeg2000_bits(encoded(Image.fromarray(GREY16), "JPEG2000")) == 16
    assert jpeg2000_bits(b"\xff\x4f\xff\x51") == 16


def netpbm(samples, most, *, comment=b""):
    magic = b"P6" if samples.shape[2] == 3 else b"P5"
    kind = ">u2" if most > 255 else "u1"
    head = magic + b"\n" + comment + b"%d %d\n%d\n" % (samples.shape[1], samples.shape[0], most)
    return head + samples.astype(kind).tobytes()


@pytest.mark.parametrize("most", [1, 100, 255, 1023, 4095, 10000, 65535])
@pytest.mark.parametrize("whole", [COLOUR16, GREY16[..., None]], ids=["ppm", "pgm"])
def test_a_pgm_s_own_white_is_white(tmp_path, most, whole):
    samples = np.rint(whole / 65535 * most)
    loaded = load(tmp_path, netpbm(samples, most, comment=b"# of a camera\n"))
    expected = np.broadcast_to(samples / most * 255, COLOUR.shape)
    np.testing.assert_allclose(loaded.pixels, expected, atol=0.51)
    assert ("as declared" in loaded.note) == (most not in (255, 65535))
    half = load(tmp_path, netpbm(samples // 2, most))
    np.testing.assert_allclose(half.pixels, np.broadcast_to(samples // 2 / most * 255,
                                                            COLOUR.shape), atol=0.51)  # fmt: skip


def test_all_bits_and_no_depth_in_a_pgm_are_said(tmp_path):
    assert "only 0..1023 of 65535" in load(tmp_path, netpbm(GREY16[..., None] >> 6, 65535)).note


def test_numbers_as_text_are_read_and_many_of_them_refused(tmp_path, monkeypatch):
    text = b"P2\n24 16\n4095\n" + b" ".join(b"%d" % v for v in (GREY16 >> 4).ravel())
    expected = (GREY16 >> 4) * (255 / 4095)
    np.testing.assert_allclose(load(tmp_path, text).pixels[..., 0], expected, atol=0.6)
    monkeypatch.setattr("ddad.images.deep.PLAIN_BYTES", 100)
    with pytest.raises(ImageError, match="save it as binary"):
        load(tmp_path, text)


def test_bitmaps_and_float_maps(tmp_path):
    bits = GREY > 127
    loaded = load(tmp_path, encoded(Image.fromarray(bits), "PPM"))
    np.testing.assert_array_equal(loaded.pixels[..., 0] > 0, bits)
    unit = (GREY / 255).astype(np.float32)
    loaded = load(tmp_path, encoded(Image.fromarray(unit), "PPM"))
    np.testing.assert_allclose(loaded.pixels[..., 0], GREY, atol=1)


def test_a_deep_jpeg_2000_keeps_its_levels(tmp_path):
    loaded = load(tmp_path, encoded(Image.fromarray(GREY16), "JPEG2000", irreversible=False))
    np.testing.assert_allclose(loaded.pixels[..., 0], GREY, atol=1)
    dark = load(tmp_path, encoded(Image.fromarray(GREY16 >> 6), "JPEG2000", irreversible=False))
    np.testing.assert_allclose(dark.pixels[..., 0], (GREY16 >> 6) * (255 / 1023), atol=1)
    assert "only 0..1023" in dark.note


@pytest.mark.parametrize("cut", [0.1, 0.4, 0.7, 0.95])
def test_cut_files_are_refused_in_a_sentence(tmp_path, cut):
    for data in (png(COLOUR16, 2), png(np.dstack([COLOUR16, GREY16]), 6),
                 netpbm(COLOUR16, 65535), netpbm(GREY16[..., None] >> 4, 4095)):  # fmt: skip
        with pytest.raises(ImageError) as error:
            load(tmp_path, data[: int(cut * len(data))])
        assert "\n" not in str(error.value)
