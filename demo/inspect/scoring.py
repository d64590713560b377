"""One photograph scored for the canvas: its maps as they come, then the item that is kept."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr
import numpy as np

from ddad.images.decode import LoadedImage, load_image
from ddad.model.detection import Detection, ScaleMap
from demo.inspect import view
from demo.limits import LIMITS
from demo.page import Page, problem
from demo.shared import meaning
from demo.shared.pictures import photograph_url
from demo.shared.scored import score_waiting
from demo.store.records import Item
from demo.store.session import Session

if TYPE_CHECKING:
    from ddad.model.detector import Detector

PAUSE = 0.1
"""Seconds at least between two looks at unfinished maps: the browser draws on the same cores."""
Values = tuple[Any, Any, Any]
"""For the canvas, the session and the box of problems."""


@dataclass(frozen=True)
class Wanted:
    """A photograph to inspect with a model, and how a link wants it shown."""

    model: str
    path: Path
    example: str | None = None
    """Its name among the model's examples."""
    threshold: float | None = None
    seed: int | None = None


def inspect(page: Page, wanted: Wanted | None, session_id: str | None) -> Iterator[Values]:
    """Score a file, its maps as they come; without a usable one the desk stays as it is."""
    if wanted is None:
        yield gr.skip(), gr.skip(), gr.skip()
        return
    name = wanted.path.name
    try:
        detector = page.models.get(wanted.model)
        loaded = load_image(wanted.path, levels=detector.levels)
        session = page.store.open(session_id)
        item = _known(session, name, loaded.pixels, detector.fingerprint)
        image = photograph_url(loaded.pixels)
        if item is None:
            found = yield from _maps(detector, loaded.pixels, name, image)
            item = _keep(session, detector, name, loaded, found)
        value = view.desk_value(session, item, image)
    except ValueError as error:
        yield {"idle": True}, gr.skip(), problem(error, wanted.path)
        return
    value |= {"example": wanted.example, "at": wanted.threshold, "answer": secrets.token_hex(4)}
    if wanted.seed not in (None, value["seed"]):
        value["note"] = (
            f"The link names seed {wanted.seed}; this model scores with {value['seed']}."
        )
    yield {"session": session.id, "desk": value}, session.id, ""


def inspect_all(
    page: Page, name: str, paths: list[Path], session_id: str | None
) -> Iterator[Values]:
    """Score files: the first with its maps as they come, the others in the queue."""
    session, troubles = page.store.open(session_id), []
    yield from inspect(page, Wanted(name, paths[0]) if paths else None, session.id)
    for path in paths[1:]:
        try:
            detector = page.models.get(name)
            loaded = load_image(path, levels=detector.levels)
            if _known(session, path.name, loaded.pixels, detector.fingerprint) is None:
                session.add(path.name, loaded.pixels, loaded.note)
        except ValueError as error:
            troubles.append(problem(error, path))
            yield gr.skip(), gr.skip(), "".join(troubles)
    if paths[1:]:
        yield from inspect_rest(page, name, session.id)


def inspect_rest(page: Page, name: str, session_id: str | None) -> Iterator[Values]:
    """Score what waits in the session, in the order it came.

    After some seconds others get their turn: the last message has `rest`.
    """
    began = time.monotonic()
    session = page.store.open(session_id)
    waiting = [item.id for item in session.items(state="waiting")]
    try:
        act = partial(score_waiting, session, page.models.get(name))
        yield from _in_turns(session, waiting, act, began, {"rest": True}, gr.skip())
    except ValueError as error:
        yield {"idle": True, "judging": None}, gr.skip(), problem(error)


def try_first(page: Page, wanted: tuple[str, int] | None, session: str | None) -> Iterator[Values]:
    """Score a photograph that comes with a model: one with a defect, where there is one."""
    name = wanted[0] if wanted else ""
    known = page.models.examples(name)
    first = next((each for each in known[1:]), known[0] if known else None)
    if first is None:
        yield gr.skip(), gr.skip(), gr.skip()
        return
    yield from inspect(page, Wanted(name, first.path, first.path.stem), session)


