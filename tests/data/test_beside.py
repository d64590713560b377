"""Masks that are called like their photographs, and files of annotations."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from ddad.data.beside import annotated, twin_mask
from ddad.data.layout import arrange

MARKS = {
    "labels/1.txt": "0 0.5 0.5 0.25 0.125\n",
    "Annotations/1.xml": "<annotation><object><name>dent</name></object></annotation>",
    "1.json": '{"shapes": [{"points": [[1, 2]]}]}',
    "coco.json": '{"annotations": [{"bbox": [0, 0, 1, 1]}]}',
}
"""By YOLO, VOC, LabelMe and COCO."""
NO_MARKS = {"1.txt": "taken on 3 May", "1.xml": "<camera/>", "a.txt": MARKS["labels/1.txt"]}
NO_MARKS |= {"2.json": '{"shapes": []}', "labels/1.txt": ""}


@pytest.mark.parametrize("soft", [False, True])
def test_a_mask_that_is_called_like_its_image(tmp_path, soft):
    rng = np.random.default_rng(0)
    broken, mask = spoil(texture(rng), rng)
    Image.fromarray(broken).save(tmp_path / "1.jpg")
    Image.fromarray(texture(rng)).save(tmp_path / "1.bmp")
    files = [tmp_path / "1.jpg", tmp_path / "1.bmp", tmp_path / "1.png"]
    photographs = arrange([file.name for file in files]).photographs
    assert twin_mask(files[:2], photographs[:2]) is None
    values = mask * np.uint8(255)
    if soft:  # as JPEG and resizing leave them
        values = values | rng.integers(0, 12, values.shape, dtype=np.uint8)
    Image.fromarray(values).save(files[2])
    assert twin_mask(files, photographs) == (files[2], files[0])


@pytest.mark.parametrize(("name", "text"), MARKS.items())
def test_annotations_are_found(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert list(annotated(tmp_path, [tmp_path / "images/1.png"])) == [name]


@pytest.mark.parametrize(("name", "text"), NO_MARKS.items())
def test_other_files_are_none(tmp_path, name, text):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(text)
    assert not list(annotated(tmp_path, [tmp_path / "1.png"]))
