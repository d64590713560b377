"""The Train tab: photographs in, a look over them, a training that outlives the tab, a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from demo.page import HEAVY, LIGHT, PRIVATE, Page, problem
from demo.train import view, work
from demo.train.bench import Bench, WorkshopError
from demo.train.layout import CHECK, FULL, PHOTOS, QUICK, RESULT, TRAIN, steps
from demo.train.workshop import Workshop

LIVE = ("live", "plan", "pause", "resume", "stop", "cancel", "timer")
"""The parts that show how a training stands."""


def alarm_button() -> tuple[gr.Button, gr.HTML]:
    """For the desk: "this was a false alarm", shown with a model of the visitor's own."""
    button = gr.Button("This was a false alarm", visible=False, elem_id="desk-alarm")
    return button, gr.HTML("", elem_id="desk-alarm-said")


def tab(
    page: Page, workshop: Workshop, key: gr.BrowserState, alarm: tuple[gr.Button, gr.HTML]
) -> Callable[[gr.Blocks], None]:
    """Lay out the tab and wire it; what is returned greets a visitor who (re)loads the page.

    `key` must lie outside the tabs: the browser reads it when its tab is first shown.
    """
    ui = steps(workshop, key)
    _wire_desk(ui, page, workshop, alarm)
    _wire_photos(ui, page, workshop)
    _wire_plan(ui, page, workshop)
    _wire_training(ui, page, workshop)
    _wire_models(ui, page, workshop)
    _wire_alarms(ui, page, workshop)
    _wire_exchange(ui, page, workshop)

    def arrive(key: str | None) -> tuple[Any, ...]:
        bench = workshop.open(key)
        job = bench.job()
        busy = job is not None and job.state in ("waiting", "running", "paused", "failed")
        goes = TRAIN if busy else RESULT if bench.models() else PHOTOS
        first = bench.key, view.kept(bench), gr.Walkthrough(selected=goes)
        return *first, *_now(bench, workshop), _mine(bench), _choices(page, bench, None)

    def greet(demo: gr.Blocks) -> None:
        shown = [ui["key"], ui["kept"], ui["steps"], *(ui[n] for n in LIVE)]
        shown += [ui["mine"], page.model]
        demo.load(arrive, ui["key"], shown, **LIGHT, **PRIVATE)

    return greet


