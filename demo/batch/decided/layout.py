"""How the panel is laid out: what is decided, two ways to a threshold, two of them compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr


@dataclass(frozen=True)
class Panel:
    """The panel's components."""

    box: gr.Accordion
    summary: gr.HTML
    random: gr.Button
    candidate: gr.Number
    """The threshold to compare with the one in force, None for none."""
    wished: gr.Slider
    """Recall, in percent."""
    propose: gr.Button
    missed: gr.Number
    """What a missed defect costs."""
    alarm: gr.Number
    """What a false alarm costs."""
    cheapest: gr.Button
    said: gr.HTML
    compared: gr.HTML
    use: gr.Button

    @property
    def typed(self) -> list[Any]:
        """What a person types."""
        return [self.candidate, self.missed, self.alarm]

    @property
    def shown(self) -> list[Any]:
        """What follows the decisions and what is typed."""
        return [self.summary, self.random, self.compared, self.use]


def panel() -> Panel:
    """Lay out the panel."""
    with gr.Accordion("What your decisions say", open=False, elem_id="decided") as box:
        summary = gr.HTML("", elem_id="decided-summary", apply_default_css=False)
        random = gr.Button(
            "Decide on one picked at random", visible=False, elem_id="decided-random"
        )
        with gr.Row(elem_id="decided-ways"):
            (wished, propose), (missed, alarm, cheapest) = _recall(), _costs()
        said = gr.HTML("", elem_id="decided-said", apply_default_css=False)
        candidate = gr.Number(
            label="Threshold to compare",
            placeholder="none yet",
            info="Type one, or take one from above. Nothing changes before you use it.",
            elem_id="decided-candidate",
        )
        compared = gr.HTML("", elem_id="decided-compared", apply_default_css=False)
        use = gr.Button(
            "Use it for the set", variant="primary", interactive=False, elem_id="decided-use"
        )
    ways = wished, propose, missed, alarm, cheapest
    return Panel(box, summary, random, candidate, *ways, said, compared, use)


def _recall() -> tuple[Any, ...]:
    with gr.Column(min_width=260):
        wished = gr.Slider(
            *(50, 99.9, 95),
            step=0.1,
            label="Defects to be found, percent",
            elem_id="decided-wished",
            buttons=[],
        )
        propose = gr.Button("Propose a threshold for it", elem_id="decided-propose")
    return wished, propose


def _costs() -> tuple[Any, ...]:
    with gr.Column(min_width=260):
        with gr.Row():
            missed, alarm = (
                gr.Number(
                    label=f"A {name} costs",
                    placeholder="not said",
                    min_width=120,
                    elem_id=f"decided-{key}",
                )
                for name, key in (("missed defect", "missed"), ("false alarm", "alarm"))
            )
        cheapest = gr.Button("Take the cheapest threshold", elem_id="decided-cheapest")
    return missed, alarm, cheapest
