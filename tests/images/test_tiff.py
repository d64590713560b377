from __future__ import annotations

import io
import struct

import numpy as np
import pytest
import tifffile
from drawing import COLOUR16, GREY, GREY16, encoded, load, tiff
from PIL import Image

from ddad.images.decode import ImageError
from ddad.images.levels import Deep
from ddad.images.tiff import is_tiff, read_tiff


def test_a_declared_depth_is_the_full_scale_but_a_picture_s_own_maximum_is_none(tmp_path):
    twelve = GREY16 // 16

    def declaring(top, kind="H"):
        return load(tmp_path, tiff(twelve, extratags=[(281, kind, 1, top, True)]))

    assert declaring(4095).pixels.max() == 255 and "as declared" in declaring(4095).note
    assert declaring(16383).pixels.max() == 64
    for no_depth in (4000, 65535, 255, 0):  # a maximum of its own, all bits, a lie, nothing
        assert "only 0..4095 of 65535" in declaring(no_depth).note, no_depth
    unit = (GREY / 510).astype(np.float32)
    assert load(tmp_path, tiff(unit, extratags=[(341, "f", 1, 1.0, True)])).pixels.max() == 128


def test_not_a_number_is_black_and_nothing_but_is_refused(tmp_path):
    values = (GREY / 255).astype(np.float32)
    values[0, 0] = np.nan
    values[0, 1] = np.inf
    pixels = load(tmp_path, tiff(values)).pixels
    assert (pixels[0, :2] == 0).all() and pixels.max() == 255
    with pytest.raises(ImageError, match="finite"):
        load(tmp_path, tiff(np.full((4, 4), np.nan, np.float32)))


def test_what_pillow_reads_well_is_left_to_it(tmp_path):
    page, notes = read_tiff(tiff(GREY), tmp_path / "x.tif", 10**6)
    assert page == 0 and notes == ()
    assert not is_tiff(b"\x89PNG")
    deep, _ = read_tiff(tiff(GREY16), tmp_path / "x.tif", 10**6)
    assert isinstance(deep, Deep) and deep.values.shape == (16, 24, 1)


@pytest.mark.parametrize(("premultiplied", "level"), [(False, 178), (True, 229)])
def test_what_is_half_transparent_is_shown_on_white(tmp_path, premultiplied, level):
    """Grey 0.4 at 50 %: 0.4 * 0.5 + 0.5 = 0.7 of white, or 0.4 + 0.5 where it is multiplied in."""
    samples = np.full((8, 8, 2), (0.4 * 65535, 0.5 * 65535)).round().astype(np.uint16)
    kind = "assocalpha" if premultiplied else "unassalpha"
    loaded = load(tmp_path, tiff(samples, photometric="minisblack", extrasamples=[kind]))
    assert "on white" in loaded.note
    np.testing.assert_allclose(loaded.pixels, level, atol=1)


def test_inverted_grey_and_inks_come_out_as_colours(tmp_path):
    inverted = load(tmp_path, tiff(GREY16, photometric="miniswhite")).pixels
    np.testing.assert_allclose(inverted[..., 0], 255 - GREY.astype(int), atol=1)
    inks = np.full((8, 8, 4), (0, 65535, 65535, 0), np.uint16)
    red = load(tmp_path, tiff(inks, photometric="separated")).pixels
    assert (red == (255, 0, 0)).all()


def test_unusual_channels_are_refused(tmp_path):
    seven = tiff(np.zeros((8, 8, 7), np.uint16), photometric="minisblack", planarconfig="contig")
    with pytest.raises(ImageError, match=r"unusual channels \(7\)"):
        load(tmp_path, seven)
    two_greys = tiff(np.zeros((8, 8, 2), np.uint8), photometric="minisblack", planarconfig="contig")
    complex_numbers = tiff(np.zeros((8, 8), np.complex64))
    for data in (two_greys, complex_numbers):
        with pytest.raises(ImageError, match="use grey or RGB"):
            load(tmp_path, data)


def test_a_fourth_channel_of_no_known_meaning_is_said(tmp_path):
    four = np.dstack([COLOUR16, GREY16])
    loaded = load(tmp_path, tiff(four, photometric="rgb", extrasamples=["unspecified"]))
    np.testing.assert_allclose(loaded.pixels, COLOUR16 / 257, atol=1)
    assert "not used" in loaded.note


