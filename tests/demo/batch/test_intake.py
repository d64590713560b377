"""Photographs and masks of one drop, as people have them: every truth is its own image's."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from dropping import a_file, a_zip, encoded, marking, photograph
from PIL import Image, PngImagePlugin

from ddad.data.truth import digest
from ddad.images.names import Stems
from demo.batch.bringing import Bringing
from demo.batch.intake import take
from demo.shared import exchange
from demo.shared.intake import gather
from demo.store.store import Store, StoreError


@pytest.fixture
def session(tmp_path):
    return Store(tmp_path / "work").open(None)


@pytest.fixture
def drop(session, tmp_path):
    """Gives files, or a ZIP's entries, to the session; returns the pixels of each truth by name."""
    count = iter(range(100))

    def drop(*files, into=None, drafts_at=None, **entries):
        number, mine = next(count), into or session
        paths = [*files]
        if entries:
            paths.append(a_zip(tmp_path / f"{number}.zip", entries["entries"]))
        for _ in take(mine, gather(paths, tmp_path / f"in{number}"), drafts_at=drafts_at):
            pass
        return truths(mine)

    return drop


def truths(session):
    """Pixels that each item's truth marks, None where there is none."""
    found = {}
    for item in session.items():
        truth = session.truth(item.id)
        found[item.name] = None if truth is None else int(truth.sum())
    return found


def waiting(session):
    """What waits: name, why, names of the candidates."""
    return [
        (each.name, each.why, [session.item(c).name for c in each.candidates])
        for each in session.imports.waiting.all()
    ]


def kinds(session):
    return {item.name: item.kind for item in session.items()}


def coco(images, annotations, **more):
    """Squares of `annotations`, (image's number, side), in COCO's JSON."""
    rows = [
        {
            "id": i,
            "image_id": number,
            "category_id": 1,
            "iscrowd": 0,
            "segmentation": [[1, 1, 1 + side, 1, 1 + side, 1 + side, 1, 1 + side]],
            "bbox": [1, 1, side, side],
            "area": side * side,
        }
        for i, (number, side) in enumerate(annotations, 1)
    ]
    shots = [
        {"id": i, "file_name": name, "height": 24, "width": 32, **more}
        for i, name in enumerate(images, 1)
    ]
    categories = [{"id": 1, "name": "dent"}]
    data = {"images": shots, "annotations": rows, "categories": categories}
    return json.dumps(data).encode()


