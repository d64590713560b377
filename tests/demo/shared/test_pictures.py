"""Pictures for the page: files written once and whole, and what is put into the page itself."""

from __future__ import annotations

import base64
import io
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from parts import texture
from PIL import Image

from ddad.images.guard import SENTENCE
from demo.shared.pictures import (
    EDITED,
    READABLE,
    edit_shape,
    image_tag,
    map_values,
    photograph_url,
    picture_file,
    resized,
)
from demo.store.files import read_png


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture
def pixels():
    return texture(np.random.default_rng(5))


def test_the_file_holds_the_pixels_and_bears_the_name(pixels, cache):
    path = Path(picture_file(pixels, "restored.png"))
    assert path.name == "restored.png"
    assert path.is_relative_to(cache)
    assert np.array_equal(read_png(path), pixels)
    mask = pixels[..., 0] > 128
    grey = picture_file(mask.astype(np.uint8) * 255, "mask.png")
    assert np.array_equal(read_png(Path(grey)) == 255, mask)


def test_a_side_shrinks_the_longer_one_and_never_enlarges(pixels):
    height, width = pixels.shape[:2]
    assert max(read_png(Path(picture_file(pixels, "a.png", 20))).shape) == 20
    assert read_png(Path(picture_file(pixels, "b.png", 4000))).shape == (height, width, 3)


def test_the_same_picture_is_the_same_file_and_another_is_not(pixels):
    first = picture_file(pixels, "a.png")
    assert picture_file(pixels, "a.png") == first
    assert picture_file(pixels[::-1], "a.png") != first
    flat = np.zeros((4, 6), np.uint8)
    assert picture_file(flat, "a.png") != picture_file(flat.reshape(6, 4), "a.png")


def test_a_file_being_fetched_is_never_cut_short(cache):
    """Whoever makes a picture anew writes nothing over it: it keeps its inode and its length."""
    pixels = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    path = Path(picture_file(pixels, "a.webp"))
    before, short, over = path.stat(), [], threading.Event()

    def fetch():
        while not over.is_set():
            short.append(len(path.read_bytes()) != before.st_size)

    reader = threading.Thread(target=fetch)
    reader.start()
    with path.open("rb") as file:
        first = file.read(100)
        makers = [
            threading.Thread(target=lambda: [picture_file(pixels, "a.webp") for _ in range(100)])
            for _ in range(2)
        ]
        for each in makers:
            each.start()
        for each in makers:
            each.join()
        whole = first + file.read()
    over.set()
    reader.join()
    assert len(whole) == before.st_size
    assert path.stat().st_ino == before.st_ino
    assert short
    assert not any(short)
    assert [file.name for file in path.parent.iterdir()] == ["a.webp"]


def test_a_picture_that_cannot_be_written_leaves_nothing(pixels, cache):
    with pytest.raises(ValueError, match="suffix|extension"):
        picture_file(pixels, "a.nothing")
    assert not [file for file in cache.rglob("*") if file.is_file()]


def test_what_may_be_brought_is_what_the_library_reads():
    named = re.findall(r"[A-Z][A-Za-z]+", READABLE)
    assert len(named) > 4 and set(named) <= set(re.findall(r"\w+", SENTENCE))


def opened(url):
    """A data URL's kind and its picture."""
    kind, data = url.removeprefix("data:image/").split(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(data)))


def test_the_canvas_gets_a_photograph_as_it_is_and_a_large_one_as_jpeg(pixels):
    kind, picture = opened(photograph_url(pixels))
    assert kind == "png"
    np.testing.assert_array_equal(np.asarray(picture), pixels)
    large = np.repeat(np.repeat(pixels, 26, 0), 26, 1)
    kind, picture = opened(photograph_url(large))
    assert kind == "jpeg" and picture.size == large.shape[1::-1]


def test_masks_of_a_large_image_are_edited_smaller_in_its_proportions():
    assert edit_shape(4000, 4000) == (4000, 4000)
    height, width = edit_shape(8000, 6000)
    assert height * width == pytest.approx(EDITED, rel=1e-3)
    assert height / width == pytest.approx(8 / 6, rel=1e-3)
    assert edit_shape(1, 40_000_000)[0] == 1
    mask = np.zeros((8, 6), bool)
    mask[2:4] = True
    assert resized(mask, 8, 6) is mask
    np.testing.assert_array_equal(resized(resized(mask, 16, 12), 8, 6), mask)


def test_a_map_reaches_the_browser_as_it_is_but_never_larger_than_its_image():
    values = np.random.default_rng(0).normal(size=(5, 7))
    sent = map_values(values, 10, 20)
    got = np.frombuffer(base64.b64decode(sent["data"]), "<f4").reshape(sent["h"], sent["w"])
    np.testing.assert_array_equal(got, values.astype(np.float32))
    assert [map_values(values, 3, 20)[k] for k in ("h", "w")] == [3, 7]
    assert [map_values(values, 10, 4)[k] for k in ("h", "w")] == [5, 4]


def test_an_image_in_the_page_is_reduced_and_what_is_none_is_its_text(pixels, tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    tag = image_tag(path, "<a> 'b'", 20)
    assert "alt='&lt;a&gt; &#x27;b&#x27;'" in tag
    assert max(opened(re.findall("src='([^']*)'", tag)[0])[1].size) == 20
    _, whole = opened(re.findall("src='([^']*)'", image_tag(path, "a"))[0])
    np.testing.assert_array_equal(np.asarray(whole), pixels)
    path.write_bytes(b"junk")
    for there in (path, tmp_path / "absent.png"):
        assert image_tag(there, "<a>", 20) == "<span class='nothing'>&lt;a&gt;</span>"
