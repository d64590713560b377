"""What the panel of the normal version shows: its sentences, and the parts as they should be."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from ddad.export.render import difference
from demo.inspect.normal.layout import Panel
from demo.shared.pictures import picture_file, reduced, small_url

SHOWN = 1600
"""Longest side, pixels, of a shown result."""
NOT_NEEDED = "<p>Nothing here is above the model's threshold: this is its normal version.</p>"
NO_BRANCH = (
    "<p>This model was trained without its pixel branch, so it cannot draw a normal version: train "
    "it with both.</p>"
)


def offer(least: int, most: int) -> str:
    return (
        "<p>What would it look like as a good part? "
        f"Takes <b>{least} to {most} seconds</b> on this machine.</p>"
    )


def progress(now: Any, seconds: float, threshold: float) -> str:
    """How far a run is after so many seconds; `now` is a `Restoration`."""
    if now.total == 0:
        return NOT_NEEDED
    if now.done:
        verdict = "now passes as good" if now.score <= threshold else "is still above the threshold"
        return (
            f"<p>Done in {seconds:.0f} seconds: the score is <b>{now.score:.2f}</b> and {verdict} "
            f"({threshold:.2f}). It is what the model expects here, not what was there.</p>"
        )
    left = ""
    if now.step:
        left = f", about {max(1, round(seconds / now.step * (now.total - now.step)))} s left"
    return f"<p>Step {now.step} of {now.total}{left}</p>"


def stopped(steps: int) -> str:
    if steps < 1:
        return "<p>Stopped before the first step.</p>"
    return f"<p>Stopped after {steps} step{'s' * (steps > 1)}. What was reached is shown.</p>"


def begun(panel: Panel) -> dict[Any, Any]:
    """The parts as a run begins."""
    return {
        **{panel.frames: [], panel.said: "<p>Looking at the image…</p>"},
        **{panel.show: gr.update(interactive=False), panel.stop: gr.update(visible=True)},
        **{panel.pictures: gr.update(visible=False), panel.way: gr.update(visible=False)},
    }


def under_way(panel: Panel, frames: Sequence[str], text: str, now: Any) -> dict[Any, Any]:
    """The parts after a step."""
    most = max(now.total, 1)
    return {
        **{panel.frames: [*frames], panel.said: text, panel.frame: frames[-1]},
        panel.way: gr.update(visible=True),
        panel.step: gr.update(maximum=most, value=now.step, interactive=False),
    }


def finished(panel: Panel, frames: Sequence[str], text: str) -> dict[Any, Any]:
    """The parts after a run, whole or stopped: its steps to go through."""
    some, last = len(frames) > 1, len(frames) - 1
    return {
        **{panel.said: text, panel.show: gr.update(interactive=True)},
        panel.stop: gr.update(visible=False),
        **{panel.pictures: gr.update(visible=some), panel.way: gr.update(visible=some)},
        panel.step: gr.update(maximum=max(last, 1), value=last, interactive=True),
    }


def compared(panel: Panel, before: np.ndarray, after: np.ndarray) -> dict[Any, Any]:
    """Before and after, and what changed between them."""
    before, after = (np.asarray(reduced(each, SHOWN)) for each in (before, after))
    return {
        panel.sides: (picture_file(before, "before.webp"), picture_file(after, "after.webp")),
        panel.change: picture_file(difference(before, after), "change.webp"),
    }


def reached(
    item: str, image: np.ndarray, side: int, step: int | None = None, total: int = 0
) -> dict[str, Any]:
    """For the canvas: how far the normal version of an item is; without a step it is done."""
    small = small_url(image, side)
    return {"normal": {"item": item, "image": small, "step": step, "of": total}}


def cleared(panel: Panel, text: str, can: bool) -> dict[Any, Any]:
    """Another image is on the desk: what was shown of the last one goes; whether it can run."""
    return finished(panel, [], text) | {
        **{panel.box: gr.update(visible=bool(text)), panel.depth: gr.update(visible=can)},
        **{panel.frames: [], panel.sides: None, panel.frame: None},
        panel.show: gr.update(visible=can, interactive=True),
    }


def step(frames: Sequence[str], number: float) -> Any:
    """A step's picture, unless it is gone: the page deletes files after an hour."""
    there = 0 <= int(number) < len(frames) and Path(frames[int(number)]).exists()
    return frames[int(number)] if there else gr.skip()
