"""The Train tab's third step: the plan, a training that outlives the tab, how it stands."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gradio as gr

from demo.page import QUIET, Page, problem
from demo.store.session import Session
from demo.store.store import StoreError
from demo.train import models, view, work
from demo.train.layout import BOTH, RESULT
from demo.train.queue import Queue

LIVE = ("live", "plan", "pause", "resume", "stop", "cancel", "timer")
"""The parts that show how a training stands."""


def wire(ui: dict[str, Any], page: Page, queue: Queue) -> None:
    _wire_plan(ui, page)
    _wire_buttons(ui, page, queue)
    _wire_clock(ui, page, queue)


def now(session: Session, queue: Queue) -> tuple[Any, ...]:
    """The parts of LIVE as they should be."""
    training = session.trained.training()
    state = training.state if training else ""
    return (
        view.live(session.trained.run_folder(), training, queue.place(session)),
        gr.update(visible=state in ("", "done")),
        gr.update(visible=state in ("running", "waiting")),
        gr.update(visible=state in ("paused", "failed")),
        gr.update(visible=state == "running"),
        gr.update(visible=state in ("running", "waiting", "paused", "failed")),
        gr.Timer(active=state in ("running", "waiting")),
    )


def _wire_plan(ui: dict[str, Any], page: Page) -> None:
    def plan(session: str | None, branch: str, minutes: float) -> tuple[Any, str]:
        page.models.library()
        photographs = page.store.open(session).photographs
        return gr.update(visible=branch == BOTH), work.planned_time(photographs, branch, minutes)

    inputs = [page.session, ui["branch"], ui["minutes"]]
    for event in (ui["branch"].change, ui["minutes"].release):
        event(plan, inputs, [ui["minutes"], ui["time"]], **QUIET)


def _wire_buttons(ui: dict[str, Any], page: Page, queue: Queue) -> None:
    def start(
        session: str | None,
        name: str,
        branch: str,
        minutes: float,
        fpr: float,
        seconds: float,
        keeps: bool,
    ) -> Any:
        mine = page.store.open(session)
        numbers = float(minutes), float(fpr), float(seconds)
        try:
            queue.start(mine, (name or "").strip(), branch, *numbers, keeps=keeps)
        except ValueError as error:
            return problem(error), *now(mine, queue)
        return "", *now(mine, queue)

    def ask(what: str) -> Callable[[str | None], tuple[Any, ...]]:
        def do(session: str | None) -> tuple[Any, ...]:
            mine = page.store.open(session)
            with suppress(StoreError):
                queue.cancel(mine) if what == "cancel" else queue.ask(mine, what)
            return now(mine, queue)

        return do

    shown = [ui[name] for name in LIVE]
    asked = ("name", "branch", "minutes", "fpr", "seconds", "keeps")
    inputs = [page.session, *(ui[name] for name in asked)]
    ui["start"].click(start, inputs, [ui["trouble"], *shown], **QUIET)
    for what in ("pause", "resume", "stop", "cancel"):
        ui[what].click(ask(what), page.session, shown, **QUIET)


def _wire_clock(ui: dict[str, Any], page: Page, queue: Queue) -> None:
    def tick(session: str | None, current: str) -> tuple[Any, ...]:
        mine = page.store.open(session)
        training = mine.trained.training()
        if training is None or training.state != "done":
            return *now(mine, queue), *(gr.skip(),) * 3
        step = gr.Walkthrough(selected=RESULT)
        return *now(mine, queue), step, models.mine(mine), models.choices(page, mine, current)

    shown = [*(ui[name] for name in LIVE), ui["steps"], ui["mine"], page.model]
    ui["timer"].tick(tick, [page.session, page.model], shown, **QUIET)
