"""What is dropped on the page, before anything of it is opened as an image."""

from __future__ import annotations

import zipfile

import pytest

from ddad.data.archive import ArchiveError
from demo.shared.intake import Dropped, defect, dropped, gather


@pytest.fixture
def files(tmp_path):
    """Loose files about an archive of which one entry is no image."""
    for name in ("a.png", "a_mask.png", "notes.txt", "z_mask.png"):
        (tmp_path / name).write_bytes(name.encode())
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name in ("s/b.png", "s/b_mask.png", "s/readme.txt", "s/coco.json"):
            archive.writestr(name, name)
    names = ("a.png", "set.zip", "z_mask.png", "a_mask.png", "notes.txt")
    return [tmp_path / name for name in names]


def test_each_file_is_a_row_in_the_order_of_the_drop(files, tmp_path):
    rows = list(dropped(files, tmp_path / "in"))
    names = ["a.png", "s/b.png", "s/b_mask.png", "s/readme.txt", "s/coco.json"]
    assert [row.name for row in rows] == [*names, "z_mask.png", "a_mask.png", "notes.txt"]
    assert [row.source for row in rows] == [-1, 1, 1, 1, 1, -1, -1, -1]
    assert rows[0] == Dropped("a.png", files[0])
    assert rows[1].path.read_bytes() == b"s/b.png" and not rows[1].problem
    assert rows[3].path is None and "it is none of" in rows[3].problem


def test_an_archive_is_opened_when_its_turn_comes_and_within_its_limits(files, tmp_path):
    rows = dropped([files[0], files[1]], tmp_path / "in", entries=3)
    assert next(rows).name == "a.png" and not (tmp_path / "in").exists()
    with pytest.raises(ArchiveError, match="more than 3 entries"):
        next(rows)
    with pytest.raises(ArchiveError, match="the limit is 30 bytes"):
        list(dropped([files[1]], tmp_path / "in", total=30))
    with pytest.raises(ArchiveError):  # then none of the drop is taken
        gather([files[0], files[-1].rename(tmp_path / "torn.zip")], tmp_path / "in")


def test_masks_find_the_images_they_came_with_and_wait_at_the_end_otherwise(files, tmp_path):
    rows = gather(files, tmp_path / "in")
    found = [(row.name, row.mask.name if row.mask else None, bool(row.problem)) for row in rows]
    assert found == [
        ("a.png", "a_mask.png", False),
        ("notes.txt", None, False),
        ("s/readme.txt", None, True),
        ("s/b.png", "00001.png", False),
        ("z_mask.png", "z_mask.png", False),
        ("s/coco.json", "00003.json", False),
    ]
    assert [row.path is None for row in rows] == [False, False, True, False, True, True]


def test_a_layout_of_mvtec_names_defects():
    assert defect("set/test/square/0.png") == "square" and defect("test/good/1.png") == "good"
    assert defect("latest/square/0.png") is None and defect("test/0.png") is None
