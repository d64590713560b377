"""What happens in the panel of decisions: it follows them, proposes, and sets when told to."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import gradio as gr

from ddad.measure.decided import Costs
from ddad.measure.proposal import cheapest, propose, too_few
from demo.batch import queue
from demo.batch.decided import layout, view
from demo.batch.decided.layout import Panel
from demo.batch.decided.sample import Sample, sample
from demo.batch.view import listing
from demo.page import QUIET, Page, problem, to_desk

# A gr.Number without a value begins as 0, which no one has typed.
UNTYPED = "(...typed) => typed.map((number) => number || null)"


def panel(page: Page, table: gr.HTML, threshold: gr.State, after: Sequence[Any]) -> None:
    """Lay out the panel and wire it to the table and the set's threshold.

    `after` are events that change what is scored or decided.
    """
    shown = layout.panel()
    typed = [page.session, *shown.typed]

    def summarise(session: str | None, *typed: float | None) -> tuple[Any, ...]:
        return _shown(sample(page.store.open(session)), *typed)

    def anew(session: str | None, *typed: float | None) -> tuple[Any, ...]:
        return *summarise(session, *typed), ""  # what was said of earlier decisions goes

    for event in after:
        event.then(anew, typed, [*shown.shown, shown.said], **QUIET)
    shown.box.expand(None, shown.typed, shown.typed, js=UNTYPED, **QUIET)
    gr.on(
        [shown.box.expand, *(each.change for each in shown.typed)],
        summarise,
        typed,
        shown.shown,
        trigger_mode="always_last",
        **QUIET,
    )
    _wire_ways(page, shown)
    _wire_use(page, shown, table, threshold, summarise)
    threshold.change(
        lambda tried: gr.skip() if tried is None else tried, threshold, shown.candidate, **QUIET
    )


def _shown(
    found: Sample | None, candidate: float | None, missed: float | None, alarm: float | None
) -> tuple[Any, ...]:
    """The values of `Panel.shown`."""
    if found is None or not len(found.scores):
        use, compared = gr.Button(interactive=False), ""
    else:
        try:
            compared = view.compared(found, candidate or None, costs(missed, alarm))
        except ValueError as error:
            compared = problem(error)
        use = gr.Button(interactive=candidate not in (None, 0, found.now))
    some = found is not None and bool(found.undecided)
    return view.summary(found), gr.Button(visible=some), compared, use


def costs(missed: float | None, alarm: float | None) -> Costs | None:
    """None until both are typed, see `UNTYPED`. Raises ValueError for what no costs can be."""
    return Costs(missed, alarm) if missed and alarm else None


def _fair(found: Sample | None) -> Sample:
    """Of the decided ones a fair sample. Raises ValueError, a sentence, where there is none."""
    if found is None or not len(found.scores):
        raise ValueError("Decide on some photographs first.")
    found.check()
    return found.even()


def _wire_ways(page: Page, shown: Panel) -> None:
    """A threshold for a recall, one for costs; a photograph at random."""

    def for_recall(session: str | None, percent: float) -> tuple[Any, str]:
        found, wished = sample(page.store.open(session)), percent / 100
        try:
            chosen = _fair(found)
            proposed = propose(chosen.scores, chosen.defective, wished)
            if proposed is None:
                raise ValueError(too_few(chosen.defects, wished) + view.left_out(found, chosen))
        except ValueError as error:
            return gr.skip(), view.refused(error)
        sentence = f"{proposed}{view.left_out(found, chosen)}"
        return proposed.found.threshold, view.said(sentence)

    def for_costs(
        session: str | None, missed: float | None, alarm: float | None
    ) -> tuple[Any, str]:
        found = sample(page.store.open(session))
        try:
            price = costs(missed, alarm)
            if price is None:
                raise ValueError("Type what a missed defect and what a false alarm costs.")
            chosen = _fair(found)
            best = cheapest(chosen.scores, chosen.defective, price)
            if best is None:
                raise ValueError("Costs want decisions of both kinds: good and defective.")
        except ValueError as error:
            return gr.skip(), view.refused(error)
        return best.threshold, view.said(view.overfitted(best))

    def open_random(session: str | None) -> tuple[Any, ...]:
        found = sample(page.store.open(session))
        if found is None or not found.undecided:
            return gr.skip(), gr.skip()
        return to_desk(random.choice(found.undecided))

    answers = [shown.candidate, shown.said]
    shown.propose.click(for_recall, [page.session, shown.wished], answers, **QUIET)
    shown.cheapest.click(for_costs, [page.session, shown.missed, shown.alarm], answers, **QUIET)
    shown.random.click(open_random, page.session, [page.opened, page.tabs], **QUIET)


def _wire_use(
    page: Page, shown: Panel, table: gr.HTML, threshold: gr.State, summarise: Any
) -> None:
    """The compared threshold becomes that of the set, as the table's own button does it."""

    def use_compared(session: str | None, candidate: float | None) -> tuple[Any, ...]:
        mine = page.store.open(session)
        try:
            if not candidate:
                raise ValueError("there is no threshold to use: type one, or have one proposed")
            queue.apply(mine, float(candidate))
        except ValueError as error:
            return gr.skip(), gr.skip(), problem(error)
        said = f"{candidate:g} is the threshold of what no one has decided on or drawn in."
        return listing(mine) | {"chosen": candidate}, candidate, view.said(said)

    used = shown.use.click(
        use_compared, [page.session, shown.candidate], [table, threshold, shown.said], **QUIET
    )
    used.then(summarise, [page.session, *shown.typed], shown.shown, **QUIET)
