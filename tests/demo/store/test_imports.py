"""An import of masks undone in one step, and masks that wait."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from demo.limits import LIMITS
from demo.store.store import Store, StoreError

SHAPE = (5, 6)


def mask(count):
    found = np.zeros(SHAPE, bool)
    found.flat[:count] = True
    return found


@pytest.fixture
def session(tmp_path):
    session = Store(tmp_path).open(None)
    for name in ("a.png", "b.png"):
        session.add(name, np.full((*SHAPE, 3), 7, np.uint8), "a note")
    return session


def again(session, tmp_path):
    """The same session after a restart."""
    return Store(tmp_path).open(session.id)


def put_truth(session, item, count):
    session.imports.remember(item.id, "truth")
    session.set_truth(item.id, mask(count))
    session.describe(item.id, note="masked", kind="dent")
    session.imports.seal(item.id, "truth")


def put_draft(session, item, count, **more):
    session.imports.remember(item.id, "draft")
    session.review(item.id, mask=mask(count), threshold=1, decision="undecided", **more)
    session.imports.seal(item.id, "draft")


def hold(session, name="m.png", count=3, **more):
    said = {"why": "why", "how": "how", "role": "truth", "thumb": "data:"}
    session.imports.waiting.hold(mask(count), name=name, **said | more)


def test_truths_are_as_before_also_after_a_restart(session, tmp_path):
    first, second = session.items()
    session.set_truth(first.id, mask(2))
    kept = session.items()
    session.imports.begin()
    put_truth(session, first, 9)
    put_truth(session, first, 11)  # what was before both counts
    put_truth(session, second, 4)
    session = again(session, tmp_path)
    assert session.imports.can_undo() and session.imports.undo() == 0
    assert session.items() == kept and session.truth(first.id).sum() == 2
    assert not session.imports.can_undo() and session.imports.undo() == 0
    assert Store(tmp_path).sweep(grace_s=-1) == 0


def test_a_review_is_as_before_with_its_desk(session):
    item = session.items()[0]
    labels = [{"x": 0, "y": 0, "label": "dent"}]
    session.review(
        item.id, mask=mask(7), threshold=2, decision="defective", regions=labels, desk='{"k": 1}'
    )
    kept = session.item(item.id)
    session.imports.begin()
    put_draft(session, item, 3)
    assert session.item(item.id).decision == "undecided" and session.desk(item.id) is None
    session.imports.undo()
    assert session.item(item.id) == kept and session.desk(item.id) == {"k": 1}
    assert session.final_mask(item.id).sum() == 7
    assert session.items(decision="defective") == [kept]


def test_a_mask_that_was_corrected_since_stays(session):
    first, second = session.items()
    session.imports.begin()
    put_draft(session, first, 3)
    put_draft(session, second, 3)
    session.review(first.id, mask=mask(8), threshold=1, decision="defective")
    assert session.imports.undo() == 1
    assert session.final_mask(first.id).sum() == 8 and session.item(second.id).review is None


def test_the_next_import_ends_the_undoing_of_the_one_before(session, tmp_path):
    first, second = session.items()
    session.set_truth(first.id, mask(1))
    session.imports.begin()
    put_truth(session, first, 9)
    session.imports.begin()
    assert not session.imports.can_undo() and not list(tmp_path.rglob("before/*.png"))
    put_truth(session, second, 4)
    session.imports.undo()
    assert session.truth(first.id).sum() == 9 and session.truth(second.id) is None


def test_what_was_removed_since_is_passed_over(session):
    first, second = session.items()
    session.imports.begin()
    put_truth(session, first, 9)
    put_truth(session, second, 9)
    session.remove(first.id)
    assert session.imports.undo() == 0 and session.truth(second.id) is None


def test_masks_wait_until_a_word_and_survive_a_restart(session, tmp_path):
    hold(session, candidates=[session.items()[0].id], labels=())
    session = again(session, tmp_path)
    (waits,) = session.imports.waiting.all()
    assert (waits.name, waits.area, waits.width, waits.height) == ("m.png", 3, 6, 5)
    assert waits.candidates == (session.items()[0].id,)
    assert np.array_equal(session.imports.waiting.mask(waits), mask(3))
    assert Store(tmp_path).sweep(grace_s=-1) == 0
    session.imports.waiting.drop([waits])
    assert not session.imports.waiting.all() and not list(tmp_path.rglob("masks/*.png"))
    with pytest.raises(StoreError, match="waits no longer"):
        session.imports.waiting.mask(waits)


def test_undoing_drops_what_waits_of_this_import_alone(session):
    hold(session, "old.png")
    session.imports.begin()
    hold(session, "new.png")
    assert session.imports.can_undo()
    session.imports.undo()
    assert [each.name for each in session.imports.waiting.all()] == ["old.png"]


def test_what_waits_counts_and_goes_with_everything_else(session, tmp_path):
    before = session.used()[0]
    hold(session)
    session.imports.keep_report({"notes": ["x" * 100]})
    assert session.used()[0] > before + 100
    session.clear()
    assert session.used() == (0, 0) and not [p for p in tmp_path.rglob("*.png")]
    small = Store(tmp_path / "small", replace(LIMITS, quota_bytes=50)).open(None)
    with pytest.raises(StoreError, match="of at most"):
        hold(small)
    assert not list((tmp_path / "small").rglob("*.png")) and not small.imports.waiting.all()


def test_one_session_has_no_part_in_anothers(session, tmp_path):
    hold(session)
    other = Store(tmp_path).open(None)
    assert not other.imports.waiting.all() and not other.imports.can_undo()
    other.imports.waiting.drop(session.imports.waiting.all())
    assert len(session.imports.waiting.all()) == 1
