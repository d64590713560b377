"""Kinds of files: what is said to be read is read, by every list and every suffix."""

from __future__ import annotations

import re

import numpy as np
import pytest
from drawing import COLOUR, encoded, load
from parts import ROOT
from PIL import Image, features

from ddad.images.files import pictures_in
from ddad.images.formats import IMAGE_SUFFIXES, OTHER_SUFFIXES, READ, SENTENCE
from ddad.images.guard import ImageError


@pytest.mark.parametrize(("kind", "suffix"), [(k, s) for k, all_ in READ.items() for s in all_])
def test_every_suffix_is_read_and_listed_in_any_capitals(tmp_path, kind, suffix):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow is built without AVIF")
    smooth = Image.fromarray(COLOUR).resize((48, 32), Image.Resampling.BICUBIC)
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(smooth.convert("L") if suffix == ".pgm" else smooth, kind, **options)
    for name in (f"x{suffix}", f"y{suffix.upper()}"):
        pixels = load(tmp_path, data, name).pixels
        assert pixels.shape == (32, 48, 3)
        if suffix != ".pgm":
            assert np.abs(pixels.astype(int) - np.asarray(smooth)).mean() < 8
    assert len(pictures_in(tmp_path)) == 2


def test_the_sentence_names_what_is_read():
    named = re.sub("[ -]|of any depth", "", SENTENCE).upper()
    for kind in READ:
        assert kind in named or kind == "PPM" and "PPM" in named, kind
    assert len(re.split(", | or ", SENTENCE)) == len(READ) + 1  # PGM and PPM are one format
    assert not IMAGE_SUFFIXES & OTHER_SUFFIXES
    assert SENTENCE in (ROOT / "docs" / "pictures.md").read_text()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("IMG_1.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC or HEIF file"),
        ("phone.jpg", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a HEIC or HEIF file"),
        ("a.jxl", b"\xff\x0a" + b"1" * 30, "a JPEG XL file"),
        ("a.png", b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL file"),
        ("plan.pdf", b"%PDF-1.7", "a PDF file"),
        ("a.cr3", b"\0\0\0\x18ftypcrx ", "a .cr3 file"),
        ("a.png", b"hello, this is text", "not an image"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_kind(tmp_path, name, data, kind):
    with pytest.raises(ImageError, match=f"{name} is {kind}.*use PNG"):
        load(tmp_path, data, name)
