"""Pictures for Gradio: written once, whole, and never over a file that is being fetched."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from parts import texture

from demo.page import picture_file
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
