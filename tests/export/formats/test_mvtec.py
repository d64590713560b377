from __future__ import annotations

import zipfile

import numpy as np
from reviewing import good, record, reviewed

from ddad.data.datasets import read
from ddad.export.bundle import write_zip
from ddad.export.formats.mvtec import defect_name
from ddad.export.reviewed import find_shapes
from ddad.images.regions import RegionLabel


def test_the_mvtec_layout_is_read_by_our_own_reader(tmp_path):
    records = [record(f"{i}.png", i) for i in range(3)] + [good("fine.png")]
    write_zip(records, ["mvtec"], tmp_path / "m.zip")
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        archive.extractall(tmp_path / "out")
    samples = read(tmp_path / "out" / "mvtec")
    assert sorted((s.defect, s.mask_path is not None) for s in samples) == [
        *([("dent", True)] * 3),
        ("good", False),
    ]


def test_the_folder_is_the_one_label_or_says_that_there_are_several():
    mask = np.zeros((10, 12), bool)
    mask[1:3, 1:4] = mask[6:9, 5:9] = True
    shapes = find_shapes(reviewed(mask, labels=(RegionLabel(5, 6, "dent"),)))
    assert defect_name(shapes) == "combined"
    assert defect_name(shapes[:1]) == shapes[0].label
    assert defect_name([]) == "good"


def test_a_defect_that_is_labelled_good_is_not_among_the_good_ones(tmp_path):
    write_zip([record("a.png", label="Good")], ["mvtec"], tmp_path / "m.zip")
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        assert "mvtec/test/good_/a.png" in archive.namelist()


def test_labels_that_would_share_a_folder_have_one_each(tmp_path):
    labels = ("a b", "a_b", "A B", "é", "e\u0301", "-1", "a b")
    write_zip(
        [record(f"{i}.png", i, label=x) for i, x in enumerate(labels)],
        ["mvtec"],
        tmp_path / "m.zip",
    )
    with zipfile.ZipFile(tmp_path / "m.zip") as archive:
        names = [name.split("/")[2] for name in archive.namelist() if "/test/" in name]
    assert names == ["a_b", "a_b_2", "A_B_3", "é", "é_2", "_-1", "a_b"]
