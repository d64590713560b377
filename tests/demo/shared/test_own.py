"""The page's own export, known by what its files say."""

from __future__ import annotations

import json

import pytest
from dropping import a_file, a_zip, encoded, marking, photograph
from PIL import PngImagePlugin

from demo.shared.intake import gather
from demo.shared.own import Origin


def saying(name, digest):
    """What a mask's PNG carries."""
    info = PngImagePlugin.PngInfo()
    info.add_itxt("ddad:image", json.dumps({"name": name, "sha256": digest}))
    return info


def run(**stems):
    images = [{"stem": s, "file": n, "pixels_sha256": d} for s, (n, d) in stems.items()]
    return json.dumps({"program": "ddad 0.1", "images": images}).encode()


def test_a_mask_that_says_whose_it_is_is_known_by_itself(tmp_path):
    data = encoded(marking(3), pnginfo=saying("裂纹/x.jpg", "ab"))
    (source,) = gather([a_file(tmp_path / "x.png", data)], tmp_path / "in")
    assert [(name, origin) for name, _, origin in source.own.masks] == [
        ("x.png", Origin("裂纹/x.jpg", "ab"))
    ]
    assert not source.names


@pytest.mark.parametrize("said", ["[]", "{", '{"name": 1}', "null", '"x"', "9" * 5000])
def test_a_mask_that_says_nonsense_is_a_picture_like_others(tmp_path, said):
    info = PngImagePlugin.PngInfo()
    info.add_itxt("ddad:image", said)
    path = a_file(tmp_path / "x.png", encoded(photograph(), pnginfo=info))
    (source,) = gather([path], tmp_path / "in")
    assert source.names == ("x.png",) and not source.own.masks


def test_run_json_says_whose_each_stem_is(tmp_path):
    entries = {
        "out/run.json": run(part_1=("part 1.png", "aa"), x=("x.jpg", "bb")),
        "out/masks/part_1.png": marking(3),
        "out/images/part_1.png": photograph(1),
        "out/images/x.png": photograph(2),
        "out/mvtec/test/good/x.png": photograph(2),
        "out/mvtec/ground_truth/dent/part_1_mask.png": marking(3),
        "out/maps/x.png": photograph(2),
        "out/labelme/x.json": b"{}",
        "out/coco/exact.json": b"{}",
        "out/report.html": b"",
        "beside/y.png": photograph(3),
        "beside/notes.txt": b"",
    }
    (source,) = gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")
    assert [(name, origin.name) for name, _, origin in source.own.masks] == [
        ("out/masks/part_1.png", "part 1.png")
    ]
    assert [origin for _, _, origin in source.own.pictures] == [
        Origin("part 1.png", "aa"),
        Origin("x.jpg", "bb"),
    ]
    assert source.names == ("beside/y.png",)
    assert [name for name, _ in source.texts] == ["out/coco/exact.json"]
    assert [file.name for file in source.problems] == ["beside/notes.txt"]


def test_folders_of_an_export_alone_are_read_as_any_tree(tmp_path):
    entries = {
        "run.json": run(x=("x.jpg", "bb")),
        "mvtec/test/dent/x.png": photograph(2),
        "mvtec/ground_truth/dent/x_mask.png": marking(4),
    }
    (source,) = gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")
    assert source.layout.masks == {0: 1} and not source.own.masks


@pytest.mark.parametrize("content", [b"{}", b"[]", b"{", b'{"program": "other", "images": []}'])
def test_another_run_json_makes_nothing_an_export(tmp_path, content):
    entries = {"run.json": content, "masks/x.png": marking(4), "images/x.png": photograph(2)}
    (source,) = gather([a_zip(tmp_path / "a.zip", entries)], tmp_path / "in")
    assert not source.own.masks and not source.own.pictures
    assert source.layout.masks == {1: 0}
