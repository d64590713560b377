from __future__ import annotations

import numpy as np
import pytest
from parts import texture
from PIL import Image

from ddad.work.outputs import plan_outputs


def write(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(texture(np.random.default_rng(0))).save(path)


def test_outputs_keep_folders_and_never_collide(tmp_path):
    for name in ("a/x.png", "a/sub/x.png", "a/x.jpg", "a/x.JPG.png", "b/x.png", "b/.hid/y.png"):
        write(tmp_path / name)
    write(tmp_path / "a" / "X.bmp")
    alone = plan_outputs([tmp_path / "a"])
    assert ("sub/x", tmp_path / "a/sub/x.png") in {(str(o), f) for f, o in alone}
    both = plan_outputs([tmp_path / "a", tmp_path / "b", tmp_path / "b" / "x.png"])
    for plan in (alone, both):
        names = [str(out).lower() for _, out in plan]
        assert len(names) == len(set(names))
    assert {str(o) for f, o in both if f.parent.name == "b"} == {"b/x", "x"}
    assert len(both) == 7


def test_folders_of_one_name_do_not_collide(tmp_path):
    write(tmp_path / "1" / "images" / "x.png")
    write(tmp_path / "2" / "images" / "x.png")
    plan = plan_outputs([tmp_path / "1" / "images", tmp_path / "2" / "images"])
    assert len({str(out) for _, out in plan}) == 2


@pytest.mark.parametrize("name", ["none", "empty"])
def test_nothing_to_score_is_said(tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no such file|no images"):
        plan_outputs([tmp_path / name])


def test_results_of_a_run_before_are_passed_over(tmp_path):
    for name in ("a.png", "out/maps/a.png", "sub/b.png"):
        write(tmp_path / name)
    (tmp_path / "sub" / "again.png").symlink_to(tmp_path / "out" / "maps" / "a.png")
    planned = plan_outputs([tmp_path], tmp_path / "sub" / ".." / "out")
    assert [str(name) for _, name in planned] == ["a", "sub/b"]
    with pytest.raises(ValueError, match="no images in the folder"):
        plan_outputs([tmp_path], tmp_path)


def test_what_was_found_instead_of_images_is_said(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.csv", "b.CSV", "c.zip", "README"):
        (tmp_path / "in" / name).touch()
    found = "found 2 .csv, 1 .zip, 1 without suffix below it"
    with pytest.raises(ValueError, match=found):
        plan_outputs([tmp_path / "in"])
    write(tmp_path / "in" / "out" / "maps" / "a.png")
    with pytest.raises(ValueError, match="besides those of --out"):
        plan_outputs([tmp_path / "in"], tmp_path / "in" / "out")
