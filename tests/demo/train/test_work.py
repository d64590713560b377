"""What the Train tab keeps of a drop: good parts alone; the rest is said, or asked about."""

from __future__ import annotations

import zipfile
from collections import Counter

import numpy as np
import pytest
from dropping import a_file, a_zip, encoded, marking, photograph
from parts import texture
from PIL import Image

from ddad.data.datasets import normals
from ddad.score.promise import before
from demo.store.store import Store
from demo.train.taking import take_in
from demo.train.view import findings
from demo.train.work import look_over


@pytest.fixture
def session(tmp_path):
    return Store(tmp_path / "work").open(None)


def tree(**folders):
    """Photographs, so many in each folder; those in a folder of masks are masks."""
    made = {}
    for folder, count in folders.items():
        folder = folder.replace("__", "/")
        for i in range(count):
            mask = any(word in folder for word in ("mask", "truth"))
            made[f"{folder}/{i}.png"] = marking(9 + i) if mask else photograph(len(made))
    return made


CLEAR = {
    "MVTec": (
        tree(n__train__good=4, n__test__good=1, n__test__dent=2, n__ground_truth__dent=2),
        4,
        ("n/test/dent 2", "n/ground_truth/dent 2", "n/test/good 1"),
    ),
    "good beside a defect": (tree(n__good=3, n__crack=2, n__mask__crack=2), 3, ("n/crack 2",)),
    "ok": (tree(train__ok=3, test__good=1), 3, ("test/good 1",)),
    "capitals": (tree(Train__Good=3, Test__NG=1), 3, ("Test/NG 1",)),
    "series": (tree(monday=2, tuesday=2), 4, ("each photograph counts as a part of its own",)),
    "parts": (tree(part_1=2, part_2=2), 4, ()),
    "one folder": (tree(photos=3), 3, ()),
    "depth beside rgb": (tree(train__good__rgb=2, train__good__xyz=2), 2, ("xyz 2",)),
}


@pytest.mark.parametrize("layout", CLEAR)
def test_good_parts_are_taken_and_the_rest_is_named(session, tmp_path, layout):
    entries, count, said = CLEAR[layout]
    taken = take_in(session.photographs, [a_zip(tmp_path / "a.zip", entries)])
    assert len(session.photographs.names()) == count and not session.photographs.asked()
    assert all(any(each in note for note in taken.notes) for each in said)
    assert bool(taken.notes) == bool(said) and not taken.problems


UNCLEAR = {
    "a defect and no good": (tree(crack=2, parts=1), {"a.zip: crack": 2, "a.zip: parts": 1}),
    "products": (
        tree(nut__good=2, screw__good=1),
        {"a.zip: nut/good": 2, "a.zip: screw/good": 1},
    ),
    "masks beside": (tree(images=2, masks=1), {"a.zip: images": 1, "a.zip: images, with masks": 1}),
    "to test alone": (tree(test__good=2), {"a.zip: test/good": 2}),
    "a lookalike": (
        {"a.jpg": encoded(photograph(1), "JPEG"), "a.png": marking(3), "b.jpg": photograph(2)},
        {"a.zip, with masks": 1, "a.zip": 1},
    ),
}


@pytest.mark.parametrize("layout", UNCLEAR)
def test_what_is_unclear_is_asked_and_none_is_kept_until_then(session, tmp_path, layout):
    entries, asked = UNCLEAR[layout]
    taken = take_in(session.photographs, [a_zip(tmp_path / "a.zip", entries)])
    assert not session.photographs.names() and session.photographs.asked() == asked
    assert any("say below which are good parts" in note for note in taken.notes)
    first = next(iter(asked))
    assert session.photographs.answer([first]) == asked[first]


def test_a_loose_mask_is_left_out_and_its_image_asked_about(session, tmp_path):
    files = [a_file(tmp_path / f"{name}.png", photograph(i)) for i, name in enumerate("xy")]
    taken = take_in(session.photographs, [*files, a_file(tmp_path / "x_mask.png", marking(3))])
    assert session.photographs.asked() == {
        "dropped by themselves, with masks": 1,
        "dropped by themselves": 1,
    }
    assert any(note.startswith("left out, masks") for note in taken.notes)


def test_each_source_is_understood_by_itself(session, tmp_path):
    clear = a_zip(tmp_path / "a.zip", tree(good=2, crack=1))
    unclear = a_zip(tmp_path / "b.zip", tree(crack=1, dent=1))
    loose = a_file(tmp_path / "c.png", photograph(3))
    take_in(session.photographs, [clear, unclear, loose])
    assert len(session.photographs.names()) == 3
    assert session.photographs.asked() == {"b.zip: crack": 1, "b.zip: dent": 1}


def test_what_is_no_photograph_is_a_sentence(session, tmp_path):
    files = [a_file(tmp_path / "notes.txt", b"x"), a_file(tmp_path / "coco.json", b"{}")]
    taken = take_in(session.photographs, [*files, a_zip(tmp_path / "a.zip", {"split.csv": b"x"})])
    assert [each.split(" ")[0].rstrip(":") for each in taken.problems] == [
        "notes.txt",
        "coco.json",
        "split.csv",
    ]
    assert not session.photographs.names() and not session.photographs.asked()


