"""The part that a photograph shows: a table first, then folders, joined by near-identical shots."""

from __future__ import annotations

from pathlib import Path

import pytest
from dropping import photograph
from PIL import Image

from ddad.data.datasets import Sample, normals
from ddad.data.parts import find_parts, with_bursts


def sample(name, group="", told=""):
    return Sample(Path(name), "", "good", None, group or name, told)


def groups(parts):
    return [each.group for each in parts.samples]


def test_each_photograph_alone_is_a_part():
    parts = with_bursts([sample("a"), sample("b")], [0, 1])
    assert groups(parts) == ["a", "b"] and parts.count == 2
    assert parts.notes == ("counted as 2 parts: each photograph shows one of its own",)
    assert with_bursts([sample("a")], [0]).notes[0].startswith("counted as 1 part: ")
    assert with_bursts([], []).count == 0


def test_a_burst_is_one_part_and_is_said():
    parts = with_bursts([sample(name) for name in "abcd"], [0, 0, 2, 0])
    assert groups(parts) == ["a", "a", "c", "a"]
    assert parts.notes == ("counted as 2 parts: 3 photographs in 1 burst of near-identical shots",)


def test_a_burst_joins_folders_whole():
    """And by way of another burst a third."""
    told = [sample(f"{g}/{n}", g, "folder") for g in "pqrs" for n in "12"]
    parts = with_bursts(told, [0, 1, 1, 3, 3, 5, 6, 7])
    assert groups(parts) == ["p"] * 6 + ["s"] * 2
    assert parts.notes[0].startswith("counted as 2 parts: by folder, 4 photographs in 2 bursts")


@pytest.mark.parametrize("told", ["table", "brought"])
def test_what_a_person_says_stays(told):
    samples = [
        sample("a", "t1", told),
        sample("b", "t2", told),
        sample("c"),
        sample("d", "t2", told),
    ]
    parts = with_bursts(samples, [0, 0, 0, 3])
    assert groups(parts) == ["t1", "t2", "c", "t2"]
    assert parts.notes[1].startswith("near-identical shots") and "a and b" in parts.notes[1]
    joined = with_bursts(samples, [0, 1, 0, 3])
    assert groups(joined) == ["t1", "t2", "t1", "t2"] and len(joined.notes) == 1


def save(root, **photographs):
    for name, seed in photographs.items():
        path = root / f"{name.replace('__', '/')}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photograph(seed, (96, 128))).save(path)
    return root


def test_a_tree_is_counted_by_folders_and_by_the_shots_themselves(tmp_path):
    save(tmp_path, part_1__a=1, part_1__b=2, part_2__a=3, part_3__a=4, part_3__b=1)
    seen = []
    chosen = normals(tmp_path)
    parts = find_parts(chosen.samples, on_progress=lambda *done: seen.append(done))
    assert parts.count == 2 and len(chosen.samples) == 5
    assert groups(parts)[0] == groups(parts)[1] == groups(parts)[3] != groups(parts)[2]
    assert seen[-1] == (10, 10) and "by folder, 2 photographs in 1 burst" in parts.notes[0]


def test_a_table_goes_before_folders(tmp_path):
    save(tmp_path, part_1__a=1, part_1__b=2, part_2__a=3)
    (tmp_path / "split.csv").write_text("path,tile\npart_1/a.png,x\npart_2/a.png,x\n")
    parts = find_parts(normals(tmp_path).samples)
    assert groups(parts) == ["x", "part_1/b.png", "x"]
    assert parts.notes == ("counted as 2 parts: by table",)


def test_names_alone_make_no_parts(tmp_path):
    save(tmp_path, IMG_001_a=1, IMG_001_b=2, IMG_002_a=3)
    assert find_parts(normals(tmp_path).samples).count == 3
    assert find_parts(normals(tmp_path, all_good=True).samples).count == 3
