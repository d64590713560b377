"""What is dropped on the page, before anything of it is opened as an image."""

from __future__ import annotations

import zipfile

import pytest
from dropping import a_file, a_zip, marking, photograph

from ddad.data.archive import ArchiveError
from ddad.data.kinds import by_folder
from demo.shared.intake import Dropped, dropped, gather


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


def test_loose_files_are_one_source_and_each_archive_is_one(files, tmp_path):
    loose, packed = gather(files, tmp_path / "in")
    assert loose.loose and loose.called == "" and not packed.loose and packed.called == "set.zip"
    assert loose.names == ("a.png", "z_mask.png", "a_mask.png")
    assert [name for name, _ in loose.texts] == ["notes.txt"]
    assert [loose.names[place.index] for place in loose.photographs] == ["a.png"]
    assert {loose.names[m.mask]: m.image for m in loose.layout.matches} == {
        "a_mask.png": 0,
        "z_mask.png": None,
    }
    assert packed.names == ("s/b.png", "s/b_mask.png") and packed.layout.masks == {0: 1}
    assert [name for name, _ in packed.texts] == ["s/coco.json"]
    assert [file.name for file in packed.problems] == ["s/readme.txt"]


def test_what_lies_beside_its_namesake_and_looks_like_a_mask_is_no_photograph(tmp_path):
    entries = {"x/1.jpg": photograph(1), "x/1.png": marking(7), "x/2.jpg": photograph(2)}
    entries |= {"x/2.png": photograph(3), "y/1.bmp": photograph(4)}
    (source,) = gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")
    assert [(source.names[m], source.names[i]) for m, i in source.twins] == [("x/1.png", "x/1.jpg")]
    names = [source.names[place.index] for place in source.photographs]
    assert names == ["x/1.jpg", "x/2.jpg", "x/2.png", "y/1.bmp"]


def test_folders_are_counted(tmp_path):
    (source,) = gather([a_file(tmp_path / f"{i}.png", photograph()) for i in range(2)], tmp_path)
    assert by_folder(source.photographs) == "no folder 2"
    entries = {f"{name}/{i}.png": photograph() for name in ("a", "b/c") for i in range(2)}
    (source,) = gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")
    assert by_folder(source.photographs) == "a 2, b/c 2"
