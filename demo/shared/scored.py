"""An image that waits becomes one that is scored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from demo.store.session import Session

if TYPE_CHECKING:
    from ddad.model.detector import Detector


def score_waiting(session: Session, detector: Detector, item: str) -> None:
    """Score an item of the session and keep what was found, with the detector's doubt of it."""
    pixels = session.pixels(item)
    (found,) = detector.detect([pixels])
    kept = session.record(item, found, detector)
    if (doubt := detector.doubt(pixels)) and doubt not in kept.note:
        session.describe(item, note="; ".join(filter(None, (kept.note, doubt))))
