"""What the tabs share: the models, the model in use, and the queue that model work waits in."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from demo.models import Models

HEAVY: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 1}
"""Of every event that runs a network: one at a time, whichever tab it comes from."""
LIGHT: dict[str, Any] = {"concurrency_limit": None, "show_progress": "hidden"}
"""Of every event that answers at once."""
PRIVATE: dict[str, Any] = {"api_visibility": "private"}


@dataclass(frozen=True)
class Page:
    """What every tab is built with."""

    models: Models
    model: gr.Dropdown
    """The model in use; its value is a name that `models` knows."""


def problem(error: Exception, path: Path | None = None) -> str:
    """An error as page text: the server's folders left out, everything escaped."""
    sentence = html.escape(without_folder(error, path))
    return f"<div class='problem' role='alert'><strong>That did not work.</strong> {sentence}</div>"


def without_folder(error: Exception, path: Path | None) -> str:
    """An error's sentence without the folder that the server keeps `path` in."""
    return str(error) if path is None else str(error).replace(f"{path.parent}/", "")
