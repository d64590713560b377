"""What the panel shows: how many are decided, rates with their doubt, thresholds compared."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np

from ddad.measure.decided import Costs, Outcome, Rate, changed, outcome, percent
from demo.batch.decided.sample import Sample
from demo.shared import charts

NAMED = 6
"""Photographs that are named where two thresholds differ."""
EMPTY = "<div class='decided empty'><strong>{}</strong><span>{}</span></div>".format
KEYS = (
    "Open one at the desk and press D where it is defective, G where it is good; the right arrow "
    "leads to the next. Decide on some below the threshold too, or what is missed stays unknown."
)


def summary(found: Sample | None) -> str:
    """How many are decided, and what came true of the promise."""
    if found is None:
        return EMPTY("Nothing is scored yet.", "Drop photographs above; then decide on some.")
    if not len(found.scores):
        return EMPTY("Nothing is decided yet.", KEYS)
    n, every = len(found.scores), len(found.scores) + len(found.others)
    head = (
        f"{n} of {every} photographs decided on: {n - found.defects} good, "
        f"{found.defects} defective"
    )
    rates = found.rates(found.result.threshold)
    missed, alarms = rates or (Rate(None, 0, 1), Rate(None, 0, 1))
    cells = (
        ("False alarms", _words(alarms, bool(rates), "good part", n - found.defects), "realised"),
        ("False alarms", promised(found), "promised"),
        ("Missed defects", _words(missed, bool(rates), "defect", found.defects), "realised"),
    )
    figures = "".join(
        f"<div><dt>{name} <em>{which}</em></dt><dd>{html.escape(big)}"
        f"<small>{html.escape(small)}</small></dd></div>"
        for name, (big, small), which in cells
    )
    return (
        f"<section class='evaluation decided' aria-label='What your decisions say'>"
        f"<h3>{head}</h3>{_standing(found)}<dl class='numbers'>{figures}</dl>"
        f"<p class='hint'>At the calibrated threshold of {found.result.threshold:.2f}. Intervals "
        "hold in 19 of 20 sets; photographs of one and the same part count as one each, so of "
        "several shots a part they are too narrow.</p></section>"
    )


def promised(found: Sample) -> tuple[str, str]:
    """What calibration promises of good parts, as a large and a small line."""
    made = found.result.promise
    if made is None:
        return "nothing", "so few good parts promise none"
    low, high = made.interval
    return f"about {percent(made.rate)}", f"between {percent(low)} and {percent(high)}"


def _words(rate: Rate, known: bool, what: str, count: int) -> tuple[str, str]:
    """A rate as a large and a small line."""
    if not known:
        return "unknown", "the decided ones are no fair sample"
    if rate.share is None or not count:
        return "unknown", f"no {what} is decided on"
    ends = f"between {percent(rate.low)} and {percent(rate.high)}"
    counted = f"{rate.count} of {rate.of}, " if rate.of else "weighed, "
    return percent(rate.share), counted + ends


def _standing(found: Sample) -> str:
    """What the decided ones can say of all that was scored, and what to do."""
    low, all_low, high, all_high = found.sides
    counts = (
        f"{low} of {all_low} at or below the threshold of {found.now:.2f} and {high} of "
        f"{all_high} above it are decided on"
    )
    cure = "Decide on some picked at random: the button below opens one."
    sentence, trouble = {
        "whole": ("All that was scored is decided on.", False),
        "fair": (f"{counts}: as even as a random draw.", False),
        "uneven": (
            f"{counts}, so the sides are weighed, and where thresholds are compared the side with "
            "more is thinned at random. This holds if each side's were picked at random.",
            False,
        ),
        "blind": (
            f"{counts}. Of a side without a decision nothing is known: neither what is missed nor "
            f"how many of the good parts are marked. {cure}",
            True,
        ),
        "picked": (
            f"{counts}, but on a side not at random: the loudest or the quietest came first. Rates "
            f"would be wrong. {cure}",
            True,
        ),
    }[found.standing]
    return f"<p class='{'caution' if trouble else 'partly'}'>{html.escape(sentence)}</p>"


def compared(found: Sample, candidate: float | None, costs: Costs | None) -> str:
    """The threshold in force and the one to compare, side by side, on the decided ones."""
    sample = found.even()
    marks = {"now": found.now} | ({} if candidate is None else {"compared": candidate})
    outcomes = [outcome(sample.scores, sample.defective, cut) for cut in marks.values()]
    rows = {
        f"defective {found.defects}": found.scores[found.defective].tolist(),
        f"good {len(found.scores) - found.defects}": found.scores[~found.defective].tolist(),
        f"undecided {len(found.others)}": found.others.tolist(),
    }
    about = "Scores of the photographs by decision, and " + " and ".join(
        f"the threshold {name}, {cut:.2f}" for name, cut in marks.items()
    )
    difference = "" if candidate is None else _difference(sample, candidate)
    return (
        "<section class='evaluation decided' aria-label='Thresholds compared'>"
        f"{charts.strips({name: v for name, v in rows.items() if v}, marks, about)}"
        f"{_table(marks, outcomes, costs, len(sample.scores))}{difference}</section>"
    )


def _table(marks: dict[str, float], outcomes: list[Outcome], costs: Costs | None, n: int) -> str:
    head = "".join(f"<th scope='col'>{name} <b>{cut:.2f}</b></th>" for name, cut in marks.items())
    parts: list[tuple[str, Callable[[Outcome], Rate]]] = [
        ("Missed defects", lambda found: found.missed),
        ("False alarms", lambda found: found.alarms),
    ]
    body = ""
    for name, of in parts:
        rates = [of(found) for found in outcomes]
        most = max(rate.high for rate in rates)
        cells = "".join(f"<td>{_cell(rate, most)}</td>" for rate in rates)
        body += f"<tr><th scope='row'>{name}</th>{cells}</tr>"
    if costs:
        cells = "".join(
            f"<td><b>{found.cost(costs):,.6g}</b><small>{100 * found.cost(costs) / n:,.2f} "
            "a hundred photographs</small></td>"
            for found in outcomes
        )
        body += f"<tr><th scope='row'>Cost</th>{cells}</tr>"
    return (
        "<div class='table-scroll' tabindex='0'><table><caption class='unseen'>Thresholds on the "
        f"{n} photographs decided on</caption><thead><tr><th scope='col'>of {n} decided on</th>"
        f"{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(rate: Rate, most: float) -> str:
    if rate.share is None:
        return "<b>–</b><small>none decided on</small>"
    return (
        f"<b>{percent(rate.share)}</b>{charts.whisker(rate.share, rate.low, rate.high, most)}"
        f"<small>{rate.count} of {rate.of}, {percent(rate.low)} to {percent(rate.high)}</small>"
    )


def _difference(sample: Sample, candidate: float) -> str:
    """The photographs that the two judge differently."""
    differ = changed(sample.scores, sample.now, candidate)
    if not differ.any():
        return "<p class='hint'>Both judge all of them alike.</p>"
    lower = candidate < sample.now
    kinds = (
        (differ & sample.defective, "defect", "found by it alone" if lower else "missed by it"),
        (differ & ~sample.defective, "good part", "marked by it" if lower else "spared by it"),
    )
    items = "".join(
        f"<li>{_named(sample, which, what)} {html.escape(does)}</li>"
        for which, what, does in kinds
        if which.any()
    )
    return f"<p class='hint'>What {candidate:.2f} changes:</p><ul class='differ'>{items}</ul>"


def _named(sample: Sample, which: np.ndarray, what: str) -> str:
    """So many of a kind, some by name."""
    at = np.flatnonzero(which)
    names = ", ".join(html.escape(sample.names[i]) for i in at[:NAMED])
    more = f" and {len(at) - NAMED} more" if len(at) > NAMED else ""
    return f"<b>{len(at)} {what}{'s' * (len(at) > 1)}</b> ({names}{more})"


def left_out(found: Sample | None, chosen: Sample) -> str:
    """How many decided defects were left out to make a fair sample."""
    gone = found.defects - chosen.defects if found else 0
    if not gone:
        return ""
    return f" {gone} more are left out, so that both sides of the threshold are decided on alike."


def overfitted(best: Outcome) -> str:
    """What to make of the cheapest threshold."""
    n = (best.missed.of or 0) + (best.alarms.of or 0)
    return (
        f"{best.threshold:g} would have cost least on these {n} photographs. It has seen their "
        "answers: on others it will cost more, much more where few were decided on."
    )


def said(sentence: str) -> str:
    return f"<p class='decided-said' role='status'>{html.escape(sentence)}</p>"


def refused(error: Exception) -> str:
    """Why there is no proposal."""
    return f"<p class='decided-said refused' role='status'>{html.escape(str(error))}</p>"