TOLD = {
    "folders": (tree(good__part_1=3, good__part_2=2, crack=1), [3, 2]),
    "a table": (
        tree(train__good=4) | {"split.csv": b"path,tile\n0.png,a\n1.png,a\n2.png,b\n"},
        [2, 1],
    ),
    "a table before folders": (
        tree(part_1=2, part_2=1) | {"x/Groups.TSV": b"file\tpart\npart_1/0.png\tq\n"},
        [1],
    ),
    "cameras": (tree(cam1=2, cam2=2), [2, 2]),
    "asked": (
        tree(crack=1, parts__part_1=2) | {"groups.csv": b"name,part\nparts/part_1/1.png,x"},
        [1],
    ),
    "nothing": (tree(good=3), []),
}


@pytest.mark.parametrize("layout", TOLD)
def test_which_part_a_photograph_shows_comes_with_a_zip(session, tmp_path, layout):
    entries, counts = TOLD[layout]
    photographs = session.photographs
    assert not take_in(photographs, [a_zip(tmp_path / "a.zip", entries)]).problems
    photographs.answer(photographs.asked())
    assert sorted(Counter(photographs.parts().values()).values(), reverse=True) == counts
    photographs.write_parts()
    groups = Counter(s.group for s in normals(photographs.folder).samples if s.told)
    assert sorted(groups.values(), reverse=True) == counts


def test_a_table_that_cannot_be_understood_takes_no_photograph_of_its_source(session, tmp_path):
    """Passed over, shots of one part would count as many."""
    broken = a_zip(tmp_path / "a.zip", tree(good=2) | {"split.csv": b"path,part\nmissing.png,1\n"})
    two = tree(good=2) | {"split.csv": b"path,part\n0.png,1\n", "x/groups.csv": b"path,part\n"}
    loose = a_file(tmp_path / "c.png", photograph(3))
    taken = take_in(session.photographs, [broken, a_zip(tmp_path / "b.zip", two), loose])
    assert list(session.photographs.names().values()) == ["c.png"]
    one, other = taken.problems
    assert one.startswith("split.csv names none of the images") and "none of its phot" in one
    assert other.startswith("b.zip: split.csv and x/groups.csv name groups: keep one")
    assert str(tmp_path) not in one and "/tmp" not in one + other


def test_a_look_counts_parts_and_a_table_of_them_is_gone_with_its_photographs(session, tmp_path):
    photographs = session.photographs
    entries = tree(part_1=3, part_2=3, part_3=1)
    take_in(photographs, [a_zip(tmp_path / "a.zip", entries)])
    found = look_over(photographs, 0.05, lambda *done: None)
    assert found["enough"].startswith("Counted as 3 parts: by the folders or table they had. ")
    assert before(3, 0.05) in found["enough"]
    photographs.write_parts()
    table = photographs.folder / "groups.csv"
    assert table.exists()
    photographs.leave_out(photographs.parts())
    photographs.write_parts()
    assert not table.exists()


def test_masks_of_an_export_are_no_photographs(session, tmp_path):
    from demo.shared.exchange import export

    item = session.add("a.png", photograph(1))
    session.review(item.id, mask=marking(5) > 0, threshold=1, decision="defective")
    export(session, ["masks", "coco"], tmp_path / "x.zip")
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        archive.extract("masks/a.png", tmp_path)
    taken = take_in(session.photographs, [tmp_path / "masks" / "a.png", tmp_path / "x.zip"])
    assert not session.photographs.names()
    assert session.photographs.asked() == {"x.zip: images": 1}
    assert sum(note.startswith("left out, masks: 1") for note in taken.notes) == 2


def test_the_command_line_reads_what_was_kept_as_it_is(session, tmp_path):
    """Whatever the photographs were called: `bad_mask.png` that a person calls good."""
    names = ("a", "b_gt", "label_c", "crack_1")
    entries = {f"good/{name}.png": photograph(i) for i, name in enumerate(names)}
    take_in(session.photographs, [a_zip(tmp_path / "a.zip", entries)])
    chosen = normals(session.photographs.folder)
    assert len(chosen.samples) == len(session.photographs.names()) > 0 and not chosen.notes


def test_a_photograph_that_is_far_out_is_shown_with_its_map(session, tmp_path):
    for i in range(12):
        pixels = texture(np.random.default_rng(i), 64, 64)
        if i == 5:
            pixels[16:48, 16:48] = (255, 0, 0)
        Image.fromarray(pixels).save(tmp_path / f"{i:02}.png")
        session.photographs.add(tmp_path / f"{i:02}.png", f"{i:02}.png")
    seen = []
    found = look_over(session.photographs, 0.05, lambda *done: seen.append(done))
    far = [row for row in found["findings"] if row["kind"] == "far out"]
    assert [session.photographs.names()[row["file"]] for row in far] == ["05.png"]
    shown = findings(session.photographs, found)
    assert far[0]["map"].startswith("data:image/jpeg;base64,") and far[0]["map"] in shown
    assert "is it a good part?" in shown and seen[-1] == (24, 24)
    assert look_over(session.photographs, 0.05, lambda *done: None) == found  # kept, map and all
