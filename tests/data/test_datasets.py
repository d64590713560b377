from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ddad.data.datasets import DatasetError, Sample, hold_out, read, summary


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
    touch(tmp_path, "b.jpg", "sub/a.TIFF", ".git/c.png", "x.txt")
    samples = read(tmp_path)
    assert [s.path.name for s in samples] == ["b.jpg", "a.TIFF"]
    assert {s.split for s in samples} == {"train"} and not any(s.anomalous for s in samples)


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
        ((), "no images"),
        (("train/bad/a.png",), "train/good"),
        (("test/crack/a.png", "train/good/b.png"), "1 defective images .* test/crack/a.png"),
    ],
)
def test_unusable_folders_are_explained(tmp_path, files, sentence):
    touch(tmp_path, *files)
    with pytest.raises(DatasetError, match=sentence):
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
    normals = [s for s in read(real_data / "mtd") if s.split == "train"]
    kept, held = hold_out(normals, 0.2, 0)
    assert len({s.group for s in normals}) == 120
    assert not {s.group for s in kept} & {s.group for s in held}
