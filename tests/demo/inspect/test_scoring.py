"""Scoring for the desk, step by step, without a browser."""

from __future__ import annotations

import shutil
from dataclasses import replace
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
from parts import spoil, texture
from PIL import Image

from demo.inspect import scoring
from demo.inspect.payload import decode_runs
from demo.inspect.scoring import Wanted, inspect
from demo.inspect.view import judge
from demo.shared.models import Models
from demo.store.store import Store


@pytest.fixture
def page(tiny_checkpoint, tmp_path):
    return SimpleNamespace(models=Models(tiny_checkpoint.parent), store=Store(tmp_path / "work"))


@pytest.fixture
def part(tmp_path):
    path, rng = tmp_path / "part.png", np.random.default_rng(8)
    Image.fromarray(spoil(texture(rng), rng)[0]).save(path)
    return path


def test_maps_are_shown_a_tenth_of_a_second_apart(page, part, monkeypatch):
    """Drawn more often they would take the cores that compute them, and rarer they would lag."""
    for pace, each in ((0.15, 1), (0.06, 2), (0.03, 4)):
        clock = iter(np.arange(100, 200, pace).tolist())
        monkeypatch.setattr(scoring, "time", SimpleNamespace(monotonic=lambda c=clock: next(c)))
        steps = list(inspect(page, Wanted("stripes", part), None))
        shown = [len(step[0]["desk"]["scales"]) for step in steps[:-1]]
        # The clock is read once a scale, and once more for each that is shown.
        assert shown[0] == 1 and set(np.diff(shown)) == {each}
        assert steps[-1][0]["desk"]["partial"] is False


def test_the_same_image_and_model_go_on_as_they_were_left(page, part):
    session = page.store.open(None)
    wanted = Wanted("stripes", part, threshold=2.5, seed=9)
    *maps, (first, _, sentence) = inspect(page, wanted, session.id)
    assert maps and sentence == "" and first["desk"]["at"] == 2.5
    assert "names seed 9; this model scores with 0" in first["desk"]["note"]
    ((again, key, _),) = inspect(page, wanted, session.id)
    assert key == session.id and again["desk"]["item"] == first["desk"]["item"]
    other = part.with_name("other.png")
    other.write_bytes(part.read_bytes())
    assert len(list(inspect(page, Wanted("stripes", other), session.id))) > 1
    Image.fromarray(texture(np.random.default_rng(9))).save(part)  # the same name, another image
    assert len(list(inspect(page, wanted, session.id))) > 1
    assert [item.name for item in session.items()] == ["part.png", "other.png", "part.png"]
    assert [item.name for item in session.items(name="other.png")] == ["other.png"]


def test_what_cannot_be_scored_leaves_the_desk_as_it_is(page, part):
    part.write_bytes(b"no picture")
    ((desk, session, sentence),) = inspect(page, Wanted("stripes", part), None)
    assert (desk, session) == ({"idle": True}, gr.skip())  # dimmed no longer, and as it was
    assert "part.png is not an image" in sentence and str(part.parent) not in sentence
    ((_, _, sentence),) = inspect(page, Wanted("none", part), None)
    assert "part.png" in sentence or "no model called" in sentence
    assert list(inspect(page, None, None)) == [(gr.skip(),) * 3]


@pytest.fixture
def judges(tiny_checkpoint, tiny_detector, tmp_path):
    """What tabs share, over two models of other fingerprints and thresholds."""
    root = tmp_path / "models"
    shutil.copytree(tiny_checkpoint, root / "stripes")
    other = replace(tiny_detector, config=replace(tiny_detector.config, seed=7))
    normals = [texture(np.random.default_rng(100 + k)) for k in range(4)]
    other.calibrate(normals, target_fpr=0.4).save(root / "other")
    return SimpleNamespace(models=Models(root), store=Store(tmp_path / "work"))


def scored_by(judges, paths, name="stripes"):
    steps = list(scoring.inspect_all(judges, name, paths, None))
    session = judges.store.open(steps[-1][1])
    return session, session.items()


def test_another_model_judges_the_image_anew_and_a_decision_stays(judges, part):
    session, (item,) = scored_by(judges, [part])
    mask = np.zeros((item.height, item.width), bool)
    mask[5:9, 5:9] = True
    session.review(item.id, mask=mask, threshold=2.0, decision="defective", reviewer="Ann")
    *_, (said, _, trouble) = scoring.rejudge(judges, "other", item.id, session.id)
    again = session.item(item.id)
    assert (again.result.model, trouble) == ("other", "")
    assert again.decision == "defective" and np.array_equal(session.final_mask(item.id), mask)
    assert (again.review.model, again.result.seed) == ("stripes", 7)  # whose maps it was made on
    desk = said["desk"]
    assert (desk["model"], desk["decision"], desk["judge"]) == (
        *("other", "defective"),
        again.result.fingerprint,
    )
    proposed = session.score_map(item.id) > np.float32(desk["review"]["threshold"])
    assert desk["review"]["threshold"] == again.result.threshold
    added, removed = (decode_runs(desk["review"][key], *mask.shape) for key in ("added", "removed"))
    assert np.array_equal((proposed | added) & ~removed, mask)  # the mask, on the other's maps
    assert list(scoring.rejudge(judges, "other", item.id, session.id)) == []  # it has already
    assert list(scoring.rejudge(judges, "other", None, session.id)) == []
    ((_, _, trouble),) = scoring.rejudge(judges, "none", item.id, session.id)
    assert "there is no model called" in trouble
    assert judge(session, item.id, judges.models) == "other"  # chosen again after a reload
    shutil.rmtree(judges.models.root / "other")
    assert judge(session, item.id, judges.models) is judge(session, None, judges.models) is None


