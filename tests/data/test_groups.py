"""A table of groups is understood or an error, whoever wrote it."""

from __future__ import annotations

import pytest

from ddad.data.groups import GroupsError, find_groups

NAMES = [f"train/good/{i:03}.png" for i in range(4)]


def write(root, text, name="split.csv", coding="utf-8"):
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(text if isinstance(text, bytes) else text.encode(coding))


def rows(mark=",", head="path{}tile", change=str):
    body = [f"{change(name)}{mark}t{i // 2}" for i, name in enumerate(NAMES)]
    return "\n".join([head.format(mark), *body])


@pytest.mark.parametrize(
    ("text", "name", "coding"),
    [
        (rows(";"), "split.csv", "utf-8-sig"),
        (rows(change=lambda name: name.replace("/", "\\")), "split.csv", "utf-8"),
        (rows("\t", "File Name{}Group").replace("\n", "\r\n"), "Groups.TSV", "utf-16"),
        (rows("|", "IMAGE{}Part-ID", str.upper), "Split.CSV", "utf-8"),
        ("sep=;\n" + rows(";") + "\n;\n", "split.csv", "utf-8"),
        (rows(change=lambda name: f"C:\\sets\\nut\\{name}"), "split.csv", "utf-8"),
        (rows(change=lambda name: f'"{name}"'), "groups.txt", "utf-8"),
        (rows(change=lambda name: name.rpartition("/")[2]), "train/split.csv", "utf-8"),
    ],
)
def test_tables_as_people_write_them(tmp_path, text, name, coding):
    write(tmp_path, text, name, coding)
    groups, said = find_groups(tmp_path, NAMES)
    assert groups == {name: f"t{i // 2}" for i, name in enumerate(NAMES)} and said == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "split.csv is empty"),
        (rows().partition("\n")[2], "no column of paths"),
        (rows() + "\ntrain/good/000.png", "row 6 of .* has 1 cells, its first line 2"),
        (rows() + "\na,b,c", "row 6 of .* has 3 cells"),
        ("path,tile\nother.png,t0", "names none of the images: its first is 'other.png'"),
        (rows() + f"\n{NAMES[0]},t9", "puts 'train/good/000.png' into more than one group"),
        (b"path,tile\n\xff\xfe\0", "not text in UTF-8"),
        (b"path,tile\n\0,1", "zero bytes"),
        ('path,tile\n"a.png,t0', "is no table"),
        ("x" * 200_000, "no column of paths"),
        ("path,split\ntrain/good/000.png,test", "is of 'test', its folders do not"),
    ],
)
def test_a_table_that_is_not_understood_is_an_error(tmp_path, text, sentence):
    write(tmp_path, text)
    with pytest.raises(GroupsError, match=sentence):
        find_groups(tmp_path, NAMES)


def test_what_is_amiss_is_said(tmp_path):
    assert find_groups(tmp_path, NAMES) == ({}, "")
    write(tmp_path, rows() + "\ngone.png,t0")
    assert find_groups(tmp_path, NAMES)[1] == "split.csv names 1 images that are not there"
    write(tmp_path, rows(), "groups.csv")
    with pytest.raises(GroupsError, match=r"groups.csv and split.csv in .* keep one"):
        find_groups(tmp_path, NAMES)


def test_a_bare_name_of_several_images_is_an_error(tmp_path):
    write(tmp_path, "path,tile\n1.png,t0")
    with pytest.raises(GroupsError, match="'1.png' may be A/1.png or B/1.png"):
        find_groups(tmp_path, ["A/1.png", "B/1.png"])


def test_splits_without_groups_are_no_groups(tmp_path):
    write(tmp_path, "path,split\ntrain/good/000.png,train")
    assert find_groups(tmp_path, NAMES) == ({}, "")
