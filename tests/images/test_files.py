from __future__ import annotations

import json
import os

import numpy as np
import pytest
from drawing import COLOUR, GREY16
from PIL import Image

from ddad.images.files import (
    file_digest,
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