def test_a_threshold_of_the_last_model_is_gone_and_its_ignore_zone_stays(judges, part):
    session, (item,) = scored_by(judges, [part])
    zone = np.zeros((item.height, item.width), bool)
    zone[:10] = True
    session.review(item.id, mask=None, ignore=zone, threshold=2.0, decision="undecided", desk="{}")
    *_, (said, _, _) = scoring.rejudge(judges, "other", item.id, session.id)
    review = said["desk"]["review"]
    assert review["threshold"] == session.item(item.id).result.threshold
    assert np.array_equal(decode_runs(review["zone"], *zone.shape), zone)
    assert review["added"] is review["removed"] is None


def test_the_others_of_the_queue_are_judged_with_the_model_of_this_one(
    judges, part, tmp_path, monkeypatch
):
    paths = [part]
    for k in (1, 2):
        path = tmp_path / f"part {k}.png"
        Image.fromarray(texture(np.random.default_rng(k))).save(path)
        paths.append(path)
    session, items = scored_by(judges, paths)
    assert [item.name for item in items] == [path.name for path in paths]
    list(scoring.rejudge(judges, "other", items[0].id, session.id))
    steps = [said for said, _, _ in scoring.rejudge_others(judges, "other", session.id)]
    assert [step["judging"] for step in steps] == [[0, 2], [1, 2], None]
    assert {entry["judge"] for entry in steps[-1]["queue"]} == {
        judges.models.get("other").fingerprint
    }
    monkeypatch.setattr(scoring, "LIMITS", replace(scoring.LIMITS, slice_s=0))
    steps = [said for said, _, _ in scoring.rejudge_others(judges, "stripes", session.id)]
    assert [step.get("judging") for step in steps] == [[0, 3], None] and steps[-1][
        "more"
    ] == "stripes"
    steps = [said for said, _, _ in scoring.rejudge_others(judges, "stripes", session.id)]
    assert steps[0]["judging"] == [0, 2]  # it goes on where others had their turn
    ((_, _, trouble),) = scoring.rejudge_others(judges, "none", session.id)
    assert "there is no model called" in trouble


def test_of_several_files_the_first_is_shown_and_the_others_are_scored_in_turns(
    judges, part, tmp_path, monkeypatch
):
    paths = [part]
    for k in (1, 2, 3):
        path = tmp_path / f"part {k}.png"
        Image.fromarray(texture(np.random.default_rng(k))).save(path)
        paths.append(path)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"nothing")
    session = judges.store.open(None)
    monkeypatch.setattr(scoring, "LIMITS", replace(scoring.LIMITS, slice_s=0))
    steps = list(scoring.inspect_all(judges, "stripes", [*paths, broken], session.id))
    assert any("desk" in said and said["desk"]["item"] for said, _, _ in steps if said)
    assert "broken.png" in next(
        sentence for _, _, sentence in steps[::-1] if isinstance(sentence, str) and sentence
    )
    states = [item.state for item in session.items()]
    assert states == ["scored", "scored", "waiting", "waiting"]  # one was scored in its turn
    assert steps[-1][0]["rest"]
    for left in (1, 0):
        steps = [said for said, _, _ in scoring.inspect_rest(judges, "stripes", session.id)]
        assert ("rest" in steps[-1]) == bool(left)
        assert [item.state for item in session.items()].count("waiting") == left
    assert steps[-1]["judging"] is None and len(steps[-1]["queue"]) == 4
    again = list(scoring.inspect_all(judges, "stripes", paths, session.id))
    assert len(session.items()) == 4 and again[-1][0]["judging"] is None  # they are known
    ((said, _, trouble),) = scoring.inspect_rest(judges, "none", session.id)
    assert "there is no model called" in trouble and said["idle"]


def test_a_model_is_tried_with_a_picture_of_a_defect(judges):
    steps = list(scoring.try_first(judges, ("stripes", 1), None))
    assert steps[-1][0]["desk"]["name"].startswith("2_")
    ((said, _, _),) = scoring.try_first(judges, None, None)
    assert said == scoring.gr.skip()