def _wire_photos(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    def add(key: str | None, files: list[str] | None) -> tuple[Any, ...]:
        bench = workshop.open(key)
        said: Any = ""
        try:
            problems = bench.add([Path(file) for file in files or []])
            if problems:
                said = problem(ValueError("; ".join(problems[:3])))
        except (ValueError, OSError) as error:
            said = problem(error)
        return bench.key, said, view.kept(bench), None

    def clear(key: str | None) -> tuple[Any, ...]:
        bench = workshop.open(key)
        bench.leave_out(list(bench.names()))
        return bench.key, view.kept(bench)

    key = ui["key"]
    ui["upload"].upload(
        add, [key, ui["upload"]], [key, ui["trouble"], ui["kept"], ui["upload"]], **LIGHT, **PRIVATE
    )
    ui["clear"].click(clear, key, [key, ui["kept"]], **LIGHT, **PRIVATE)
    _wire_check(ui, page, workshop)


def _wire_check(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    def look(
        key: str | None,
        fpr: float,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[Any, ...]:
        page.models.library()
        bench = workshop.open(key)
        if len(bench.names()) < 2:
            return problem(ValueError("put at least 2 photographs on the bench")), *(gr.skip(),) * 3
        found = work.look_over(bench, float(fpr), lambda d, n: progress((d, n), desc="Looking"))
        return (
            "",
            gr.Walkthrough(selected=CHECK),
            view.findings(bench, found),
            work.planned_time(bench, QUICK),
        )

    def leave(key: str | None, ticked: list[str], fpr: float) -> tuple[Any, ...]:
        page.models.library()
        bench = workshop.open(key)
        bench.leave_out([str(name) for name in ticked])
        found = work.look_over(bench, float(fpr), lambda done, total: None)
        return view.kept(bench), view.findings(bench, found), work.planned_time(bench, QUICK)

    key = ui["key"]
    seen = [ui["trouble"], ui["steps"], ui["findings"], ui["time"]]
    ui["look"].click(look, [key, ui["fpr"]], seen, show_progress_on=ui["kept"], **HEAVY, **PRIVATE)
    ui["findings"].settle(_ticked, None, ui["ticked"], **LIGHT, **PRIVATE)
    ui["leave"].click(
        leave,
        [key, ui["ticked"], ui["fpr"]],
        [ui["kept"], ui["findings"], ui["time"]],
        **HEAVY,
        **PRIVATE,
    )
    ui["go"].click(lambda: gr.Walkthrough(selected=TRAIN), None, ui["steps"], **LIGHT, **PRIVATE)


def _now(bench: Bench, workshop: Workshop) -> tuple[Any, ...]:
    """The parts of LIVE as they should be."""
    job = bench.job()
    state = job.state if job else ""
    return (
        view.live(bench, job, workshop.place(bench)),
        gr.update(visible=state in ("", "done")),
        gr.update(visible=state in ("running", "waiting")),
        gr.update(visible=state in ("paused", "failed")),
        gr.update(visible=state == "running"),
        gr.update(visible=state in ("running", "waiting", "paused", "failed")),
        gr.Timer(active=state in ("running", "waiting")),
    )


def _mine(bench: Bench) -> Any:
    """The visitor's own models, the last one trained chosen."""
    names, job = bench.models(), bench.job()
    fresh = job.name if job and job.name in names else (names[-1] if names else None)
    return gr.update(choices=names, value=fresh)


def _wire_plan(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    def plan(key: str | None, branch: str, minutes: float) -> tuple[Any, str]:
        page.models.library()
        bench = workshop.open(key)
        return gr.update(visible=branch == FULL), work.planned_time(bench, branch, minutes)

    inputs = [ui["key"], ui["branch"], ui["minutes"]]
    for event in (ui["branch"].change, ui["minutes"].release):
        event(plan, inputs, [ui["minutes"], ui["time"]], **LIGHT, **PRIVATE)


def _wire_training(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    def start(key: str | None, name: str, branch: str, minutes: float, fpr: float) -> Any:
        bench = workshop.open(key)
        try:
            workshop.start(bench, (name or "").strip(), branch, float(minutes), float(fpr))
        except ValueError as error:
            return problem(error), *_now(bench, workshop)
        return "", *_now(bench, workshop)

    def ask(what: str) -> Callable[[str | None], tuple[Any, ...]]:
        def do(key: str | None) -> tuple[Any, ...]:
            bench = workshop.open(key)
            with suppress(WorkshopError):
                workshop.cancel(bench) if what == "cancel" else workshop.ask(bench, what)
            return _now(bench, workshop)

        return do

    def tick(key: str | None, current: str) -> tuple[Any, ...]:
        bench = workshop.open(key)
        job = bench.job()
        finished = job is not None and job.state == "done"
        step = gr.Walkthrough(selected=RESULT) if finished else gr.skip()
        choices = _choices(page, bench, current) if finished else gr.skip()
        mine = _mine(bench) if finished else gr.skip()
        return *_now(bench, workshop), step, mine, choices

    key, current, shown = ui["key"], page.model, [ui[name] for name in LIVE]
    inputs = [key, *(ui[n] for n in ("name", "branch", "minutes", "fpr"))]
    ui["start"].click(start, inputs, [ui["trouble"], *shown], **LIGHT, **PRIVATE)
    for what in ("pause", "resume", "stop", "cancel"):
        ui[what].click(ask(what), key, shown, **LIGHT, **PRIVATE)
    ui["timer"].tick(
        tick, [key, current], [*shown, ui["steps"], ui["mine"], current], **LIGHT, **PRIVATE
    )


def _wire_models(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    key, mine = ui["key"], ui["mine"]

    def show(key: str | None, name: str | None) -> tuple[Any, ...]:
        page.models.library()
        bench = workshop.open(key)
        if name not in bench.models():
            return "", gr.update(value=None), ""
        return view.result(bench.path(name)), gr.update(value=str(work.packed(bench, name))), ""

    def use(key: str | None, name: str | None) -> Any:
        bench = workshop.open(key)
        if name not in bench.models():
            return gr.skip()
        return _choices(page, bench, f"~{bench.key}/{name}")

    def drop(key: str | None, name: str | None, current: str) -> tuple[Any, ...]:
        bench = workshop.open(key)
        if name in bench.models():
            shutil.rmtree(bench.path(name), ignore_errors=True)
        names = bench.models()
        return gr.update(choices=names, value=names[-1] if names else None), _choices(
            page, bench, current
        )

    mine.change(show, [key, mine], [ui["result"], ui["zip"], ui["alarm_said"]], **LIGHT, **PRIVATE)
    ui["use"].click(use, [key, mine], page.model, **LIGHT, **PRIVATE)
    ui["drop"].click(drop, [key, mine, page.model], [mine, page.model], **LIGHT, **PRIVATE)


def _wire_alarms(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    def alarms(key: str | None, name: str | None, files: list[str] | None) -> tuple[Any, ...]:
        page.models.library()
        bench = workshop.open(key)
        try:
            said = work.false_alarm(bench, name or "", [Path(file) for file in files or []])
        except (ValueError, OSError) as error:
            return problem(error), gr.skip(), None
        return f"<p class='kept'>{said}.</p>", view.result(bench.path(name or "")), None

    ui["alarms"].upload(
        alarms,
        [ui["key"], ui["mine"], ui["alarms"]],
        [ui["alarm_said"], ui["result"], ui["alarms"]],
        **HEAVY,
        **PRIVATE,
    )


def _wire_desk(
    ui: dict[str, Any], page: Page, workshop: Workshop, alarm: tuple[gr.Button, gr.HTML]
) -> None:
    button, said = alarm

    def learn(key: str | None, model: str, session: str | None, current: str | None) -> str:
        page.models.library()
        bench = workshop.open(key)
        try:
            name = model.removeprefix(f"~{bench.key}/")
            return (
                f"<p class='kept'>{work.desk_alarm(bench, name, page.store, session, current)}</p>"
            )
        except (ValueError, OSError) as error:
            return problem(error)

    page.model.change(
        lambda name: (gr.update(visible=str(name).startswith("~")), ""),
        page.model,
        [button, said],
        **LIGHT,
        **PRIVATE,
    )
    button.click(
        learn, [ui["key"], page.model, page.session, page.current], said, **HEAVY, **PRIVATE
    )


def _wire_exchange(ui: dict[str, Any], page: Page, workshop: Workshop) -> None:
    key, mine = ui["key"], ui["mine"]

    def bring(key: str | None, file: str | None, current: str) -> tuple[Any, ...]:
        page.models.library()
        from ddad.model.package import load_checkpoint_zip

        bench = workshop.open(key)
        try:
            name = "".join(c if c.isascii() and c.isalnum() else "-" for c in Path(file or "").stem)
            name = name.strip("-")[:40] or "model"
            load_checkpoint_zip(Path(file or ""), bench.new_model(name))
        except (ValueError, OSError) as error:
            return problem(error), *(gr.skip(),) * 3, None
        update = gr.update(choices=bench.models(), value=name)
        goes = gr.Walkthrough(selected=RESULT)
        return "", goes, update, _choices(page, bench, current), None

    def push(key: str | None, name: str | None, repo: str, token: str) -> tuple[str, str]:
        page.models.library()
        from ddad.model.package import push as upload

        bench = workshop.open(key)
        try:
            address = upload(bench.model(name or ""), repo.strip(), token.strip())
        except ValueError as error:
            return problem(error), ""
        return f"<p class='kept'>Pushed to {address}</p>", ""

    ui["bring"].upload(
        bring,
        [key, ui["bring"], page.model],
        [ui["trouble"], ui["steps"], mine, page.model, ui["bring"]],
        **HEAVY,
        **PRIVATE,
    )
    ui["push"].click(
        push, [key, mine, ui["repo"], ui["token"]], [ui["pushed"], ui["token"]], **PRIVATE
    )


def _ticked(event: gr.EventData) -> list[str]:
    files = getattr(event, "files", None)
    return [str(name) for name in files] if isinstance(files, list) else []


def _choices(page: Page, bench: Bench, value: str | None) -> Any:
    """The picker with the visitor's own models at the end; None: what is chosen stays."""
    own = [(f"{name} (yours)", f"~{bench.key}/{name}") for name in bench.models()]
    choices = [*((name, name) for name in page.models.names), *own]
    if value is None:
        return gr.update(choices=choices)
    known = value in [each for _, each in choices]
    return gr.update(choices=choices, value=value if known else choices[0][1] if choices else None)
