from __future__ import annotations

import numpy as np
import pytest
from drawing import GREY, GREY16, load, tiff

from ddad.images.decode import ImageError
from ddad.images.tiff import deep_pixels


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


def test_what_pillow_reads_well_is_left_to_it(tmp_path):
    assert deep_pixels(tiff(GREY), tmp_path / "x.tif", 10**6) is None
    assert deep_pixels(b"\x89PNG", tmp_path / "x.png", 10**6) is None
    assert deep_pixels(tiff(GREY16), tmp_path / "x.tif", 10**6) is not None


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
