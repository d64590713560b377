"""What the tabs share: models, store, the visitor's session, the image on the desk.

A tab is a folder whose `events` has `tab(page, ...)`. It reads the visitor's session with
`page.store.open(session_id)`, where `session_id` comes from `page.session` as an input. To open an
image at the desk it returns `*to_desk(item.id)` to the outputs `[page.opened, page.tabs]`; to
follow the desk it takes `page.current`, the id of the item on it or None, as an input or listens
to `page.current.change`. On the page, `#viewer` is the desk, `#upload` leads to it;
`.viewer[data-state=full]` means that an image is on it, `.viewer[data-verdict]` is "good", "bad"
or, while maps still arrive, "wait".
"""

from __future__ import annotations

import html
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo.front.turns import Turns
from demo.shared.models import Models
from demo.store.store import Store

HEAVY: dict[str, Any] = {"concurrency_limit": None}
"""Of every event that runs a network; its function is wrapped in `Page.turns.shared`."""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}
"""Of every event that is no public endpoint."""
QUIET: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden", **PRIVATE}
"""Of every event that answers at once, and is no public endpoint."""
DESK = "inspect"
"""Id of the desk's tab."""


@dataclass(frozen=True)
class Page:
    """What every tab is built with."""

    models: Models
    turns: Turns
    """Of every event that runs a network."""
    model: gr.Dropdown
    """The model in use; its value is a name that `models` knows."""
    store: Store
    session: gr.State
    """Its value is the id of the visitor's session, set when the page loads by the browser's key,
    and kept on the server."""
    kept: gr.BrowserState
    """What a browser of an earlier version kept, when a session's id was its key: read once."""
    opened: gr.State
    """Set by `to_desk`: which item the desk is to open."""
    tried: gr.State
    """Set by `to_try`: with which model the desk is to open a photograph to try it with."""
    current: gr.State
    """Set by the desk: the id of the item on it, or None."""
    tabs: gr.Tabs


@dataclass(frozen=True)
class Lesson:
    """The parts of the desk by which it learns from photographs that are dropped there."""

    viewer: gr.HTML
    """The canvas, which asks and shows how a training stands."""
    problem: gr.HTML
    files: gr.File
    """Photographs to learn from."""
    keeps: gr.State
    """Whether small copies of them may stay with the model."""
    clock: gr.Timer
    """Ticks while a training goes on."""


def to_desk(item: str) -> tuple[tuple[str, int], Any]:
    """Values for `[page.opened, page.tabs]` that open an item at the desk."""
    return (item, time.monotonic_ns()), gr.Tabs(selected=DESK)


def to_try(model: str) -> tuple[str, int]:
    """A value for `page.tried`: the desk opens a photograph that comes with this model."""
    return model, time.monotonic_ns()


def problem(error: Exception, path: Path | None = None) -> str:
    """An error as page text: the server's folders left out, everything escaped."""
    sentence = html.escape(without_folder(error, path))
    return f"<div class='problem' role='alert'><strong>That did not work.</strong> {sentence}</div>"


def without_folder(error: Exception, path: Path | None) -> str:
    """An error's sentence without the folder that the server keeps `path` in."""
    return str(error) if path is None else str(error).replace(f"{path.parent}/", "")
