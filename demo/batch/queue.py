"""The queue of a visitor's images: what is dropped waits in it, what waits is scored.

Everything is kept in the visitor's session at once: first each file becomes an item that waits,
then the items that wait are scored, some seconds of them at a time, so that other visitors' images
come in between. Closing the page or cancelling loses nothing; what waits can be scored later.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from ddad.export.reviewed import DECISIONS, Decision
from demo.batch import view
from demo.batch.bringing import Bringing
from demo.batch.intake import take
from demo.limits import LIMITS
from demo.page import Page, problem
from demo.shared.intake import gather
from demo.shared.passing import passing
from demo.shared.scored import score_waiting
from demo.store.records import Item
from demo.store.session import Session

SLICE = LIMITS.slice_s
"""Seconds of scoring before others in the queue get their turn."""


def bring(
    page: Page, paths: list[str] | None, masks: str, name: str, session_id: str | None
) -> Iterator[tuple[Any, ...]]:
    """Keep what is in the files, each as an item that waits to be scored."""
    session = page.store.open(session_id)
    sentence = ""
    with passing() as into:
        try:
            sources = gather([Path(path) for path in paths or ()], into)
            detector = page.models.get(name)
            drafts_at = detector.calibration.threshold if masks == "drafts" else None
            shown, levels = 0.0, detector.levels
            for done, total in take(session, sources, drafts_at=drafts_at, levels=levels):
                if time.monotonic() - shown > 0.5:
                    shown = time.monotonic()
                    run = {"phase": "reading", "done": done, "total": total}
                    yield view.listing(session, **run), session.id, ""
        except ValueError as error:
            sentence = problem(error)
    yield view.listing(session, phase="read", more=True), session.id, sentence


def confirm(page: Page, session: Session, name: str, pairs: Any) -> None:
    """Put masks that wait on items, as the page's `pairs` of `id` and `item` say.

    Raises ValueError, one sentence, where that cannot be; then nothing has changed.
    """
    try:
        chosen = [(int(pair["id"]), str(pair["item"])) for pair in pairs]
    except (TypeError, KeyError, ValueError):
        raise ValueError("each mask needs an image: choose one") from None
    threshold = None
    with suppress(ValueError):  # no model is loaded: a draft needs none until it is scored
        threshold = page.models.get(name).calibration.threshold
    bringing = Bringing(session, threshold, session.imports.report())
    bringing.confirm(chosen)
    session.imports.keep_report(bringing.report())


def undo(session: Session) -> None:
    """Take the last import of masks back; the photographs that came with it stay."""
    stay = session.imports.undo()
    notes = ["the last import of masks is undone; photographs stay"]
    if stay:
        notes.append(f"{stay} of its masks stay: they were changed by hand since")
    session.imports.keep_report({"notes": notes})


def score(page: Page, name: str, session_id: str | None) -> Iterator[tuple[Any, ...]]:
    """Score what waits until the slice is over; the last listing has `more` if some are left."""
    session = page.store.open(session_id)
    began, shown, pause = time.monotonic(), time.monotonic(), 0.2
    waiting = [item.id for item in session.items(state="waiting")]
    try:
        detector = page.models.get(name)
        while waiting and time.monotonic() - began < SLICE:
            score_waiting(session, detector, waiting.pop(0))
            if waiting and time.monotonic() - shown > pause:
                listed = time.monotonic()
                yield view.listing(session, phase="scoring", more=False), session.id, gr.skip()
                shown = time.monotonic()
                pause = max(0.2, 9 * (shown - listed))  # a list of thousands takes its time
    except ValueError as error:
        yield view.listing(session, phase="stopped"), session.id, problem(error)
        return
    yield view.listing(session, phase="scoring", more=bool(waiting)), session.id, gr.skip()


def apply(session: Session, threshold: float) -> None:
    """Make it the threshold of every item that no one has decided on or drawn in."""
    for item in session.items(decision="undecided", state="scored"):
        if not (item.review and item.review.edited):
            _review_again(session, item, threshold=threshold, decision="undecided")


def decide(session: Session, pairs: Any) -> None:
    """Keep what a person says of several images at once: `item` and `decision` each.

    Raises ValueError, one sentence, where that cannot be; then nothing has changed.
    """
    try:
        chosen = [(session.item(str(pair["item"])), pair["decision"]) for pair in pairs]
    except (TypeError, KeyError):
        raise ValueError("choose images and what they are") from None
    for _, decision in chosen:
        if decision not in DECISIONS:
            raise ValueError(f"a decision is one of {', '.join(DECISIONS)}")
    for item, decision in chosen:
        _review_again(session, item, threshold=item.threshold or 0.0, decision=decision)


def _review_again(session: Session, item: Item, *, threshold: float, decision: Decision) -> None:
    """The review of an item with another threshold or decision; the rest of it stays."""
    review, desk = item.review, session.desk(item.id)
    edited = review is not None and review.edited
    session.review(
        item.id,
        mask=session.mask(item.id) if edited else None,
        threshold=threshold,
        desk=None if desk is None else json.dumps(desk | {"threshold": threshold}),
        decision=decision,
        ignore=session.ignore(item.id),
        min_area=review.min_area if review else 1,
        regions=review.regions if review else (),
        reviewer=review.reviewer if review else "",
    )
