"""Learning from the desk: photographs dropped there become a model that judges, tab unchanged."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from demo.page import PRIVATE, QUIET, Lesson, Page, problem, to_try
from demo.shared.pictures import small_url
from demo.store.records import Training
from demo.store.session import Session
from demo.store.store import StoreError
from demo.train import models, taking
from demo.train.queue import Queue, progress_of

NAME = "part"
"""What models learned at the desk are called, with a number."""
SHOWN = 120
"""Longest side of a preview, pixels."""
BRANCH, MINUTES, FPR, SECONDS = "feature", 2.0, 0.05, 0.5
"""Of such a training: scores alone, for a model within a minute that answers in half a second."""


def wire(page: Page, queue: Queue, lesson: Lesson) -> Any:
    """Wire the desk's question; returns what is given the event of a page that has loaded."""
    viewer, clock = lesson.viewer, lesson.clock
    shown = [viewer, page.session, lesson.problem, lesson.files, clock]

    def learn_here(session: str | None, paths: list[str] | None, keeps: bool) -> tuple[Any, ...]:
        mine = page.store.open(session)
        try:
            said = begin(mine, queue, [Path(path) for path in paths or ()], keeps)
        except (ValueError, OSError) as error:
            return {"learning": None, "idle": True}, mine.id, problem(error), None, gr.skip()
        trouble = problem(ValueError("; ".join(said))) if said else ""
        return standing(mine, queue), mine.id, trouble, None, gr.Timer(active=True)

    def tick_here(session: str | None, current: str) -> tuple[Any, ...]:
        mine = page.store.open(session)
        training = mine.trained.training()
        if training is None or training.state in ("waiting", "running"):
            return standing(mine, queue), gr.Timer(active=training is not None), *(gr.skip(),) * 3
        over = standing(mine, queue), gr.Timer(active=False)
        if training.state != "done":
            why = f"{training.name} could not be learned: {training.message or training.state}"
            return *over, *(gr.skip(),) * 2, problem(ValueError(why))
        name = f"~{mine.id}/{training.name}"
        return *over, models.choices(page, mine, name), to_try(name), gr.skip()

    def end_lesson(session: str | None, event: gr.EventData) -> tuple[Any, Any]:
        """To end early and keep what is there, or to forget it."""
        mine, what = page.store.open(session), getattr(event, "what", None)
        with suppress(StoreError):
            if what == "cancel":
                queue.cancel(mine)
            elif what == "stop":
                queue.ask(mine, "stop")
        return standing(mine, queue), gr.Timer(active=mine.trained.training() is not None)

    def goes_on(session: str | None) -> tuple[Any, Any]:
        """A training that was begun here when the page loads; one of its tab is shown there."""
        mine = page.store.open(session)
        training = mine.trained.training()
        if training is None or training.over or not training.name.startswith(f"{NAME}-"):
            return gr.skip(), gr.skip()
        return standing(mine, queue), gr.Timer(active=True)

    lesson.files.upload(learn_here, [page.session, lesson.files, lesson.keeps], shown, **QUIET)
    viewer.keep(_consent, None, lesson.keeps, **QUIET)
    viewer.lesson(end_lesson, page.session, [viewer, clock], **QUIET)
    seen = [viewer, clock, page.model, page.tried, lesson.problem]
    clock.tick(tick_here, [page.session, page.model], seen, show_progress="hidden", **PRIVATE)
    return lambda loaded: loaded.then(goes_on, page.session, [viewer, clock], **QUIET)


def _consent(event: gr.EventData) -> bool:
    return getattr(event, "keeps", None) is True


def begin(session: Session, queue: Queue, paths: list[Path], keeps: bool) -> list[str]:
    """Take the photographs of one part in and queue a training on them alone; what was left out.

    Those that the session trained on before are put aside. Raises ValueError where nothing can be
    learned from them, or a training is not over yet.
    """
    photographs = session.photographs
    busy = session.trained.training()
    if busy is not None and not busy.over:
        raise StoreError("your training is not over yet: end or delete it first")
    before = list(photographs.names())
    taken = taking.take_in(photographs, paths)
    if photographs.asked():  # of an archive that does not say which are good
        photographs.answer([])
        raise ValueError("no folder says which are the good parts: use “Train your own” for it")
    if len(photographs.names()) == len(before):
        raise ValueError("; ".join(taken.problems[:3]) or "none of these is a photograph")
    photographs.leave_out(before)
    queue.start(session, _free(session), BRANCH, MINUTES, FPR, SECONDS, keeps)
    return taken.problems[:3]


def _free(session: Session) -> str:
    """A name that none of his models has."""
    taken = {path.name for path in session.trained.path(NAME).parent.glob("*")}
    return next(name for n in range(1, 10**6) if (name := f"{NAME}-{n}") not in taken)


def standing(session: Session, queue: Queue) -> dict[str, Any]:
    """For the canvas: how the training stands, None where there is none."""
    training = session.trained.training()
    if training is None:
        return {"learning": None}
    folder = session.trained.run_folder()
    progress = progress_of(training, folder) if folder else {}
    count = len(session.photographs.names())
    told = {
        "name": training.name,
        "state": training.state,
        "count": count,
        "ahead": queue.place(session),
        "phase": str(progress.get("phase") or ""),
        "done": float(progress.get("done", 0.0)),
        "left": _left(training, progress),
        "previews": _previews(folder) if folder else [],
    }
    return {"learning": told}


def _left(training: Training, progress: dict[str, Any]) -> float | None:
    """Seconds, None where that is not known yet."""
    if training.state != "running" or not progress:
        return None
    return float(progress.get("seconds_left", 0.0))


def _previews(folder: Path) -> list[str]:
    """The latest maps of held-out good parts with painted defects, as addresses."""
    files = sorted(folder.glob("preview/[0-9]*_painted.png"))[-3:]
    return [address for file in files if (address := _small(file))]


def _small(file: Path) -> str:
    from ddad.images.decode import load_image

    try:
        return small_url(load_image(file).pixels, SHOWN, quality=80)
    except ValueError:  # it is just being written
        return ""