GOOD = {f"nut/train/good/{i}.png": photograph(i) for i in range(3)}
LAYOUTS = {
    "mask folder beside": (
        {"good/000.png": 0, "crack/000.png": 0, "mask/crack/000_mask.png": 80},
        {"good/000.png": 0, "crack/000.png": 80},
    ),
    "images and masks": ({"images/000.png": 0, "masks/000.png": 80}, {"images/000.png": 80}),
    "images and masks, split": (
        {"images/test/0.jpg": 0, "masks/test/0.png": 9, "images/test/1.jpg": 0},
        {"images/test/0.jpg": 9, "images/test/1.jpg": None},
    ),
    "MVTec in capitals": (
        {"N/Test/Dent/0.PNG": 0, "N/Ground_Truth/dent/0_mask.png": 7, "N/Test/GOOD/0.PNG": 0},
        {"N/Test/Dent/0.PNG": 7, "N/Test/GOOD/0.PNG": 0},
    ),
    "the same stem in two folders": (
        {"A/1.png": 0, "B/1.png": 0, "A/1_mask.png": 5, "B/1_mask.png": 6},
        {"A/1.png": 5, "B/1.png": 6},
    ),
    "decomposed letters": (
        {"images/Gr\u00fcn.png": 0, "masks/Gru\u0308n.png": 8},
        {"images/Gr\u00fcn.png": 8},
    ),
    "two suffixes": (
        {"x.jpg": 0, "x.png": 0, "x.jpg.mask.png": 5, "x.png.mask.png": 6},
        {"x.jpg": 5, "x.png": 6},
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_mask_finds_its_image_by_the_path(session, drop, layout):
    given, wanted = LAYOUTS[layout]
    entries = {
        name: marking(count) if count else photograph(seed)
        for seed, (name, count) in enumerate(given.items())
    }
    assert drop(entries=entries) == wanted and not waiting(session)


def test_files_of_one_name_without_folders_are_asked_about(session, drop, tmp_path):
    files = []
    for seed, folder in enumerate("AB"):
        files += [a_file(tmp_path / folder / "001.png", photograph(seed))]
        files += [a_file(tmp_path / folder / "001_mask.png", marking(60 + 20 * seed))]
    drop(*files)
    assert [session.truth(item.id) for item in session.items()] == [None, None]
    said = waiting(session)
    assert [(name, names) for name, _, names in said] == [("001_mask.png", ["001.png"] * 2)] * 2
    assert all("several images have this name" in why for _, why, _ in said)


def test_labels_by_folder_alone_are_known_kinds(session, drop):
    entries = {"test/good/0.png": photograph(1), "test/crack/0.png": photograph(2)}
    assert drop(entries=entries) == {"test/good/0.png": 0, "test/crack/0.png": None}
    assert kinds(session) == {"test/good/0.png": "good", "test/crack/0.png": "crack"}
    drop(entries={"x/0.png": photograph(3)})
    assert kinds(session)["x/0.png"] == ""


def test_what_is_to_train_on_stays_out_and_is_said(session, drop):
    entries = GOOD | {"nut/test/dent/0.png": photograph(9), "nut/overlays/0.png": photograph(8)}
    assert list(drop(entries=entries)) == ["nut/test/dent/0.png"]
    notes = session.imports.report()["notes"]
    assert any("nut/train/good 3" in note for note in notes)
    assert any("nut/overlays 1" in note for note in notes)


def test_a_mask_against_its_folder_is_asked_about(session, drop):
    entries = {
        "test/good/0.png": photograph(1),
        "test/dent/1.png": photograph(2),
        "ground_truth/good/0_mask.png": marking(9),
        "ground_truth/dent/1_mask.png": marking(0),
    }
    assert drop(entries=entries) == {"test/good/0.png": 0, "test/dent/1.png": None}
    good, dent = waiting(session)
    assert "a folder of good parts" in good[1] and "marks nothing" in dent[1]


def test_a_lookalike_beside_its_image_is_asked_about_and_never_scored(session, drop):
    entries = {"a.jpg": encoded(photograph(1), "JPEG"), "a.png": marking(9)}
    assert drop(entries=entries) == {"a.jpg": None}
    assert [(name, names) for name, _, names in waiting(session)] == [("a.png", ["a.jpg"])]


def test_masks_alone_find_what_is_here_or_are_asked_about(session, drop, tmp_path):
    drop(a_file(tmp_path / "a.png", photograph(1)), entries={"L/b.png": photograph(2)})
    assert drop(a_file(tmp_path / "a_mask.png", marking(5))) == {"L/b.png": None, "a.png": 5}
    masks = [a_file(tmp_path / name, marking(6)) for name in ("b_mask.png", "c_mask.png")]
    drop(*masks)
    assert truths(session) == {"L/b.png": None, "a.png": 5}
    assert [(name, names) for name, _, names in waiting(session)] == [
        ("b_mask.png", ["L/b.png"]),
        ("c_mask.png", []),
    ]
    drop(entries={"masks/L/b.png": marking(4)})
    assert truths(session)["L/b.png"] == 4


def test_a_mask_in_a_zip_of_other_images_is_not_surely_for_one_that_was_here(session, drop):
    drop(entries={"a.png": photograph(1)})
    drop(entries={"b.png": photograph(2), "a_mask.png": marking(5)})
    assert truths(session) == {"a.png": None, "b.png": None}
    assert [(name, names) for name, _, names in waiting(session)] == [("a_mask.png", ["a.png"])]


def test_two_masks_of_one_image_in_one_drop_are_neithers(session, drop, tmp_path):
    drop(a_file(tmp_path / "a.png", photograph(1)))
    loose = a_file(tmp_path / "a_mask.png", marking(5))
    drop(loose, entries={"masks/a.png": marking(6)})
    assert truths(session) == {"a.png": None}
    assert [why for _, why, _ in waiting(session)] == ["another mask is for the same image"] * 2


def test_outlines_find_images_by_their_folders(session, drop, tmp_path):
    file = a_file(tmp_path / "a.json", coco(["A/1.png", "B\\1.png"], [(1, 4), (2, 5)]))
    entries = {"A/1.png": photograph(1), "B/1.png": photograph(2)}
    assert drop(file, entries=entries) == {"A/1.png": 16, "B/1.png": 25}


def test_outlines_that_may_be_of_several_images_are_asked_about(session, drop, tmp_path):
    drop(entries={"A/1.png": photograph(1), "B/1.png": photograph(2), "C/2.png": photograph(3)})
    drop(a_file(tmp_path / "a.json", coco(["1.png", "2.png", "3.png"], [(1, 4), (2, 5), (3, 3)])))
    assert set(truths(session).values()) == {None}
    found = {name: names for name, _, names in waiting(session)}
    assert found == {
        "a.json: 1.png": ["A/1.png", "B/1.png"],
        "a.json: 2.png": ["C/2.png"],
    }
    assert any("3.png was left out" in note for note in session.imports.report()["notes"])


def test_two_files_of_outlines_for_one_image_are_asked_about(session, drop, tmp_path):
    image = a_file(tmp_path / "1.png", photograph(1))
    files = [a_file(tmp_path / f"{n}.json", coco(["1.png"], [(1, 3 + n)])) for n in range(3)]
    assert drop(image, *files) == {"1.png": None}
    assert [why for _, why, _ in waiting(session)] == [
        "another file has outlines for the same image"
    ] * 3


def test_what_cannot_be_used_is_a_row_or_a_sentence(session, drop, tmp_path):
    files = [
        a_file(tmp_path / "torn.png", b"\x89PNG\r\n\x1a\njunk"),
        a_file(tmp_path / "b_mask.png", marking(1, (9, 9))),
        a_file(tmp_path / "b.png", photograph(1)),
        a_file(tmp_path / "c.png", photograph(2)),
        a_file(tmp_path / "c_mask.png", b"no image"),
        a_file(tmp_path / "notes.json", b"{}"),
        a_file(tmp_path / "notes.txt", b"x"),
    ]
    assert drop(*files, entries={"s/readme.txt": b"x"})["b.png"] is None
    items = {item.name: item for item in session.items()}
    failed = {name for name, item in items.items() if item.state == "failed"}
    assert failed == {"torn.png", "notes.json", "notes.txt", "s/readme.txt"}
    assert "9 x 9 pixels" in items["b.png"].note and "c_mask.png" in items["c.png"].note
    said = [item.error + item.note for item in items.values()]
    said += session.imports.report()["notes"]
    assert not [text for text in said if str(tmp_path) in text] and any("9 x 9" in t for t in said)


def test_how_a_mask_was_read_is_in_the_note(session, drop):
    classes = np.zeros((24, 32), np.uint8)
    classes[2:4, 2:4], classes[9:12, 9:12] = 1, 2
    assert (
        drop(entries={"images/a.png": photograph(1), "masks/a.png": classes})["images/a.png"] == 13
    )
    (item,) = session.items()
    assert "mask read as class numbers, 2 besides 0" in item.note
    assert session.imports.report()["matched"][0][2] == "class numbers, 2 besides 0"


def test_a_draft_is_to_correct_and_has_the_labels(session, drop, tmp_path):
    image = a_file(tmp_path / "a.png", photograph(1))
    drop(image, a_file(tmp_path / "a.json", coco(["a.png"], [(1, 4)])), drafts_at=2.5)
    (item,) = session.items()
    assert not item.has_truth and item.review.edited and item.threshold == 2.5
    assert session.final_mask(item.id).sum() == 16 and item.review.regions[0].label == "dent"


def test_a_full_session_keeps_what_fitted_and_says_what_it_did(tmp_path, drop):
    from dataclasses import replace

    from demo.limits import LIMITS

    small = Store(tmp_path / "small", replace(LIMITS, images=1)).open(None)
    entries = {"images/a.png": photograph(1), "images/b.png": photograph(2)}
    with pytest.raises(StoreError, match="the most it can"):
        drop(into=small, entries=entries | {"masks/a.png": marking(3)})
    assert truths(small) == {"images/a.png": None} and small.imports.report()["count"] == 0


# The page's own export, taken back.

NAMES = ("part 1.png", "part_1.png", "x.jpg", "x.png")


@pytest.fixture
def export(tmp_path):
    """Four reviewed images whose names differ little, and their export, taken apart."""
    session = Store(tmp_path / "before").open(None)
    for seed, name in enumerate(NAMES):
        item = session.add(name, photograph(seed))
        mask = marking(60 + 7 * seed) > 0
        mask[20, 3 * seed : 3 * seed + 2] = True
        session.review(item.id, mask=mask, threshold=1, decision="defective")
    path = tmp_path / "export.zip"
    exchange.export(session, ["masks", "coco", "mvtec", "labelme"], path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return session, path, files


def same(session, before, **which):
    """Whether every item has the very mask of the export."""
    masks = {item.name: before.final_mask(item.id) for item in before.items()}
    found = {item.name: session.truth(item.id) for item in session.items()}
    assert found.keys() == masks.keys()
    return all(np.array_equal(found[name], masks[name]) for name in masks)


def test_a_whole_export_comes_back_pixel_for_pixel(session, drop, export):
    before, path, _ = export
    drop(path)
    assert same(session, before) and not waiting(session)
    assert {item.state for item in session.items()} == {"waiting"}


def test_its_images_are_not_added_again(session, drop, export):
    before, path, _ = export
    for item in before.items():
        session.add(item.name, before.pixels(item.id))
    drop(path)
    assert len(session.items()) == 4 and same(session, before)
    assert any("4 pictures" in note for note in session.imports.report()["notes"])


def signed(before, files):
    """Each exported mask with what it carries of its image, in the order of the items."""
    run = {row["stem"]: row["file"] for row in json.loads(files["run.json"])["images"]}
    digests = {item.name: digest(before.pixels(item.id)) for item in before.items()}
    for name, data in files.items():
        if name.startswith("masks/"):
            info, own = PngImagePlugin.PngInfo(), run[name[6:-4]]
            info.add_itxt("ddad:image", json.dumps({"name": own, "sha256": digests[own]}))
            out = io.BytesIO()
            Image.open(io.BytesIO(data)).save(out, "PNG", pnginfo=info)
            yield name[6:], out.getvalue()


def test_its_masks_alone_and_loose_find_their_images(session, drop, export, tmp_path):
    before, _, files = export
    for item in before.items():
        session.add(item.name, before.pixels(item.id))
    drop(*(a_file(tmp_path / "m" / name, data) for name, data in signed(before, files)))
    assert same(session, before) and not waiting(session)


def test_a_mask_of_other_pixels_is_asked_about(session, drop, export, tmp_path):
    before, _, files = export
    for seed, item in enumerate(before.items()):
        session.add(item.name, photograph(90 + seed))
    drop(*(a_file(tmp_path / "m" / name, data) for name, data in signed(before, files)))
    assert set(truths(session).values()) == {None}
    assert {why for _, why, _ in waiting(session)} == {
        "its image has other pixels now than when the mask was made"
    }


def test_the_exact_outlines_are_used_before_the_polygons(session, drop, export, tmp_path):
    before, _, files = export
    for item in before.items():
        session.add(item.name, before.pixels(item.id))
    names = ("coco/exact.json", "coco/polygons.json")
    drop(*(a_file(tmp_path / name, files[name]) for name in names))
    assert same(session, before) and not waiting(session)


# What a person says.


def test_what_a_person_says_is_done_and_can_be_undone(session, drop, tmp_path):
    drop(entries={"A/1.png": photograph(1), "B/1.png": photograph(2)})
    drop(a_file(tmp_path / "1_mask.png", marking(5)))
    (waits,), (first, second) = session.imports.waiting.all(), session.items()
    Bringing(session).confirm([(waits.id, second.id)])
    assert truths(session) == {"A/1.png": None, "B/1.png": 5} and not waiting(session)
    assert session.imports.undo() == 0
    assert truths(session) == {"A/1.png": None, "B/1.png": None} and not session.imports.can_undo()
    assert [item.id for item in session.items()] == [first.id, second.id]


def test_what_cannot_be_so_changes_nothing(session, drop, tmp_path):
    drop(
        entries={
            "A/1.png": photograph(1),
            "B/1.png": photograph(2),
            "c.png": np.zeros((9, 9, 3), np.uint8),
        }
    )
    drop(*(a_file(tmp_path / f / "1_mask.png", marking(5 + i)) for i, f in enumerate("ab")))
    one, two = session.imports.waiting.all()
    first, second, small = session.items()
    for pairs, why in (
        ([(one.id, first.id), (two.id, first.id)], "cannot both be the mask of A/1.png"),
        ([(one.id, first.id), (two.id, small.id)], "32 x 24 pixels, c.png of 9 x 9"),
        ([(one.id, first.id), (999, second.id)], "waits no longer"),
        ([(one.id, "0" * 16)], "no such image"),
    ):
        with pytest.raises(StoreError, match=why):
            Bringing(session).confirm(pairs)
    assert set(truths(session).values()) == {None} and len(waiting(session)) == 2
    Bringing(session).confirm([(one.id, first.id), (two.id, second.id)])
    assert truths(session) == {"A/1.png": 5, "B/1.png": 6, "c.png": None}


def test_a_word_against_the_folder_counts_more_than_the_folder(session, drop):
    entries = {
        "good/0.png": photograph(1),
        "dent/0.png": photograph(2),
        "masks/good/0.png": marking(9),
    }
    drop(entries=entries)
    (waits,), item = session.imports.waiting.all(), session.items()[0]
    Bringing(session).confirm([(waits.id, item.id)])
    assert session.item(item.id).kind == "" and truths(session)["good/0.png"] == 9


def test_a_mask_that_is_called_like_an_image_of_before_is_asked_about(session, drop, tmp_path):
    """As masks of an export are that another program has written anew, without our text in them."""
    drop(a_file(tmp_path / "a b.png", photograph(1)), a_file(tmp_path / "c.png", photograph(2)))
    again = Stems().unique("a b.png")
    marks = [a_file(tmp_path / "m" / f"{again}.png", marking(7))]
    marks += [a_file(tmp_path / "m" / "c.png", marking(9))]
    other = a_file(tmp_path / "n" / "c.png", photograph(3))
    assert drop(*marks, other) == {"a b.png": None, "c.png": None}
    assert len(session.items()) == 3  # the photograph of the same name came in
    assert [(name, set(meant)) for name, _, meant in waiting(session)] == [
        (f"{again}.png", {"a b.png"}),
        ("c.png", {"c.png"}),
    ]
