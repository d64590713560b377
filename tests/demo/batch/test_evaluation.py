"""The evaluation on the page: the library's figures, of the items whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from parts import spoil, texture

from ddad.measure.metrics import Evaluation
from demo.batch.evaluation import measure
from demo.batch.view import listing, report
from demo.store.store import Store

KINDS = {"set/test/square/0.png": "square"}
NAMES = ("set/test/good/0.png", "set/test/square/0.png", "elsewhere.png")


@pytest.fixture
def session(tmp_path, tiny_detector):
    """A good and a spoilt part with their true masks, and one that nothing is known of."""
    session, rng = Store(tmp_path).open(None), np.random.default_rng(4)
    for name in NAMES:
        pixels, mask = spoil(texture(rng), rng)
        if "good" in name:
            pixels, mask = texture(rng), np.zeros_like(mask)
        item = session.add(name, pixels, kind="good" if "good" in name else KINDS.get(name, ""))
        (found,) = tiny_detector.detect([session.pixels(item.id)])
        session.record(item.id, found, tiny_detector)
        if name != NAMES[-1]:
            session.set_truth(item.id, mask)
    return session


def test_without_a_true_mask_there_is_no_figure(tmp_path):
    with pytest.raises(ValueError, match="no scored image is known to be good or defective"):
        measure(Store(tmp_path).open(None))


def test_the_evaluation_is_the_librarys(session, tiny_detector):
    expected = Evaluation(2.0)
    for item in session.items()[:2]:
        score_map, kind = session.score_map(item.id), item.name.split("/")[2]
        expected.add(float(score_map.max()), score_map, session.truth(item.id), kind)
    found, lines, left_out = measure(session, 2.0)
    strange = sum(item.result.withheld == "strange" for item in session.items()[:2])
    assert found == expected.result() | {"n_unfamiliar": strange} and left_out == 1
    assert lines.keys() == {"image_roc", "image_pr", "pixel_roc", "pixel_pr", "pro"}
    page = report(found, lines, 3)
    assert f"<dt>image AUROC</dt><dd>{found['image_auroc']:.3f}</dd>" in page
    assert "3 of which neither is known" in page
    facts = listing(session)["facts"]
    assert facts["normals"] == list(tiny_detector.calibration.normal_scores)


def test_what_lies_in_an_ignore_zone_is_no_false_alarm_and_no_miss(session):
    bad = session.items()[1]
    everything = np.ones((bad.height, bad.width), bool)
    session.review(bad.id, mask=None, threshold=2, decision="undecided", ignore=everything)
    assert measure(session, 2.0)[0]["at_threshold"]["pixel_recall"] is None


def test_a_calibrated_threshold_is_the_one_measured_at(session, tiny_detector):
    at = measure(session)[0]["at_threshold"]["threshold"]
    assert at == tiny_detector.calibration.threshold


def test_labels_without_masks_give_the_figures_of_images(session):
    good, bad, _ = session.items()
    for item in (good, bad):
        session.set_truth(item.id, None)
    found, lines, left_out = measure(session, 2.0)
    assert found["image_auroc"] is not None and found["pixel_auroc"] is None and left_out == 1
    assert (found["n_with_masks"], found["n_without_masks"]) == (0, 1)
    assert lines.keys() == {"image_roc", "image_pr"}
    page = report(found, lines, left_out)
    assert "Pixel figures want masks: 1 of the defective images" in page and "missing" in page


def test_with_masks_for_a_part_the_pixel_figures_are_of_that_part(session, tiny_detector):
    bad, other = session.items()[1:]
    session.describe(other.id, kind="square")
    found, lines, left_out = measure(session, 2.0)
    assert (found["n_with_masks"], found["n_without_masks"], left_out) == (1, 1, 0)
    assert found["n_defective"] == 2 and found["pixel_auroc"] is not None
    assert "of the 1 others alone" in report(found, lines, left_out)