def rejudge(page: Page, name: str, current: str | None, session_id: str | None) -> Iterator[Values]:
    """Score the image on the desk with another model; what a person did on it stays."""
    try:
        session = page.store.open(session_id)
        if current is None or (item := session.item(current)).result is None:
            return
        detector = page.models.get(name)
        if item.result.fingerprint == detector.fingerprint:
            return
        pixels = session.pixels(item.id)
        image = photograph_url(pixels)
        found = yield from _maps(detector, pixels, item.name, image)
        value = view.desk_value(session, session.record(item.id, found, detector), image)
    except ValueError as error:
        yield {"idle": True}, gr.skip(), problem(error)
        return
    value["answer"] = secrets.token_hex(4)
    yield {"session": session.id, "desk": value}, session.id, ""


def rejudge_others(page: Page, called: str, session_id: str | None) -> Iterator[Values]:
    """Score all images of the queue that another model judged with this one, as results call it.

    After some seconds others get their turn: the last message has `more`, the model to go on with.
    """
    began = time.monotonic()
    try:
        session = page.store.open(session_id)
        detector = page.models.judge(called, session.id)
        others = [
            item.id
            for item in session.items(state="scored", order="score")
            if item.result and item.result.fingerprint != detector.fingerprint
        ]

        def act(item: str) -> None:
            (found,) = detector.detect([session.pixels(item)])
            session.record(item, found, detector)

        yield from _in_turns(session, others, act, began, {"more": called}, "")
    except ValueError as error:
        yield {"idle": True, "judging": None}, gr.skip(), problem(error)


def _in_turns(
    session: Session,
    items: Sequence[str],
    act: Callable[[str], None],
    began: float,
    more: dict[str, Any],
    said: Any,
) -> Iterator[Values]:
    """Act on items one after the other and say how far it is, until the slice that `began` is over:
    then the last message has `more`. `said` is what becomes of the box of problems."""
    for done, item in enumerate(items):
        yield view.message(session) | {"judging": [done, len(items)]}, session.id, said
        act(item)
        if time.monotonic() - began > LIMITS.slice_s and done + 1 < len(items):
            yield view.message(session) | more, session.id, said
            return
    yield view.message(session) | {"judging": None}, session.id, said


def _maps(
    detector: Detector, pixels: np.ndarray, name: str, image: str
) -> Generator[Values, None, Detection]:
    """Show what is finished of the maps, and return what was found."""
    height, width = pixels.shape[:2]
    first = {
        "token": f"partial-{id(pixels)}",
        "item": None,
        "partial": True,
        "image": image,
        **view.sizes(name, height, width),
        "seed": detector.config.seed,
        "of": sum(len(steps) for steps in detector.timesteps.values()),
        **meaning.of_detector(detector),
    }
    scales: dict[str, ScaleMap] = {}
    shown = 0.0
    for step in detector.detect_steps(pixels):
        if isinstance(step, Detection):
            break
        scales[step.name] = step  # the same again as it grows
        if time.monotonic() - shown < PAUSE:
            continue
        maps = view.scale_values(scales.values(), height, width)
        yield {"desk": {**first, "scales": maps}}, gr.skip(), ""
        shown = time.monotonic()
    assert isinstance(step, Detection)
    return step


def _keep(
    session: Session, detector: Detector, name: str, loaded: LoadedImage, found: Detection
) -> Item:
    """A scored photograph as an item of the session."""
    notes = (loaded.note, detector.doubt(loaded.pixels))
    item = session.add(name, loaded.pixels, "; ".join(filter(None, notes)))
    return session.record(item.id, found, detector)


def _known(session: Session, name: str, pixels: np.ndarray, fingerprint: str) -> Item | None:
    """The session's item of this very image and model, to go on with as it was left."""
    for item in session.items(state="scored", name=name):
        if item.result and item.result.fingerprint == fingerprint:
            if (item.height, item.width) != pixels.shape[:2]:
                continue
            if np.array_equal(session.pixels(item.id), pixels):
                return item
    return None
