from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddad.data.datasets import (
    DatasetError,
    Sample,
    hold_out,
    labelled,
    normals,
    read,
    summary,
)


def touch(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


def test_an_mvtec_category(tmp_path):
    touch(
        tmp_path,
        *("train/good/000.png", "train/good/001.PNG", "test/good/000.png"),
        *("test/crack/000.png", "ground_truth/crack/000_mask.png", "readme.txt"),
        *("train/good/.hidden.png", "test/.trash/000.png", "train/good/notes.txt"),
    )
    samples = read(tmp_path)
    rows = {(s.path.relative_to(tmp_path).as_posix(), s.split, s.defect) for s in samples}
    assert rows == {
        ("train/good/000.png", "train", "good"),
        ("train/good/001.PNG", "train", "good"),
        ("test/good/000.png", "test", "good"),
        ("test/crack/000.png", "test", "crack"),
    }
    (crack,) = [s for s in samples if s.anomalous]
    assert crack.mask_path == tmp_path / "ground_truth/crack/000_mask.png"
    assert summary(samples) == (
        "2 normal images to train on; 1 good and 1 defective to test (crack 1)"
    )


def test_a_plain_folder_of_normal_images(tmp_path):
    touch(tmp_path, "lot1/b.jpg", "lot2/a.TIFF", ".git/c.png", "x.txt")
    samples = read(tmp_path)
    assert [s.path.name for s in samples] == ["b.jpg", "a.TIFF"]
    assert {s.split for s in samples} == {""} and not any(s.anomalous for s in samples)


def test_groups_come_from_split_csv(tmp_path):
    touch(tmp_path, "train/good/a.png", "train/good/b.png", "train/good/c.png")
    (tmp_path / "split.csv").write_text(
        "path,split,tile\ntrain/good/a.png,train,t1\ntrain/good/b.png,train,t1\n"
    )
    groups = {s.path.name: s.group for s in read(tmp_path)}
    assert groups == {"a.png": "t1", "b.png": "t1", "c.png": "train/good/c.png"}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ((), "no images in .*; expected good parts in train/good"),
        (("train/bad/a.png",), "but there is bad; expected .* train/good .* found train/bad 1"),
        (("train/in_spec/a.png", "train/b/a.png"), "b, in_spec; expected .* train/good"),
        (("masks/a.png",), "its 1 image files are masks by their names"),
    ],
)
def test_unusable_folders_are_explained(tmp_path, files, sentence):
    touch(tmp_path, *files)
    with pytest.raises(DatasetError, match=sentence):
        normals(tmp_path)


@pytest.mark.parametrize("good", ["train/Good", "train/ok", "train", "nut/good", "OK", ""])
def test_good_parts_alone_are_trained_on(tmp_path, good):
    """Cases 10, 11 and 25: what lies beside them is left out and named."""
    wanted = [f"{good}/{i}.png".lstrip("/") for i in range(3)]
    beside = {"nut/good": "nut/", "": ""}.get(good, "")
    others = [f"{beside}crack/0.png", f"{beside}mask/crack/0.png"] if good else []
    if good.startswith("train"):
        others = ["test/good/0.png", "test/dent/0.png", "ground_truth/dent/0_mask.png"]
    touch(tmp_path, *wanted, *others)
    chosen = normals(tmp_path)
    assert [s.path.relative_to(tmp_path).as_posix() for s in chosen.samples] == wanted
    said = " ".join(chosen.notes)
    assert all(name.rpartition("/")[0] in said for name in others)
    assert len(normals(tmp_path, all_good=True).samples) == len(wanted) + len(
        [name for name in others if "mask" not in name]
    )


def test_annotations_and_the_name_of_the_folder_speak(tmp_path):
    touch(tmp_path / "nuts", "1.png")
    touch(tmp_path / "cracks", "1.png")
    assert len(normals(tmp_path / "nuts").samples) == 1
    with pytest.raises(DatasetError, match="the folder is called cracks"):
        normals(tmp_path / "cracks")
    (tmp_path / "nuts/1.txt").write_text("0 0.5 0.5 0.1 0.1")
    with pytest.raises(DatasetError, match="1.txt marks regions, and no folder says"):
        normals(tmp_path / "nuts")


def test_defects_without_masks_are_measured_by_their_folders(tmp_path):
    touch(tmp_path, "good/1.png", "crack/1.png", "unsorted/1.png", "mask/dent/9.png")
    chosen = labelled(tmp_path)
    assert [(s.defect, s.mask_path) for s in chosen.samples] == [("crack", None), ("good", None)]
    assert "unsorted 1" in chosen.notes[1] and "mask/dent/9.png" in chosen.notes[0]


def test_a_table_that_is_not_understood_is_an_error(tmp_path):
    touch(tmp_path, "train/good/a.png")
    (tmp_path / "split.csv").write_text("a;b")
    with pytest.raises(DatasetError, match=r"split\.csv has no column"):
        read(tmp_path)


