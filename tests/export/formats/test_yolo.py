from __future__ import annotations

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from reviewing import RING, content, masks, record, reviewed

from ddad.export.bundle import write_zip
from ddad.export.formats.form import Whole
from ddad.export.formats.yolo import Yolo, segments
from ddad.export.reviewed import find_shapes
from ddad.images.filling import rasterise
from ddad.images.outlines import iou


@given(masks)
@example(RING)
@settings(deadline=None)
def test_yolo_lines_read_back_are_the_mask_or_as_near_as_stated(mask):
    height, width = mask.shape
    shapes = find_shapes(reviewed(mask))
    lines = segments(shapes, mask.shape, ["scratch", "defect"]).splitlines()
    for line, shape in zip(lines, shapes, strict=True):
        number, *values = line.split()
        ring = np.array(values, float).reshape(-1, 2)
        assert number == "1" and len(ring) >= 3 and ring.min() >= 0 and ring.max() <= 1
        drawn = rasterise([np.round(ring * [width, height], 3)], mask.shape)
        assert iou(drawn, shape.placed(mask.shape)) == shape.iou


LABELS = (
    *("裂纹", "dent 🔀 '野", 'say "hi"', "two\nlines", "a: b", "yes", "null", "# note", "- x"),
    *("{a}", "1", "1.5", "~", "é" * 300, " padded ", "!!int 3", "%TAG", "&a", "*a", "@", "`"),
    *("tab\there", "\\n", "''", "0x1F", "2026-01-01", "=", "<<", "|", ">", "?", "---", "..."),
)
UNSEEN = ("\u2028", "\x7f", "\x85", "\ufeff", "\udcff", "\x85a", "\ufffe", "裂")


@pytest.mark.parametrize("labels", [LABELS, UNSEEN])
def test_any_label_comes_back_from_data_yaml(tmp_path, labels):
    records = [record(f"{i}.png", i, label=label) for i, label in enumerate(labels)]
    write_zip(records, ["yolo"], tmp_path / "y.zip")
    files = content(tmp_path / "y.zip")
    data = yaml.safe_load(files["data.yaml"])
    assert data["names"] == dict(enumerate(labels))
    assert "path" not in data and data["train"] == data["val"] == "images"
    assert labels is UNSEEN or "裂纹" in files["data.yaml"].decode()
    assert {f"labels/{i}.txt" for i in range(len(labels))} <= set(files)
    assert {f"images/{i}.png" for i in range(len(labels))} <= set(files)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4, unique=True))
@settings(deadline=None)
def test_labels_of_any_characters_are_numbered(labels):
    ((_, data),) = Yolo(Whole(classes=labels)).finish()
    assert yaml.safe_load(data)["names"] == dict(enumerate(labels))
