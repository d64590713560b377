from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from drawing import COLOUR, GREY16
from PIL import Image

from ddad.images.files import (
    file_digest,
    look_into,
    pictures_in,
    shown,
    write_animation,
    write_json,
    write_png,
    write_text,
    write_whole,
)


def test_pictures_are_found_in_order_and_what_is_hidden_or_apart_is_not(tmp_path):
    for name in ("b.PNG", "a/c.jpeg", "a/d.txt", ".h.png", ".git/e.png", "out/m/f.png", "g.png/h"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    names = [p.relative_to(tmp_path).as_posix() for p in pictures_in(tmp_path)]
    assert names == ["a/c.jpeg", "b.PNG", "out/m/f.png"]
    apart = tmp_path / "a" / ".." / "out"
    assert len(pictures_in(tmp_path, apart=apart)) == 2
    assert pictures_in(tmp_path / "none") == []


def tree(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")


def names(root, folder=None, **options):
    found = look_into(folder or root, **options)
    return [p.relative_to(root).as_posix() for p in found.pictures], found.sentence


def test_links_to_folders_are_followed_and_each_folder_is_walked_once(tmp_path):
    root = tmp_path / "root"
    tree(root, "first.png", "real/a.png", "real/deep/b.png")
    tree(tmp_path / "elsewhere", "c.png", "d/e.png")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "again").symlink_to(tmp_path / "elsewhere" / "d")  # within what is linked
    (root / "twice").symlink_to(root / "real")
    (root / "real" / "deep" / "up").symlink_to(root / "real")  # a loop, listed already
    (tmp_path / "elsewhere" / "loop").symlink_to(tmp_path / "elsewhere")
    found, said = names(root)
    assert sorted(found) == found and said == ""
    assert [name.rpartition("/")[2] for name in found] == [
        *("e.png", "first.png", "c.png", "a.png", "b.png")
    ]
    assert {"real/a.png", "real/deep/b.png"} <= set(found)


def test_links_upward_and_to_nowhere_are_said_and_not_followed(tmp_path):
    root = tmp_path / "x" / "root"
    tree(root, "a.png", "b/c.png")
    tree(tmp_path / "x", "beside.png")
    for name, target in (("up", ".."), ("self", "."), ("b/top", "/")):
        (root / name).symlink_to(target)
    (root / "lost.png").symlink_to("nowhere.png")
    (root / "batch2").symlink_to(tmp_path / "unplugged")
    found, said = names(root)
    assert found == ["a.png", "b/c.png"]
    assert "2 links that lead nowhere" in said and "3 links to a folder above" in said
    assert "unplugged" not in said and "batch2" in said


def test_what_leads_into_the_results_is_passed_over(tmp_path):
    tree(tmp_path, "in/a.png", "in/out/maps/m.png")
    (tmp_path / "in" / "results").symlink_to(tmp_path / "in" / "out" / "maps")
    assert names(tmp_path / "in", apart=tmp_path / "in" / "out") == (["a.png"], "")


def test_a_folder_that_is_a_link_itself_keeps_its_name(tmp_path):
    tree(tmp_path, "real/a.png")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert pictures_in(tmp_path / "link") == [tmp_path / "link" / "a.png"]


def test_linked_files_are_pictures_of_their_own_names(tmp_path):
    tree(tmp_path, "pool/blank.png")
    (tmp_path / "masks").mkdir()
    for name in ("0.png", "1.png"):
        (tmp_path / "masks" / name).symlink_to(tmp_path / "pool" / "blank.png")
    assert len(pictures_in(tmp_path)) == 3


def test_other_kinds_of_picture_are_counted_and_other_files_are_not(tmp_path):
    tree(
        tmp_path, "a.png", "b.jfif", "c.HEIC", "d/e.heic", "f.jxl", "g.txt", "h.csv", "i", ".j.pdf"
    )
    found, said = names(tmp_path)
    assert found == ["a.png", "b.jfif"]
    assert said == "passed over: 2 .heic, 1 .jxl"


@contextmanager
def as_nobody(root):
    """Root opens every folder, so it steps back for as long as the block lasts."""
    if os.geteuid():
        yield
        return
    root.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_that_cannot_be_opened_is_said():
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        tree(root, "a.png", "shut/b.png")
        (root / "shut").chmod(0)
        with as_nobody(root):
            found, said = names(root)
        (root / "shut").chmod(0o700)
    assert found == ["a.png"] and "1 folders that cannot be opened" in said


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "new" / "x.txt"
    write_text("one\r\n", path)
    assert path.read_bytes() == b"one\r\n"
    with pytest.raises(RuntimeError), write_whole(path) as part:
        assert part.name[0] == "." and part.suffix == ".txt"
        part.write_text("half")
        raise RuntimeError
    assert path.read_bytes() == b"one\r\n" and os.listdir(path.parent) == ["x.txt"]
    with write_whole(path) as one, write_whole(path) as other:
        assert one != other
        one.write_text("1")
        other.write_text("2")
    assert path.read_text() == "1"
    write_json({"a": [1]}, path)
    assert json.loads(path.read_text()) == {"a": [1]} and path.read_text().endswith("\n")


def test_png_files_appear_whole_or_not_at_all(tmp_path):
    write_png(GREY16, tmp_path / "deep.png")
    with Image.open(tmp_path / "deep.png") as image:
        np.testing.assert_array_equal(np.asarray(image), GREY16)
    with pytest.raises(Exception, match="."):
        write_png(np.zeros((3, 3), np.complex64), tmp_path / "wrong.png")
    assert os.listdir(tmp_path) == ["deep.png"]


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation_holds_its_last_frame_as_long_as_all_others_take(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    frames = [np.roll(COLOUR, 5 * shift, 1) for shift in range(4)]
    write_animation(frames, path, seconds=2)
    times = []
    with Image.open(path) as image:
        assert image.n_frames == 4
        for index in range(4):
            image.seek(index)
            image.load()
            times.append(image.info["duration"])
    assert times == [250, 250, 250, 1000]


def test_a_digest_is_of_the_content_and_a_name_is_one_line(tmp_path):
    for name, data in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(data)
    one, same, other = (file_digest(tmp_path / name) for name in "abc")
    assert one == same != other and len(one) == 16
    assert shown(tmp_path / "a\nb\u202e") == f"{tmp_path}/a\\nb\\u202e"
