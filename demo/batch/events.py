"""Many images: files in, results as they finish, the table, the threshold of the whole set.

Everything is kept in the visitor's session at once: first each file becomes an item that waits,
then the items that wait are scored, some seconds of them at a time, so that other visitors' images
come in between. Closing the page or cancelling loses nothing; what waits can be scored later.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from demo.batch import evaluation, export
from demo.batch.intake import defect, gather, keep
from demo.inspect.answers import answers
from demo.page import HEAVY, LIGHT, PRIVATE, Page, problem, to_desk
from demo.store.records import Item
from demo.store.session import Session
from demo.web import serve

EVENTS = ("more", "cancel", "open", "settle", "apply", "clear")
"""What the table asks for; its JavaScript is `demo/web/table`."""
SLICE = 15.0
"""Seconds of scoring before others in the queue get their turn."""
INTAKE: dict[str, Any] = {"concurrency_id": "intake", "concurrency_limit": 2}
MASKS = [("the truth, to evaluate with", "truth"), ("drafts, to correct", "drafts")]


def tab(page: Page, here: gr.Tab) -> None:
    """Lay out the tab and wire it; `here` is the tab itself."""
    with gr.Row():
        upload = gr.File(
            label="Photographs, or a ZIP of them",
            file_count="multiple",
            type="filepath",
            height=140,
            elem_id="many-upload",
        )
        with gr.Column():
            purpose = gr.Radio(MASKS, value="truth", label="Masks that come along are")
            gr.Markdown(
                "A mask is `<name>_mask.png` beside its image, or lies in `ground_truth` as in "
                "MVTec's layout. A ZIP may hold 2000 files.",
                elem_id="many-hint",
            )
    problem_box = gr.HTML("", elem_id="many-problem")
    thumbs = [answer for answer in answers(page.store) if answer.__name__ == "thumbs"]
    table = gr.HTML(
        value=None,
        html_template=(serve.HERE / "table" / "table.html").read_text(),
        js_on_load=serve.script("table/main.js", *EVENTS),
        server_functions=thumbs,
        apply_default_css=False,
        elem_id="many-table",
    )
    threshold = gr.State(None)
    export.panel(page)
    evaluation.panel(page, threshold)

    def bring(
        paths: list[str] | None, masks: str, name: str, session: str | None
    ) -> Iterator[tuple[Any, ...]]:
        yield from _bring(page, [Path(path) for path in paths or ()], masks, name, session)

    def more(name: str, session: str | None) -> Iterator[tuple[Any, ...]]:
        yield from _score(page, name, page.store.open(session))

    def open_(event: gr.EventData) -> tuple[Any, ...]:
        return to_desk(str(event.item))

    def settle(event: gr.EventData) -> float | None:
        return None if event.threshold is None else float(event.threshold)

    def apply(session: str | None, event: gr.EventData) -> tuple[Any, str]:
        mine = page.store.open(session)
        try:
            _apply(mine, float(event.threshold))
        except (TypeError, ValueError) as error:
            return listing(mine), problem(error)
        return listing(mine), ""

    def clear(session: str | None) -> tuple[Any, str]:
        mine = page.store.open(session)
        mine.clear()
        return listing(mine), ""

    shown = [table, page.session, problem_box]
    hidden: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}
    taking = upload.upload(
        bring, [upload, purpose, page.model, page.session], shown, **hidden, **INTAKE
    )
    taking.then(lambda: None, None, upload, **hidden)
    scoring = table.more(
        more, [page.model, page.session], shown, trigger_mode="multiple", **hidden, **HEAVY
    )
    here.select(
        lambda session: listing(page.store.open(session)), page.session, table, **LIGHT, **PRIVATE
    )
    table.cancel(None, cancels=[taking, scoring], **PRIVATE)
    table.open(open_, None, [page.opened, page.tabs], **LIGHT, **PRIVATE)
    table.settle(settle, None, threshold, **LIGHT, **PRIVATE)
    table.apply(apply, page.session, [table, problem_box], **LIGHT, **PRIVATE)
    table.clear(clear, page.session, [table, problem_box], **LIGHT, **PRIVATE)


def listing(session: Session, **run: Any) -> dict[str, Any]:
    """What the table shows of a session; `run` says what goes on, nothing if nothing does."""
    items = session.items()
    latest = next((item.result for item in items[::-1] if item.result), None)
    facts = None
    if latest:
        facts = {
            "model": latest.model,
            "threshold": latest.threshold,
            "low": latest.low,
            "high": latest.high,
            "normals": list(latest.normal_scores),
            "crossFitted": latest.cross_fitted,
        }
    now = {"serial": time.monotonic_ns(), **run} if run else None
    rows = [_row(item, latest.fingerprint if latest else "") for item in items]
    return {"session": session.id, "rows": rows, "facts": facts, "run": now}


def _row(item: Item, fingerprint: str) -> dict[str, Any]:
    other = item.result is not None and item.result.fingerprint != fingerprint
    note = item.note
    if other and item.result:
        note = f"scored by {item.result.model}; {note}".rstrip("; ")
    return {
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "score": item.score,
        "threshold": item.threshold,
        "area": item.area,
        "pixels": item.width * item.height,
        "regions": item.regions,
        "decision": item.decision,
        "edited": bool(item.review and item.review.edited),
        "kind": defect(item.name) if item.has_truth else None,
        "other": other,
        "note": note,
        "error": item.error,
    }


def _bring(
    page: Page, paths: list[Path], masks: str, name: str, session_id: str | None
) -> Iterator[tuple[Any, ...]]:
    """Keep what is in the files, each as an item that waits to be scored."""
    session = page.store.open(session_id)
    into = Path(tempfile.mkdtemp(prefix="ddad-intake-"))
    sentence = ""
    try:
        coming = gather(paths, into)
        drafts_at = page.models.get(name).calibration.threshold if masks == "drafts" else None
        shown = 0.0
        for done, each in enumerate(coming):
            if time.monotonic() - shown > 0.5:
                shown = time.monotonic()
                run = {"phase": "reading", "done": done, "total": len(coming)}
                yield listing(session, **run), session.id, ""
            keep(session, each, drafts_at=drafts_at)
    except ValueError as error:
        sentence = problem(error)
    finally:
        shutil.rmtree(into, ignore_errors=True)
    yield listing(session, phase="read", more=True), session.id, sentence


def _score(page: Page, name: str, session: Session) -> Iterator[tuple[Any, ...]]:
    """Score what waits until the slice is over; the last listing has `more` if some are left."""
    began = shown = time.monotonic()
    waiting = [item.id for item in session.items(state="waiting")]
    try:
        detector = page.models.get(name)
        while waiting and time.monotonic() - began < SLICE:
            item = waiting.pop(0)
            (found,) = detector.detect([session.pixels(item)])
            session.record(item, found, detector)
            if waiting and time.monotonic() - shown > 0.2:
                shown = time.monotonic()
                yield listing(session, phase="scoring", more=False), session.id, gr.skip()
    except ValueError as error:
        yield listing(session, phase="stopped"), session.id, problem(error)
        return
    yield listing(session, phase="scoring", more=bool(waiting)), session.id, gr.skip()


def _apply(session: Session, threshold: float) -> None:
    """Make it the threshold of every item that no one has decided on or drawn in."""
    for item in session.items(decision="undecided", state="scored"):
        if item.review and item.review.edited:
            continue
        desk = session.desk(item.id)
        session.review(
            item.id,
            mask=None,
            threshold=threshold,
            desk=None if desk is None else json.dumps(desk | {"threshold": threshold}),
            decision="undecided",
            ignore=session.ignore(item.id),
            min_area=item.review.min_area if item.review else 1,
            regions=item.review.regions if item.review else (),
            reviewer=item.review.reviewer if item.review else "",
        )
