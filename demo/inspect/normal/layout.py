"""How the normal version is laid out: the offer, then before and after, what changed, the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

KEPT = 3600
"""Seconds for which the steps of a run are kept."""


@dataclass(frozen=True)
class Panel:
    """The panel's components."""

    frames: gr.State
    """Paths of the steps' pictures, the first as it was."""
    box: gr.Column
    said: gr.HTML
    depth: gr.Slider
    show: gr.Button
    stop: gr.Button
    pictures: gr.Column
    sides: gr.ImageSlider
    change: gr.Image
    way: gr.Column
    frame: gr.Image
    step: gr.Slider

    @property
    def shown(self) -> list[Any]:
        """What a run changes."""
        run = [self.frames, self.said, self.show, self.stop]
        return [*run, self.pictures, self.sides, self.change, self.way, self.frame, self.step]


def panel() -> Panel:
    """Lay out the panel, out of sight until an image is on the desk."""
    frames = gr.State([], time_to_live=KEPT)
    with gr.Column(elem_id="restoration", visible=False) as box:
        said = gr.HTML("", elem_id="restoration-said")
        with gr.Row(elem_id="restore-row"):
            depth = gr.Slider(
                *(100, 900, 400),
                step=100,
                label="Noise it starts from",
                info="More draws large or deep defects anew, less stays closer to the photograph.",
                elem_id="restore-t",
                buttons=[],
                scale=2,
            )
            show = gr.Button("Show the normal version", variant="primary", elem_id="restore")
            stop = gr.Button("Stop", elem_id="restore-stop", visible=False)
        return Panel(frames, box, said, depth, show, stop, *_pictures())


def _pictures() -> tuple[Any, ...]:
    """Before and after with what changed; the step on the way."""
    saved = {"interactive": False, "buttons": ["download", "fullscreen"]}
    with gr.Row(elem_id="restored"):
        with gr.Column(scale=2, min_width=320, visible=False) as pictures, gr.Row():
            sides = gr.ImageSlider(
                label="Before and after", min_width=250, elem_id="before-after", **saved
            )
            change = gr.Image(
                label="What changed (bright: much)", min_width=250, elem_id="change", **saved
            )
        with gr.Column(scale=1, min_width=250, visible=False) as way:
            frame = gr.Image(label="On the way", elem_id="frame", **saved)
            step = gr.Slider(0, 1, 0, step=1, label="Step", buttons=[], elem_id="step")
    return pictures, sides, change, way, frame, step
