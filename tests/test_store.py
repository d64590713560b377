"""The visitors' store: whole after a kill, closed to others, bounded, gone in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import spoil, texture

from demo.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "work")


@pytest.fixture(scope="module")
def found(tiny_detector):
    """A spoilt image, its true mask, and what the tiny model finds in it."""
    rng = np.random.default_rng(1)
    image, mask = spoil(texture(rng), rng)
    return image, mask, tiny_detector.detect([image])[0], tiny_detector


def scored(session, found, name="part.png"):
    item = session.add(name, found[0], "a note")
    return session.record(item.id, found[2], found[3])


def files(store_root: Path) -> list[str]:
    return sorted(p.name for p in (store_root / "sessions").rglob("*") if p.is_file())


def test_a_result_comes_back_as_it_was_from_a_new_store(tmp_path, found):
    image, _, detection, detector = found
    session = Store(tmp_path).open(None)
    waiting = session.add("part.png", image, "a note")
    assert waiting.state == "waiting" and waiting.result is None and waiting.note == "a note"
    session.record(waiting.id, detection, detector)

    again = Store(tmp_path).open(session.id)
    assert again.id == session.id
    (item,) = again.items()
    assert (item.state, item.width, item.height) == ("scored", 48, 40)
    assert item.score == detection.score and item.threshold == detection.threshold
    assert item.result.normal_scores == detector.calibration.normal_scores
    assert item.result.fingerprint == detector.fingerprint
    assert np.array_equal(again.pixels(item.id), image)
    assert np.array_equal(again.score_map(item.id), detection.score_map)
    assert np.array_equal(again.final_mask(item.id), detection.mask())
    for kept, scale in zip(again.scales(item.id), detection.scales, strict=True):
        assert np.array_equal(kept.map, scale.map)
        assert (kept.name, kept.weight, kept.noise_std, kept.mean) == (
            *(scale.name, scale.weight, scale.noise_std),
            pytest.approx(scale.mean),
        )
    assert again.thumbnail(item.id).read_bytes()[:2] == b"\xff\xd8"
