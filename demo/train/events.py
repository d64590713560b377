"""The Train tab: photographs in, a look over them; what follows is in `training` and `models`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from demo.front.turns import share
from demo.page import HEAVY, PRIVATE, QUIET, Page, problem
from demo.store.session import Session
from demo.store.store import StoreError
from demo.train import models, taking, training, view, work
from demo.train.layout import BOTH, CHECK, PHOTOGRAPHS, RESULT, TRAIN, steps
from demo.train.queue import Queue

FPR = 0.05
"""The rate of false alarms where none is chosen."""
KEPT, ASK = ("kept", "forget"), ("ask", "good")
"""Components that show what is there, and what is asked."""


def tab(
    page: Page, queue: Queue, earlier: gr.BrowserState, alarm: tuple[gr.Button, gr.HTML]
) -> Callable[[Any], None]:
    """Lay out the tab and wire it; what is returned is given the event of a page that has loaded,
    with a session, and greets the visitor after it.

    `earlier` is the key that an earlier version kept in the browser. It must lie outside the tabs:
    the browser reads it when its tab is first shown.
    """
    ui = steps(queue.limits)
    _wire_upload(ui, page)
    _wire_photographs(ui, page)
    _wire_check(ui, page)
    training.wire(ui, page, queue)
    models.wire(ui, page, alarm)

    def arrive(session: str | None, key: str | None) -> tuple[Any, ...]:
        mine, said = page.store.open(session), ""
        try:
            queue.join(mine, key)
            key = None
        except StoreError as error:
            said = problem(error)
        current = mine.trained.training()
        busy = current is not None and current.state != "done"
        goes = TRAIN if busy else RESULT if mine.trained.models() else PHOTOGRAPHS
        first: tuple[Any, ...] = key, said, *_photographs(mine), *view.ask(mine.photographs)
        first += (gr.Walkthrough(selected=goes),)
        shown = training.now(mine, queue), models.mine(mine), models.choices(page, mine, None)
        return *first, *shown[0], *shown[1:]

    def greet(loaded: Any) -> None:
        shown = [earlier, *(ui[n] for n in ("trouble", *KEPT, *ASK, "steps"))]
        shown += [*(ui[n] for n in training.LIVE), ui["mine"], page.model]
        loaded.then(arrive, [page.session, earlier], shown, **QUIET)

    return greet


def _photographs(session: Session) -> tuple[str, Any]:
    """How many there are, and whether some were put aside and can be deleted."""
    photographs = session.photographs
    return view.kept(photographs), gr.update(visible=bool(photographs.left_out()))


def _seen(ui: dict[str, Any], page: Page) -> list[Any]:
    """What is brought up to date when photographs came, or were answered for."""
    return [page.session, *(ui[name] for name in ("trouble", "said", *KEPT, *ASK))]


def _wire_upload(ui: dict[str, Any], page: Page) -> None:
    def add(
        session: str | None,
        files: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        mine, trouble, notes = page.store.open(session), "", []
        paths = [Path(file) for file in files or []]

        def on_progress(done: int, n: int) -> None:
            progress((done, n), desc="Keeping", unit="photographs")

        try:
            taken = taking.take_in(mine.photographs, paths, on_progress)
            notes = taken.notes
            if taken.problems:
                more = len(taken.problems) - 3
                rest = [f"and {more} more"] if more > 0 else []
                trouble = problem(ValueError("; ".join([*taken.problems[:3], *rest])))
        except (ValueError, OSError) as error:
            trouble = problem(error)
        first = mine.id, trouble, view.said(notes), *_photographs(mine)
        return *first, *view.ask(mine.photographs), None

    ui["upload"].upload(
        add,
        [page.session, ui["upload"]],
        [*_seen(ui, page), ui["upload"]],
        show_progress_on=ui["kept"],
        concurrency_limit=None,
        **PRIVATE,
    )


def _wire_photographs(ui: dict[str, Any], page: Page) -> None:
    def take(session: str | None, good: list[str] | None) -> tuple[Any, ...]:
        mine, trouble, said = page.store.open(session), "", ""
        asked = mine.photographs.asked()
        try:
            mine.photographs.answer([str(where) for where in good or ()])
            left = [f"{where}: {n}" for where, n in asked.items() if where not in (good or ())]
            said = view.said([f"left out, as you say: {each}" for each in left])
        except ValueError as error:
            trouble = problem(error)
        return mine.id, trouble, said, *_photographs(mine), *view.ask(mine.photographs)

    def clear(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        mine.photographs.leave_out(mine.photographs.names())
        return mine.id, *_photographs(mine)

    def forget(session: str | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        mine.photographs.delete_left_out()
        return mine.id, *_photographs(mine)

    now = [page.session, ui["kept"], ui["forget"]]
    seen = _seen(ui, page)
    ui["take"].click(take, [page.session, ui["good"]], seen, **QUIET)
    ui["none"].click(lambda session: take(session, None), page.session, seen, **QUIET)
    ui["clear"].click(clear, page.session, now, **QUIET)
    ui["forget"].click(forget, page.session, now, **QUIET)


def _wire_check(ui: dict[str, Any], page: Page) -> None:
    def look(
        session: str | None,
        fpr: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        page.models.library()
        photographs = page.store.open(session).photographs
        if not photographs.names():
            few = ValueError("put in a photograph of a good part, better 20 or more")
            return problem(few), *(gr.skip(),) * 3

        def on_progress(done: int, n: int) -> None:
            share()
            progress((done, n), desc="Looking")

        found = work.look_over(photographs, float(fpr or FPR), on_progress)
        time = work.planned_time(photographs, BOTH)
        return "", gr.Walkthrough(selected=CHECK), view.findings(photographs, found), time

    def leave(session: str | None, ticked: list[str], fpr: float) -> tuple[Any, ...]:
        page.models.library()
        mine = page.store.open(session)
        mine.photographs.leave_out([str(name) for name in ticked])
        found = work.look_over(mine.photographs, float(fpr or FPR), lambda done, total: share())
        time = work.planned_time(mine.photographs, BOTH)
        return *_photographs(mine), view.findings(mine.photographs, found), time

    inputs = [page.session, ui["fpr"]]
    seen = [ui["trouble"], ui["steps"], ui["findings"], ui["time"]]
    heavy: dict[str, Any] = {"show_progress_on": ui["kept"], **HEAVY, **PRIVATE}
    ui["look"].click(page.turns.shared(look), inputs, seen, **heavy)
    ui["findings"].settle(_ticked, None, ui["ticked"], **QUIET)
    ui["leave"].click(
        page.turns.shared(leave),
        [page.session, ui["ticked"], ui["fpr"]],
        [ui["kept"], ui["forget"], ui["findings"], ui["time"]],
        **HEAVY,
        **PRIVATE,
    )
    ui["go"].click(lambda: gr.Walkthrough(selected=TRAIN), None, ui["steps"], **QUIET)


def _ticked(event: gr.EventData) -> list[str]:
    files = getattr(event, "files", None)
    return [str(name) for name in files] if isinstance(files, list) else []
