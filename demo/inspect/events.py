"""What happens in the Inspect tab: a photograph or an example is scored, an item is opened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from demo.front.door import COOKIE
from demo.front.turns import BusyError
from demo.inspect import camera, expected, layout, scoring, view
from demo.inspect.layout import Desk
from demo.inspect.links import linked
from demo.inspect.normal import events as normal
from demo.inspect.scoring import Values, Wanted, inspect, rejudge, rejudge_others
from demo.limits import LIMITS
from demo.page import HEAVY, PRIVATE, QUIET, Lesson, Page, problem
from demo.shared.gpu import lent
from demo.store.store import StoreError


def tab(page: Page, here: gr.Tab) -> tuple[Lesson, Callable[[gr.Blocks], Any]]:
    """Lay out the tab and wire it; returns what learns at the desk, and what wires the page's
    loading and gives its event."""
    desk = layout.desk(page)
    shown = [desk.viewer, page.session, desk.problem]
    heavy: dict[str, Any] = {"show_progress_on": desk.viewer, **HEAVY, **PRIVATE}
    _wire_sources(desk, page, shown, heavy)
    judged = _wire_model(desk, page, shown, heavy)
    _wire_desk(desk, page, here)
    _wire_loading(desk, page)
    normal.panel(page, desk.viewer)(judged)
    expected.panel(page)

    def start(kept: str | None, model: str, request: gr.Request) -> tuple[Any, ...]:
        try:
            mine = page.store.enter(str(request.cookies.get(COOKIE)), kept)
        except StoreError as error:  # cookies are off: nothing can be begun
            return None, None, {"idle": True}, None, gr.skip(), problem(error)
        wanted, name, sentence = linked(page.models, dict(request.query_params))
        last = view.last(mine)
        name = name or view.judge(mine, last, page.models)
        opened = view.message(mine, last) | view.sources(page.models, name or model)
        return mine.id, None, opened, wanted, name or gr.skip(), sentence

    def on_load(demo: gr.Blocks) -> Any:
        outputs = [page.session, page.kept, desk.viewer, desk.wanted, page.model, desk.problem]
        loaded = demo.load(start, [page.kept, page.model], outputs, **QUIET)
        first = page.turns.shared(partial(inspect, page), _refused)
        loaded.then(first, [desk.wanted, page.session], shown, **heavy)
        return loaded

    return desk.lesson, on_load


def _wire_sources(desk: Desk, page: Page, shown: list[Any], heavy: dict[str, Any]) -> None:
    """Photographs that are uploaded, an example that is chosen."""
    models = page.models

    @lent(15)
    def inspect_upload(name: str, paths: list[str] | None, session: str | None) -> Iterator[Values]:
        yield from scoring.inspect_all(page, name, [Path(path) for path in paths or ()], session)

    def inspect_example(name: str, session: str | None, event: gr.EventData) -> Iterator[Values]:
        index, known = getattr(event, "index", None), models.examples(name)
        if isinstance(index, int) and 0 <= index < len(known):  # anyone can make up an event
            path = known[index].path
            yield from inspect(page, Wanted(name, path, path.stem), session)

    def begin_look(paths: list[str] | None) -> tuple[Any, ...]:
        """The field is empty again at once: what is dropped meanwhile must not be lost with it."""
        return paths, None, gr.update(visible=True)

    def end_look() -> Any:
        return gr.update(visible=False)

    def stop_look(session: str | None) -> tuple[Any, ...]:
        """What was on the desk before; nothing of the photograph is kept."""
        mine = page.store.open(session)
        last = view.last(mine)
        return view.message(mine, last) | {"clear": True}, "", end_look()

    turns = partial(page.turns.shared, refused=_refused)
    came = gr.State(None)
    inputs = [page.model, came, page.session]
    begun = desk.upload.upload(begin_look, desk.upload, [came, desk.upload, desk.cancel], **QUIET)
    # One that was stopped counts as running until its next map: "once" would drop the next.
    looking = begun.then(turns(inspect_upload), inputs, shown, trigger_mode="multiple", **heavy)
    goes_on = desk.viewer.rest(lambda: gr.update(visible=True), None, desk.cancel, **QUIET)
    rest = page.turns.shared(partial(scoring.inspect_rest, page), _later({"rest": True}))
    going = goes_on.then(rest, [page.model, page.session], shown, trigger_mode="multiple", **heavy)
    for each in (looking, going):
        each.then(end_look, None, desk.cancel, **QUIET)
    back = [desk.viewer, desk.problem, desk.cancel]
    desk.cancel.click(stop_look, page.session, back, cancels=[looking, going], **QUIET)
    # One that has just been answered counts as running for a moment: "once" would drop the next.
    tried = [page.model, page.session]
    desk.viewer.example(turns(inspect_example), tried, shown, trigger_mode="multiple", **heavy)
    first = turns(partial(scoring.try_first, page))
    page.tried.change(first, [page.tried, page.session], shown, **heavy)
    camera.wire(page, desk.viewer)


def _refused(error: BusyError, *given: Any) -> Values:
    return {"idle": True, "judging": None}, gr.skip(), problem(error)


def _later(more: dict[str, Any]) -> Callable[..., Values]:
    """What goes on in slices waits and asks again, where too many wait for a place."""

    def wait(error: BusyError, *given: Any) -> Values:
        time.sleep(LIMITS.turn_s)
        return more, gr.skip(), gr.skip()

    return wait


def _wire_model(desk: Desk, page: Page, shown: list[Any], heavy: dict[str, Any]) -> Any:
    """Another model has other examples, and judges anew what is on the desk: that event."""

    def choose(name: str) -> dict[str, Any]:
        return {"examples": view.examples(page.models, name)}

    def judge_this(name: str, current: str | None, session: str | None) -> Iterator[Values]:
        yield from rejudge(page, name, current, session)

    def judge_others(session: str | None, event: gr.EventData) -> Iterator[Values]:
        yield from rejudge_others(page, str(getattr(event, "model", "")), session)

    turns = partial(page.turns.shared, refused=_refused)
    page.model.change(choose, page.model, desk.viewer, **QUIET)
    desk.viewer.rejudge(turns(judge_others), page.session, shown, **heavy)
    judged = turns(judge_this)
    return page.model.input(judged, [page.model, page.current, page.session], shown, **heavy)


def _wire_desk(desk: Desk, page: Page, here: gr.Tab) -> None:
    """Which item is on the desk; another tab's wish to open one; the queue as it is now."""

    def on_desk(event: gr.EventData) -> str | None:
        item = getattr(event, "item", None)  # anyone can make up an event
        return item if isinstance(item, str) else None

    def open_item(opened: tuple[str, int] | None, session: str | None) -> Any:
        return view.message(page.store.open(session), opened[0]) if opened else gr.skip()

    def refresh(session: str | None) -> Any:
        """A visit that begins has no session yet, and `start` makes it one."""
        return view.message(page.store.open(session)) if session else gr.skip()

    viewer = desk.viewer
    viewer.current(on_desk, None, page.current, **QUIET)
    page.opened.change(open_item, [page.opened, page.session], viewer, **QUIET)
    here.select(refresh, page.session, viewer, **QUIET)


def _wire_loading(desk: Desk, page: Page) -> None:
    """Say that models load until they have."""

    def tick() -> tuple[str, gr.Timer]:
        return view.loading(page.models), gr.Timer(active=not page.models.ready)

    desk.timer.tick(tick, None, [desk.loading, desk.timer], **QUIET)
