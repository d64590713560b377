from __future__ import annotations

import csv
import io
import unicodedata
from pathlib import PurePosixPath

import numpy as np
import pytest
import tifffile
from reviewing import content, good, opened, record

from ddad.export.bundle import FORMATS, write_zip
from ddad.export.tables import escape_cell
from ddad.images.names import tag


def test_each_image_and_each_region_has_its_row(tmp_path):
    records = [record("a.png"), good("b.png"), record("=c.png", 2, label="@scratch")]
    write_zip(records, ["csv"], tmp_path / "t.zip")
    files = content(tmp_path / "t.zip")
    assert set(files) == {"scores.csv", "regions.csv", "run.json"}
    scores, regions = (
        list(csv.DictReader(io.StringIO(files[name].decode("utf-8-sig"), newline="")))
        for name in ("scores.csv", "regions.csv")
    )
    assert [row["file"] for row in scores] == ["a.png", "b.png", "'=c.png"]
    assert [row["decision"] for row in scores] == ["defective", "good", "defective"]
    assert [row["verdict"] for row in scores] == ["", "defective", ""]  # the model's, by itself
    stem = f"c~{tag('=c.png')}"
    assert [(r["stem"], r["label"]) for r in regions] == [("a", "dent"), (stem, "'@scratch")]
    assert [row["mask"] for row in scores] == ["", "", ""]
    assert files["scores.csv"].count(b"\r\n") == 4


NAMES = (
    *(
        "-5.png",
        "-rf 1.png",
        "@cam.png",
        "=1+1.png",
        "+x.png",
        "裂纹.png",
        "a.png",
        "A.jpg",
        "á.png",
    ),
    *(
        "a\u0301.PNG",
        "Á.bmp",
        "sub/a.png",
        "ﬁ.png",
        "ß.png",
        "SS.png",
        "\t=1.png",
        "＝1.png",
        "-.png",
    ),
)


@pytest.mark.parametrize("formats", [FORMATS, ["csv", "masks"], ["csv", "maps"], ["csv", "coco"]])
def test_a_row_names_its_own_files_in_every_format(tmp_path, formats):
    """By columns that need no guard: no cell of theirs begins as a formula does."""
    records = [record(name, i) for i, name in enumerate(NAMES)]
    write_zip(records, formats, tmp_path / "t.zip")
    files = content(tmp_path / "t.zip")
    assert files["scores.csv"].startswith(b"\xef\xbb\xbffile,")
    rows = list(csv.DictReader(io.StringIO(files["scores.csv"].decode("utf-8-sig"), newline="")))
    for row, r in zip(rows, records, strict=True):
        assert escape_cell(row["stem"]) == row["stem"]
        for column in ("image", "mask", "map"):
            assert escape_cell(row[column]) == row[column]
            assert bool(row[column]) == any(name.startswith(f"{column}s/") for name in files)
            assert row[column] == "" or PurePosixPath(row[column]).stem == row["stem"]
        if row["image"]:
            assert np.array_equal(opened(files[row["image"]]), r.pixels)
        if row["mask"]:
            assert np.array_equal(opened(files[row["mask"]]), r.mask * 255)
        if row["map"]:
            assert np.array_equal(tifffile.imread(io.BytesIO(files[row["map"]])), r.score_map)
    stems = [unicodedata.normalize("NFD", row["stem"].casefold()) for row in rows]
    assert len(set(stems)) == len(NAMES)
