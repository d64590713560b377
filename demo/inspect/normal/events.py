"""What happens in the panel of the normal version.

One button runs the gradient denoising of the image on the desk, in the queue of all model work.
Its steps are shown as they come and kept, small, for the visitor to go back and forth in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr

from demo.inspect.normal import layout, like, view
from demo.inspect.normal.cost import Cost
from demo.inspect.normal.layout import Panel
from demo.page import HEAVY, PRIVATE, QUIET, Page, problem
from demo.shared.pictures import picture_file

FRAME = 512
"""Longest side, pixels, of a kept step."""


def panel(page: Page, viewer: gr.HTML) -> Callable[[Any], Any]:
    """Lay out the panel and wire it to the image on the desk; the canvas shows what is reached.

    Returns what brings it up to date after an event that judged the image anew.
    """
    shown, halts, cost = layout.panel(), dict[str, threading.Event](), Cost()
    like.wire(page, viewer)

    def stop(session: str | None) -> None:
        if session in halts:
            halts[session].set()

    def follow(session: str | None, current: str | None) -> dict[Any, Any]:
        said, can = _offer(page, session, current, cost)
        offered = {"normal": {"item": current, "can": can, **_keeps(page, session, current)}}
        return view.cleared(shown, said, can) | {viewer: offered}

    run = {
        "fn": page.turns.shared(partial(_run, shown, viewer, page, halts)),
        "inputs": [page.session, page.current, shown.depth],
        "outputs": [viewer, *shown.shown],
        "show_progress": "minimal",  # the place in the queue; the steps say the rest
        "show_progress_on": shown.said,
        **HEAVY,
        **PRIVATE,
    }
    going = [shown.show.click(**run), viewer.normal(**run)]
    # The run itself ends at its next step: were it cancelled, a step under way could arrive after.
    for halting in (shown.stop.click, viewer.halt, page.model.input):  # who judges anew goes first
        halting(stop, page.session, None, **QUIET)
    followed: dict[str, Any] = {
        "inputs": [page.session, page.current],
        "outputs": [shown.box, shown.depth, viewer, *shown.shown],
        **QUIET,
    }
    page.current.change(follow, cancels=going, **followed)
    inputs = [shown.frames, shown.step]
    shown.step.input(view.step, inputs, shown.frame, trigger_mode="always_last", **QUIET)
    return lambda judged: judged.then(follow, **followed)


def _run(
    panel: Panel,
    viewer: gr.HTML,
    page: Page,
    halts: dict[str, threading.Event],
    session_id: str | None,
    current: str | None,
    t: Any,
) -> Iterator[dict[Any, Any]]:
    """Restore the image on the desk from the noise of step `t`, until done or halted."""
    from ddad.score.config import RestoreConfig

    frames: list[str] = []
    try:
        session = page.store.open(session_id)
        item = session.item(current or "")
        if item.result is None:
            raise ValueError("this image has no result yet")
        detector, pixels = page.models.judge(item.result.model, session.id), session.pixels(item.id)
        halt = halts[session.id] = threading.Event()
        yield view.begun(panel)
        started = time.monotonic()
        for now in detector.restore(pixels, RestoreConfig(t=int(t))):
            if halt.is_set():
                text = view.stopped(len(frames) - 1)
                break
            reached = now.image
            frames.append(picture_file(reached, "step.webp", FRAME))
            text = view.progress(now, time.monotonic() - started, item.result.threshold)
            far = view.reached(item.id, reached, FRAME, now.step, now.total)
            yield view.under_way(panel, frames, text, now) | {viewer: far}
        done = view.finished(panel, frames, text)
        if len(frames) > 1:
            done |= view.compared(panel, pixels, reached)
            done[viewer] = view.reached(item.id, reached, view.SHOWN)
        yield done
    except ValueError as error:
        yield view.finished(panel, [], problem(error)) | {viewer: {"normal": {"item": current}}}
    finally:
        halts.pop(session_id or "", None)


def _keeps(page: Page, session: str | None, current: str | None) -> dict[str, bool]:
    """Whether the model of the image on the desk keeps good parts to show, where it draws none."""
    try:
        mine = page.store.open(session)
        return {"keeps": like.can(page, mine, mine.item(current or ""))}
    except ValueError:
        return {"keeps": False}


def _offer(page: Page, session: str | None, current: str | None, cost: Cost) -> tuple[str, bool]:
    """What to say above the button, nothing where no image is on the desk; whether it can run."""
    if not current:
        return "", False
    try:
        mine = page.store.open(session)
        item = mine.item(current)
        if item.result is None:
            return "", False
        detector = page.models.judge(item.result.model, mine.id)
    except ValueError:
        return "", False
    if detector.unet is None:
        return view.NO_BRANCH, False
    if item.result.score <= item.result.threshold:
        return view.NOT_NEEDED, False
    return view.offer(*cost.seconds(detector, item.height, item.width)), True
