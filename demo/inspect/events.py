"""What happens in the Inspect tab: a photograph or an example is scored, an item is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from demo.inspect import layout, view
from demo.inspect.layout import Desk
from demo.inspect.links import linked
from demo.inspect.scoring import Values, Wanted, inspect
from demo.page import HEAVY, PRIVATE, QUIET, Page
from demo.shared.gpu import lent


def tab(page: Page, here: gr.Tab) -> Callable[[gr.Blocks], Any]:
    """Lay out the tab and wire it; returns what wires the page's loading and gives its event."""
    desk = layout.desk(page)
    shown = [desk.viewer, page.session, desk.problem]
    heavy: dict[str, Any] = {"show_progress_on": desk.viewer, **HEAVY, **PRIVATE}
    _wire_sources(desk, page, shown, heavy)
    _wire_desk(desk, page, here)
    _wire_loading(desk, page)

    def start(session: str | None, request: gr.Request) -> tuple[Any, ...]:
        mine = page.store.open(session)
        wanted, name, sentence = linked(page.models, dict(request.query_params))
        opened = view.message(mine, view.last(mine))
        return mine.id, opened, wanted, name or gr.skip(), sentence

    def on_load(demo: gr.Blocks) -> Any:
        outputs = [page.session, desk.viewer, desk.wanted, page.model, desk.problem]
        loaded = demo.load(start, page.session, outputs, **QUIET)
        loaded.then(partial(inspect, page), [desk.wanted, page.session], shown, **heavy)
        return loaded

    return on_load


def _wire_sources(desk: Desk, page: Page, shown: list[Any], heavy: dict[str, Any]) -> None:
    """A photograph that is uploaded, an example that is chosen; another model has other ones."""
    models = page.models

    @lent(15)
    def inspect_upload(name: str, path: str | None, session: str | None) -> Iterator[Values]:
        yield from inspect(page, Wanted(name, Path(path)) if path else None, session)

    def inspect_example(name: str, session: str | None, event: gr.SelectData) -> Iterator[Values]:
        path = models.examples(name)[event.index].path
        yield from inspect(page, Wanted(name, path, path.stem), session)

    def choose(name: str) -> tuple[Any, ...]:
        pictures = view.examples(models, name)
        return gr.update(value=pictures, visible=bool(pictures)), models.card(name)

    def begin_look() -> Any:
        return gr.update(visible=True)

    def end_look() -> tuple[None, Any]:
        return None, gr.update(visible=False)

    def stop_look(session: str | None) -> tuple[Any, ...]:
        """What was on the desk before; nothing of the photograph is kept."""
        mine = page.store.open(session)
        last = view.last(mine)
        return view.message(mine, last) | {"clear": True}, "", *end_look()

    inputs = [page.model, desk.upload, page.session]
    begun = desk.upload.upload(begin_look, None, desk.cancel, **QUIET)
    looking = begun.then(inspect_upload, inputs, shown, **heavy)
    looking.then(end_look, None, [desk.upload, desk.cancel], **QUIET)
    back = [desk.viewer, desk.problem, desk.upload, desk.cancel]
    desk.cancel.click(stop_look, page.session, back, cancels=looking, **QUIET)
    desk.examples.select(inspect_example, [page.model, page.session], shown, **heavy)
    page.model.change(choose, page.model, [desk.examples, desk.card], **QUIET)


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