def test_a_missing_folder_is_explained(tmp_path):
    with pytest.raises(DatasetError, match="no folder"):
        read(tmp_path / "none")


def samples_of(groups):
    return [Sample(Path(f"{i:03}.png"), "train", "good", None, g) for i, g in enumerate(groups)]


group_lists = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=40).filter(
    lambda groups: len(set(groups)) > 1
)


@given(group_lists, st.floats(0.05, 0.9), st.integers(0, 99), st.randoms())
def test_hold_out_splits_whole_groups_and_ignores_order(groups, fraction, seed, random):
    samples = samples_of(groups)
    kept, held = hold_out(samples, fraction, seed)
    assert kept and held
    assert sorted(kept + held, key=lambda s: s.path) == samples
    assert not {s.group for s in kept} & {s.group for s in held}
    shuffled = samples.copy()
    random.shuffle(shuffled)
    assert hold_out(shuffled, fraction, seed) == (kept, held)


def test_hold_out_takes_about_the_share_that_was_asked():
    kept, held = hold_out(samples_of([str(i) for i in range(100)]), 0.2, 0)
    assert (len(kept), len(held)) == (80, 20)
    assert hold_out(samples_of([str(i) for i in range(100)]), 0.2, 1)[1] != held


@pytest.mark.parametrize(
    ("groups", "fraction"), [("a", 0.2), ("aaa", 0.2), ("ab", 0.0), ("ab", 1.0)]
)
def test_impossible_hold_outs_are_refused(groups, fraction):
    with pytest.raises(DatasetError):
        hold_out(samples_of(groups), fraction, 0)


@pytest.mark.parametrize(
    ("name", "train", "good", "defects"),
    [
        ("mvtec_bottle", 209, 20, {"broken_large": 20, "broken_small": 22, "contamination": 21}),
        ("aws_cookie", 31, 14, {"cracked": 32}),
        ("mtd", 753, 184, {"blowhole": 115, "break": 85, "crack": 57, "fray": 32, "uneven": 99}),
    ],
)
def test_real_sets_are_read_whole(real_data, name, train, good, defects):
    samples = read(real_data / name)
    assert sum(s.split == "train" for s in samples) == train
    test = [s for s in samples if s.split == "test"]
    assert sum(not s.anomalous for s in test) == good
    counts = {d: sum(s.defect == d for s in test) for d in {s.defect for s in test} - {"good"}}
    assert counts == defects
    assert all(s.mask_path is not None and s.mask_path.exists() for s in test if s.anomalous)


def test_no_tile_is_on_both_sides_of_a_real_hold_out(real_data):
    trained = [s for s in read(real_data / "mtd") if s.split == "train"]
    kept, held = hold_out(trained, 0.2, 0)
    assert len({s.group for s in trained}) == 120
    assert not {s.group for s in kept} & {s.group for s in held}


@pytest.mark.parametrize("alike", [False, True], ids=["own names", "names of good ones too"])
def test_anomalibs_folder_with_one_folder_of_masks(tmp_path, alike):
    bad = range(3) if alike else range(5, 8)
    touch(tmp_path, *(f"normal/{i}.png" for i in range(3)))
    touch(tmp_path, *(f"{where}/{i}.png" for i in bad for where in ("abnormal", "mask")))
    assert {s.path.parent.name for s in normals(tmp_path).samples} == {"normal"}
    found = labelled(tmp_path)
    assert not found.notes
    masks = {s.path: s.mask_path for s in found.samples if s.anomalous}
    assert masks == {tmp_path / f"abnormal/{i}.png": tmp_path / f"mask/{i}.png" for i in bad}


def test_anomalibs_folder_with_good_ones_to_test(tmp_path):
    touch(tmp_path, "normal/0.png", "normal/1.png", "normal_test/2.png")
    touch(tmp_path, "abnormal/3.png", "mask/3.png")
    assert {s.path.name for s in normals(tmp_path).samples} == {"0.png", "1.png"}
    found = [(s.path.name, s.mask_path and s.mask_path.name) for s in labelled(tmp_path).samples]
    assert found == [("3.png", "3.png"), ("2.png", None)], "by path"


@pytest.mark.parametrize(
    "files",
    [
        ("good/0.png", "crack/1.png", "hole/1.png", "mask/1.png"),
        ("good/0.png", "crack/1.png", "crack/2.png", "mask/1.png"),
        ("good/0.png", "crack/1.png", "mask/1.png", "mask/2.png"),
        ("crack/1.png", "mask/1.png"),
        ("train/good/0.png", "test/crack/1.png", "train/mask/1.png"),
    ],
    ids=["two folders of defects", "one without", "one too many", "no good part", "another split"],
)
def test_a_mask_of_another_folder_is_not_guessed(tmp_path, files):
    touch(tmp_path, *files)
    assert not [s.mask_path for s in labelled(tmp_path).samples if s.mask_path]
