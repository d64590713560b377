"""The ZIP: whole, the same twice, safe names, and what is in it read by others."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import PurePosixPath

import numpy as np
import pytest
import yaml
from reviewing import content, good, opened, record

from ddad.export.bundle import FORMATS, write_zip

HOSTILE = (
    *("../../evil.png", "C:\\x\\CON.png", "evil.png", "EVIL.PNG", "", "\0\n.png"),
    *("=HYPERLINK(1)", "<script>alert(1)</script>.png", "\u202egnp.png", "\udcff.png", "n" * 300),
)


def test_the_formats_are_in_the_pages_order_and_words():
    assert list(FORMATS.items()) == [
        ("masks", "Masks, PNG"),
        ("mvtec", "MVTec folders"),
        ("coco", "COCO"),
        ("yolo", "YOLO segments"),
        ("label-studio", "Label Studio"),
        ("labelme", "labelme"),
        ("csv", "Scores and regions, CSV"),
        ("maps", "Score maps, 16 bit and float"),
        ("report", "Report, one HTML page"),
    ]


def test_every_format_at_once(tmp_path):
    records = [record("a.png"), record("b.png", 2, label="scratch"), good("c.png")]
    write_zip(records, FORMATS, tmp_path / "all.zip", extra={"decisions.csv": b"at\n"})
    files = content(tmp_path / "all.zip")
    assert set(files) == {
        *(f"{folder}/{s}.png" for folder in ("images", "masks", "maps") for s in "abc"),
        *(f"maps/{s}.tiff" for s in "abc"),
        *(f"labels/{s}.txt" for s in "abc"),
        *(f"labelme/{s}.json" for s in "abc"),
        *("mvtec/test/dent/a.png", "mvtec/test/scratch/b.png", "mvtec/test/good/c.png"),
        *("mvtec/ground_truth/dent/a_mask.png", "mvtec/ground_truth/scratch/b_mask.png"),
        *("coco/polygons.json", "coco/exact.json", "data.yaml", "scores.csv", "regions.csv"),
        *("label-studio/tasks.json", "label-studio/config.xml", "report.html", "run.json"),
        "decisions.csv",
    }
    assert [p.name for p in tmp_path.iterdir()] == ["all.zip"]
    assert files["labels/c.txt"] == b""
    assert files["labels/b.txt"].startswith(b"1 ")
    assert yaml.safe_load(files["data.yaml"])["names"] == {0: "dent", 1: "scratch"}
    for r, stem in zip(records, "abc", strict=True):
        assert np.array_equal(opened(files[f"masks/{stem}.png"]), r.mask * 255)
        assert np.array_equal(opened(files[f"images/{stem}.png"]), r.pixels)
    rows = list(csv.DictReader(io.StringIO(files["scores.csv"].decode("utf-8-sig"))))
    assert [r["labels"] for r in rows] == ["dent", "scratch", ""]
    assert len(list(csv.DictReader(io.StringIO(files["regions.csv"].decode("utf-8-sig"))))) == 2


def test_hostile_names_make_safe_unique_paths_and_harmless_cells(tmp_path):
    records = [record(name, label=f"../{name}"[:90]) for name in HOSTILE]
    write_zip(records, FORMATS, tmp_path / "h.zip")
    files = content(tmp_path / "h.zip")
    with zipfile.ZipFile(tmp_path / "h.zip") as archive:
        assert len({n.casefold() for n in archive.namelist()}) == len(archive.namelist())
    for name in files:
        path = PurePosixPath(name)
        assert not path.is_absolute() and ".." not in path.parts and "\\" not in name
        assert all(part.isprintable() and len(part.encode()) < 200 for part in path.parts)
    assert len([n for n in files if n.startswith("images/")]) == len(HOSTILE)
    cells = [
        c for row in csv.reader(io.StringIO(files["scores.csv"].decode("utf-8-sig"))) for c in row
    ]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "@")]
    assert b"<script>" not in files["report.html"]


def test_the_same_work_makes_the_same_bytes(tmp_path):
    for name in ("one.zip", "two.zip"):
        write_zip((record(f"{i}.png", i) for i in range(2)), FORMATS, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_failure_on_the_way_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(b"old")

    def records():
        yield record("a.png")
        raise RuntimeError("a disk went away")

    with pytest.raises(RuntimeError):
        write_zip(records(), FORMATS, path)
    with pytest.raises(ValueError, match="there is no image to export"):
        write_zip([], FORMATS, path)
    with pytest.raises(ValueError, match="there is no export format voc: use masks, mvtec"):
        write_zip([record("a.png")], ["voc"], path)
    assert [p.name for p in tmp_path.iterdir()] == ["x.zip"] and path.read_bytes() == b"old"


def test_an_images_files_come_in_one_order_and_the_sets_after_them(tmp_path):
    write_zip([record("a.png")], set(FORMATS), tmp_path / "o.zip", extra={"last.csv": b""})
    with zipfile.ZipFile(tmp_path / "o.zip") as archive:
        names = archive.namelist()
    of_image = ("images/a.png", "masks/a.png", "mvtec/test/dent/a.png")
    assert tuple(names[:3]) == of_image
    assert names[6:9] == ["maps/a.tiff", "labels/a.txt", "run.json"]
    assert names[-1] == "last.csv"
