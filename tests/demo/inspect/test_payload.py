"""What a browser may send: run lengths and reviews, honest, damaged and hostile."""

from __future__ import annotations

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from demo.inspect.payload import PayloadError, decode_runs, encode_runs, read_review

MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)
GOOD = {
    "threshold": 3.5,
    "least": 1,
    "fill": False,
    "decision": "defective",
    "off": ["pixel_t20"],
    "reviewer": "Ada",
    "labels": [{"x": 5, "y": 3, "label": "<b>scratch</b>"}],
    "added": [24],
    "removed": None,
    "zone": [20, 4],
    "mask": [0, 24],
}


def read(data):
    return read_review(data, height=4, width=6, scales={"pixel_t20", "x"}, original=(4, 6))


@given(MASKS)
def test_runs_come_back_as_they_were(mask):
    runs = encode_runs(mask)
    assert sum(runs) == mask.size
    assert all(run > 0 for run in runs[1:])
    np.testing.assert_array_equal(decode_runs(json.loads(json.dumps(runs)), *mask.shape), mask)


@given(JUNK, st.integers(1, 6), st.integers(1, 6))
def test_junk_is_refused_or_fills_the_mask_exactly(junk, height, width):
    try:
        mask = decode_runs(junk, height, width)
    except PayloadError as error:
        assert "\n" not in str(error)
    else:
        assert mask.shape == (height, width) and mask.dtype == bool
        assert sum(junk) == mask.size


@pytest.mark.parametrize("runs", [[23], [25], [-1, 25], [True, 23], [12.0, 12], ["24"], {}, None])
def test_wrong_runs_are_refused(runs):
    with pytest.raises(PayloadError):
        decode_runs(runs, 4, 6)


def test_an_endless_list_of_empty_runs_is_refused():
    with pytest.raises(PayloadError, match="at most 25"):
        decode_runs([0] * 1000, 4, 6)


def test_a_review_is_read():
    review = read(GOOD)
    assert (review.threshold, review.decision, review.off) == (3.5, "defective", ("pixel_t20",))
    assert review.zone is not None and review.zone.sum() == 4
    assert review.mask is not None and review.mask.all()
    assert review.labels == ({"x": 5, "y": 3, "label": "<b>scratch</b>"},)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("threshold", value) for value in (float("nan"), float("inf"), "3", None, True)],
        *[("least", value) for value in (0, 25, 1.0, None)],
        ("fill", 1),
        ("decision", "perfect"),
        ("off", ["pixel_t21"]),
        ("off", "x"),
        ("reviewer", "x" * 81),
        ("reviewer", None),
        ("labels", [{"x": 6, "y": 0, "label": "out"}]),
        ("labels", [{"x": 0, "y": -1, "label": "out"}]),
        ("labels", [{"x": 0, "y": 0, "label": 7}]),
        ("labels", [{"x": 0, "y": 0, "label": ""}] * 1001),
        ("mask", [23]),
        ("zone", "zone"),
        ("added", [24, 1]),
        ("removed", 5),
    ],
)
def test_each_wrong_field_is_refused_with_a_sentence(key, value):
    with pytest.raises(PayloadError) as error:
        read(GOOD | {key: value})
    assert "\n" not in str(error.value)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JUNK))
def test_no_junk_gets_past_as_another_error(junk):
    with suppress(PayloadError):
        read(GOOD | junk)
