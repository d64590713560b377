"""What happens in the tab of many images: files in, scoring, the set's threshold, ZIP, figures."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import gradio as gr

from demo.batch import export, layout, queue, view
from demo.batch.decided import events as decided
from demo.batch.evaluation import measure
from demo.batch.layout import Batch
from demo.front.turns import share
from demo.limits import LIMITS
from demo.page import HEAVY, PRIVATE, QUIET, Page, problem, to_desk
from demo.store.session import Session

INTAKE: dict[str, Any] = {"concurrency_id": "intake", "concurrency_limit": LIMITS.intakes}
"""Of taking files in: not in the queue of what runs a network."""
EXPORTS: dict[str, Any] = {"concurrency_id": "export", "concurrency_limit": LIMITS.exports}


def tab(page: Page, here: gr.Tab) -> None:
    """Lay out the tab and wire it; `here` is the tab itself."""
    batch = layout.batch(page)
    changes = [_wire_queue(batch, page), *_wire_table(batch, page, here)]
    _wire_masks(batch, page)
    _wire_export(batch, page)
    _wire_evaluation(batch, page)
    decided.panel(page, batch.table, batch.threshold, changes)


def _wire_queue(batch: Batch, page: Page) -> Any:
    """Files that are dropped wait and are scored, until that is cancelled; returns the scoring."""
    shown = [batch.table, page.session, batch.problem]
    hidden: dict[str, Any] = {"show_progress": "hidden", **PRIVATE}
    inputs = [batch.upload, batch.purpose, page.model, page.session]

    def later(error: Exception, name: str, session: str | None) -> tuple[Any, ...]:
        """Scoring goes on once there is a place."""
        time.sleep(LIMITS.turn_s)
        mine = page.store.open(session)
        return view.listing(mine, phase="scoring", more=True), mine.id, gr.skip()

    def came(session: str | None) -> dict[str, Any]:
        return view.brought(page.store.open(session))

    bring = page.turns.shared(partial(queue.bring, page))
    taking = batch.upload.upload(bring, inputs, shown, **hidden, **INTAKE)
    taking.then(lambda: None, None, batch.upload, **hidden)
    taking.then(came, page.session, batch.masks, **QUIET)
    scoring = batch.table.more(
        page.turns.shared(partial(queue.score, page), later),
        [page.model, page.session],
        shown,
        trigger_mode="multiple",
        **hidden,
        **HEAVY,
    )
    batch.table.cancel(came, page.session, batch.masks, cancels=[taking, scoring], **PRIVATE)
    return scoring


def _wire_masks(batch: Batch, page: Page) -> None:
    """Masks that wait are used as a person says, or left out; the last import is undone."""

    def now(session: Session, said: str = "") -> tuple[Any, ...]:
        return view.listing(session), view.brought(session), said

    def use_masks(name: str, session: str | None, event: gr.EventData) -> tuple[Any, ...]:
        mine = page.store.open(session)
        try:
            queue.confirm(page, mine, name, getattr(event, "pairs", None))
        except ValueError as error:
            return now(mine, problem(error))
        return now(mine)

    def leave_masks(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        mine.imports.waiting.drop(mine.imports.waiting.all())
        return now(mine)

    def undo_import(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        queue.undo(mine)
        return now(mine)

    changed = [batch.table, batch.masks, batch.problem]
    batch.masks.use(use_masks, [page.model, page.session], changed, **QUIET)
    batch.masks.leave(leave_masks, page.session, changed, **QUIET)
    batch.masks.undo(undo_import, page.session, changed, **QUIET)


def _wire_table(batch: Batch, page: Page, here: gr.Tab) -> list[Any]:
    """The table as it is now; a row opened; a threshold tried, and made that of the set.

    Returns the events that read or change what is decided.
    """

    def refresh(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        return view.listing(mine), view.brought(mine)

    def open_(event: gr.EventData) -> tuple[Any, ...]:
        return to_desk(str(getattr(event, "item", "")))

    def settle(event: gr.EventData) -> float | None:
        try:
            return float(getattr(event, "threshold", None))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None

    def apply(session: str | None, event: gr.EventData) -> tuple[Any, str]:
        mine = page.store.open(session)
        try:
            at = settle(event)
            if at is None:
                raise ValueError("a threshold is a number")
            queue.apply(mine, at)
        except ValueError as error:
            return view.listing(mine), problem(error)
        return view.listing(mine), ""

    def decide(session: str | None, event: gr.EventData) -> tuple[Any, str]:
        mine = page.store.open(session)
        try:
            queue.decide(mine, getattr(event, "pairs", None))
        except ValueError as error:
            return view.listing(mine), problem(error)
        return view.listing(mine), ""

    def clear(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        mine.clear()
        return view.listing(mine), view.brought(mine), ""

    table, changed = batch.table, [batch.table, batch.problem]
    came = here.select(refresh, page.session, [table, batch.masks], **QUIET)
    table.open(open_, None, [page.opened, page.tabs], **QUIET)
    table.settle(settle, None, batch.threshold, **QUIET)
    applied = table.apply(apply, page.session, changed, **QUIET)
    decided_on = table.decide(decide, page.session, changed, **QUIET)
    cleared = table.clear(clear, page.session, [table, batch.masks, batch.problem], **QUIET)
    return [came, applied, decided_on, cleared]


def _wire_export(batch: Batch, page: Page) -> None:
    def make(
        session: str | None,
        wanted: list[str],
        of: str,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Iterator[tuple[Any, str]]:
        yield from export.make(page, session, wanted, of, progress)

    batch.make.click(
        page.turns.shared(make),
        [page.session, batch.formats, batch.which],
        [batch.file, batch.said],
        show_progress_on=batch.said,
        **EXPORTS,
        **PRIVATE,
    )


def _wire_evaluation(batch: Batch, page: Page) -> None:
    def evaluate(
        session: str | None,
        at: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:
        def on_progress(done: int, n: int) -> None:
            share()
            progress((done, n), unit="images")

        try:
            found = measure(page.store.open(session), at, on_progress)
        except ValueError as error:
            return problem(error)
        return view.report(*found)

    batch.evaluate.click(
        page.turns.shared(evaluate),
        [page.session, batch.threshold],
        batch.evaluated,
        concurrency_id="evaluate",
        concurrency_limit=1,
        **PRIVATE,
    )
