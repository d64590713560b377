"""The Train tab's fourth step: a visitor's own models, used, taken away, brought, told of false
alarms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from ddad.score.config import detail
from demo.page import DESK, HEAVY, PRIVATE, QUIET, Page, problem, to_try
from demo.shared.passing import handed
from demo.store.session import Session
from demo.train import view, work
from demo.train.layout import RESULT


def alarm_button() -> tuple[gr.Button, gr.HTML]:
    """For the desk: "this was a false alarm", shown with a model of the visitor's own."""
    button = gr.Button("This was a false alarm", visible=False, elem_id="desk-alarm")
    return button, gr.HTML("", elem_id="desk-alarm-said")


def wire(ui: dict[str, Any], page: Page, alarm: tuple[gr.Button, gr.HTML]) -> None:
    _wire_models(ui, page)
    _wire_alarms(ui, page)
    _wire_desk(page, alarm)
    _wire_exchange(ui, page)


def mine(session: Session) -> Any:
    """The picker of the visitor's own models, the last one trained chosen."""
    names, training = session.trained.models(), session.trained.training()
    fresh = training.name if training and training.name in names else _last(names)
    return gr.update(choices=names, value=fresh)


def choices(page: Page, session: Session, value: str | None) -> Any:
    """The picker with the visitor's own models at the end; None: what is chosen stays."""
    offered = page.models.all_offers()
    for name in session.trained.models():
        offered += page.models.offers(f"~{session.id}/{name}", f"{name} (yours)")
    if value is None:
        return gr.update(choices=offered)
    known = value in [each for _, each in offered]
    return gr.update(choices=offered, value=value if known else offered[0][1] if offered else None)


def _last(names: list[str]) -> str | None:
    return names[-1] if names else None


def _wire_models(ui: dict[str, Any], page: Page) -> None:
    def show(session: str | None, name: str | None) -> tuple[Any, ...]:
        page.models.library()
        own = page.store.open(session)
        if name not in own.trained.models():
            return "", gr.update(value=None), ""
        packed = gr.update(value=handed(work.packed(own, name)))
        return view.result(own.trained.path(name)), packed, ""

    def use(session: str | None, name: str | None) -> Any:
        own = page.store.open(session)
        if name not in own.trained.models():
            return (gr.skip(),) * 3
        own_name = f"~{own.id}/{name}"
        return choices(page, own, own_name), gr.Tabs(selected=DESK), to_try(own_name)

    def drop(session: str | None, name: str | None, current: str) -> tuple[Any, ...]:
        own = page.store.open(session)
        if name in own.trained.models():
            own.trained.delete(name)
        names = own.trained.models()
        return gr.update(choices=names, value=_last(names)), choices(page, own, current)

    chosen = [page.session, ui["mine"]]
    shown = [ui["result"], ui["zip"], ui["alarm_said"]]
    ui["mine"].change(show, chosen, shown, **QUIET)
    ui["use"].click(use, chosen, [page.model, page.tabs, page.tried], **QUIET)
    ui["drop"].click(drop, [*chosen, page.model], [ui["mine"], page.model], **QUIET)


def _wire_alarms(ui: dict[str, Any], page: Page) -> None:
    def alarms(session: str | None, name: str | None, files: list[str] | None) -> tuple[Any, ...]:
        page.models.library()
        own = page.store.open(session)
        try:
            said = work.false_alarm(own, name or "", [Path(file) for file in files or []])
        except (ValueError, OSError) as error:
            return problem(error), gr.skip(), None
        return f"<p class='kept'>{said}.</p>", view.result(own.trained.path(name or "")), None

    inputs = [page.session, ui["mine"], ui["alarms"]]
    shown = [ui["alarm_said"], ui["result"], ui["alarms"]]
    ui["alarms"].upload(page.turns.shared(alarms), inputs, shown, **HEAVY, **PRIVATE)


def _wire_desk(page: Page, alarm: tuple[gr.Button, gr.HTML]) -> None:
    button, said = alarm

    def learn(session: str | None, model: str, current: str | None) -> str:
        page.models.library()
        own = page.store.open(session)
        try:
            name, _ = detail(str(model).removeprefix(f"~{own.id}/"))
            return f"<p class='kept'>{work.desk_alarm(own, name, current)}</p>"
        except (ValueError, OSError) as error:
            return problem(error)

    def offer(name: str) -> tuple[Any, str]:
        return gr.update(visible=str(name).startswith("~")), ""

    page.model.change(offer, page.model, [button, said], **QUIET)
    inputs = [page.session, page.model, page.current]
    button.click(page.turns.shared(learn), inputs, said, **HEAVY, **PRIVATE)


def _wire_exchange(ui: dict[str, Any], page: Page) -> None:
    def bring(session: str | None, file: str | None, current: str) -> tuple[Any, ...]:
        page.models.library()
        from ddad.model.package import load_checkpoint_zip

        own = page.store.open(session)
        try:
            name = "".join(c if c.isascii() and c.isalnum() else "-" for c in Path(file or "").stem)
            name = name.strip("-")[:40] or "model"
            size = Path(file or "").stat().st_size
            load_checkpoint_zip(Path(file or ""), own.trained.new_model(name, size))
            own.trained.take_in(name)
        except (ValueError, OSError) as error:
            return problem(error), *(gr.skip(),) * 3, None
        update = gr.update(choices=own.trained.models(), value=name)
        return "", gr.Walkthrough(selected=RESULT), update, choices(page, own, current), None

    def push(session: str | None, name: str | None, repo: str, token: str) -> tuple[str, str]:
        page.models.library()
        from ddad.model.package import push as upload

        own = page.store.open(session)
        try:
            address = upload(own.trained.model(name or ""), repo.strip(), token.strip())
        except ValueError as error:
            return problem(error), ""
        return f"<p class='kept'>Pushed to {address}</p>", ""

    shown = [ui["trouble"], ui["steps"], ui["mine"], page.model, ui["bring"]]
    inputs = [page.session, ui["bring"], page.model]
    ui["bring"].upload(bring, inputs, shown, concurrency_limit=1, **PRIVATE)
    inputs = [page.session, ui["mine"], ui["repo"], ui["token"]]
    ui["push"].click(push, inputs, [ui["pushed"], ui["token"]], **PRIVATE)