def pages(*arrays_and_options):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as file:
        for array, options in arrays_and_options:
            file.write(array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_the_full_size_page_is_used_wherever_it_lies(tmp_path, deep, compression):
    def page(level, side, **options):
        array = np.full((side, side), level * (257 if deep else 1), np.uint16 if deep else np.uint8)
        return array, {"photometric": "minisblack", "compression": compression, **options}

    reduced = {"subfiletype": 1}
    for made, said in (
        (pages(page(9, 8, **reduced), page(77, 32)), ""),
        (pages(page(77, 32), page(9, 8, **reduced)), ""),
        (pages(page(9, 8), page(77, 32)), "largest of 2 pages"),
        (pages(page(77, 32), page(8, 32)), "first of 2 pages"),
        (pages(page(9, 16, **reduced), page(77, 32), page(8, 16, **reduced)), ""),
        (pages(page(9, 8, subifds=1), page(77, 32)), "largest of 2 pages"),
    ):
        loaded = load(tmp_path, made)
        assert loaded.pixels.shape == (32, 32, 3) and (loaded.pixels == 77).all()
        assert said in loaded.note and bool(said) == ("pages" in loaded.note)


def packed(values, bits, *, compression=1, rows=None):
    """A grey TIFF of samples without gaps between them, as camera software writes it."""
    height, width = values.shape
    spread = (values[..., None] >> np.arange(bits - 1, -1, -1)) & 1
    strips = [
        np.packbits(part.reshape(len(part), -1), axis=1).tobytes()
        for part in np.split(spread.astype(np.uint8), range(rows or height, height, rows or height))
    ]
    tags = [(256, width), (257, height), (258, bits), (259, compression), (262, 1)]
    entries, at = len(tags) + 4, 8 + 2 + 12 * (len(tags) + 4) + 4
    lists = at if len(strips) > 1 else 0
    at += 8 * len(strips) if lists else 0
    starts = [at + sum(map(len, strips[:i])) for i in range(len(strips))]
    rows_of = [
        *[struct.pack("<HHII", tag, 3, 1, value) for tag, value in tags],
        struct.pack("<HHII", 273, 4, len(strips), lists or starts[0]),
        struct.pack("<HHII", 277, 3, 1, 1),
        struct.pack("<HHII", 278, 3, 1, rows or height),
        struct.pack("<HHII", 279, 4, len(strips), lists + 4 * len(strips) or len(strips[0])),
    ]
    if not lists:
        rows_of[-1] = struct.pack("<HHII", 279, 4, 1, len(strips[0]))
    numbers = starts + [len(s) for s in strips] if lists else []
    return (
        struct.pack("<2sHIH", b"II", 42, 8, entries)
        + b"".join(rows_of)
        + struct.pack(f"<I{len(numbers)}I", 0, *numbers)
        + b"".join(strips)
    )


@pytest.mark.parametrize("bits", [9, 10, 12, 14, 15])
@pytest.mark.parametrize("rows", [None, 5])
def test_packed_samples_are_read_at_their_depth(tmp_path, bits, rows):
    values = GREY16[:, :23] >> (16 - bits)
    loaded = load(tmp_path, packed(values, bits, rows=rows))
    np.testing.assert_allclose(loaded.pixels[..., 0], values * (255 / (2**bits - 1)), atol=0.51)
    assert "as declared" in loaded.note


def test_packed_samples_that_cannot_be_read_are_refused_as_such(tmp_path):
    with pytest.raises(ImageError, match="packed 12-bit samples"):
        load(tmp_path, packed(GREY16 >> 4, 12, compression=8))
    with pytest.raises(ImageError, match="packed samples are missing|damaged"):
        load(tmp_path, packed(GREY16 >> 4, 12)[:-50])


@pytest.mark.parametrize("kind", ["int16", "uint32", "int32", "float64", "float16", "uint64"])
@pytest.mark.parametrize("options", [{}, {"bigtiff": True}, {"tile": (16, 16)}, {"byteorder": ">"}])
def test_numbers_of_every_kind_keep_their_levels(tmp_path, kind, options):
    if kind == "float16":
        values, top = (GREY16 / 65535).astype(kind), 1
    else:
        values, top = (GREY16 // 16).astype(kind), 4095
    loaded = load(tmp_path, tiff(values, **options))
    np.testing.assert_allclose(loaded.pixels[..., 0], values.astype(float) * 255 / top, atol=1)
    assert loaded.note


def test_values_below_zero_are_refused_and_a_few_of_noise_are_not(tmp_path):
    for kind in ("int16", "int32", "float32"):
        values = (GREY16 // 16).astype(kind)
        with pytest.raises(ImageError, match="below 0"):
            load(tmp_path, tiff(values - 1000))
        assert load(tmp_path, tiff(values - 3)).pixels.max() > 250


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressions_that_pillow_alone_knows_keep_all_bits_of_grey(tmp_path, compression):
    data = encoded(Image.fromarray(GREY16 // 16), "TIFF", compression=compression)
    loaded = load(tmp_path, data)
    np.testing.assert_allclose(loaded.pixels[..., 0], GREY16 // 16 * (255 / 4095), atol=1)


def test_predictors_keep_all_bits(tmp_path):
    for values in (GREY16, COLOUR16):
        photometric = "rgb" if values.ndim == 3 else "minisblack"
        data = tiff(values, compression="zlib", predictor=2, photometric=photometric)
        expected = np.broadcast_to(np.atleast_3d(values) / 257, COLOUR16.shape)
        np.testing.assert_allclose(load(tmp_path, data).pixels, expected, atol=1)


def test_a_file_without_a_page_is_said_to_be_cut(tmp_path):
    with pytest.raises(ImageError, match="cut short: it has no page"):
        load(tmp_path, tiff(GREY16)[:8])
