from __future__ import annotations

import struct
import threading

import numpy as np
import pytest
from drawing import COLOUR, GREY16, chunk, encoded, load, tiff
from PIL import Image

from ddad.images.decode import ImageError, load_image


def test_size_is_checked_in_the_header_before_decoding(tmp_path):
    header = struct.pack(">IIBBBBB", 65535, 65535, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")
    with pytest.raises(ImageError, match=r"4294\.8 megapixels.*limit is 40"):
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
