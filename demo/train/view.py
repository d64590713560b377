"""What the Train tab shows: findings, progress and results as HTML. Names are escaped."""

from __future__ import annotations

import html
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from ddad.score.promise import FEWEST, needed
from ddad.training.journal import read_log
from demo.limits import LIMITS
from demo.shared import charts
from demo.shared.pictures import image_tag
from demo.store.photographs import Photographs
from demo.store.records import Training
from demo.train.queue import progress_of

SHOWN = LIMITS.findings
WORDS = {
    "unreadable": "cannot be read",
    "duplicate": "exact copy",
    "near-duplicate": "nearly the same",
    "size": "another size",
    "blurred": "blurred",
    "odd": "odd one out",
    "far out": "unlike all others: is it a good part?",
}
CARRY = (
    "One part shows maps and promises nothing; from 2 on a threshold promises a rate of false "
    f"alarms, from {needed(0.05)} on one of 5 %, from {needed(0.01)} on one of 1 %. Below {FEWEST} "
    "maps are rough; 40 or more are better."
)
"""What so many photographs, each of another part, can carry."""
MANY = 40
"""From so many on nothing is said of it."""
TICKED = ("unreadable", "duplicate")


def kept(photographs: Photographs) -> str:
    """How many photographs there are."""
    count = len(photographs.names())
    if not count:
        return f"<p class='kept'>No photograph yet. {CARRY}</p>"
    noun = "photograph" if count == 1 else "photographs"
    carry = f" {CARRY}" if count < MANY else ""
    return f"<p class='kept'><strong>{count} {noun}</strong> of good parts.{carry}</p>"


def said(notes: Sequence[str]) -> str:
    """Sentences on what was left out."""
    lines = "".join(f"<li>{html.escape(note)}</li>" for note in notes[:SHOWN])
    return f"<ul class='said' role='status'>{lines}</ul>" if lines else ""


def ask(photographs: Photographs) -> tuple[Any, Any]:
    """The question which folders hold good parts, and its choices, of which none is ticked."""
    asked = photographs.asked()
    choices = [(f"{where} ({count})", where) for where, count in asked.items()]
    return gr.update(visible=bool(asked)), gr.update(choices=choices, value=[])


def findings(photographs: Photographs, found: dict[str, Any]) -> str:
    """The verdict, and a card with a box for each finding."""
    names = photographs.names()
    rows = [row for row in found["findings"] if row["file"] in names]
    text = f"<p class='kept'>{html.escape(found['enough'])}</p>"
    if not rows:
        return text + "<p>Nothing else to say against them.</p>"
    cards = []
    for row in rows[:SHOWN]:
        name, why = names[row["file"]], row["why"]
        pictures = image_tag(photographs.folder / row["file"], name, 180)
        if row.get("map"):
            pictures += f"<img src='{row['map']}' alt='what is unlike the others'>"
        if row["like"] in names:
            pictures += image_tag(photographs.folder / row["like"], names[row["like"]], 180)
            why = f"{why}, beside {names[row['like']]}"
        if row["kind"] == "unreadable":
            why = why.replace(str(photographs.folder / row["file"]), name)
        ticked = " checked" if row["kind"] in TICKED else ""
        cards.append(
            f"<label class='finding'><span class='pair'>{pictures}</span>"
            f"<strong>{WORDS[row['kind']]}</strong><span>{html.escape(name)}</span>"
            f"<small>{html.escape(why)}</small>"
            f"<span><input type='checkbox' value='{html.escape(row['file'], quote=True)}'{ticked}>"
            " leave out</span></label>"
        )
    more = f"<p>and {len(rows) - SHOWN} more</p>" if len(rows) > SHOWN else ""
    return f"{text}<div class='findings'>{''.join(cards)}</div>{more}"


def live(folder: Path | None, training: Training | None, place: int) -> str:
    """The training as it is now; `folder` is where it keeps its progress."""
    if training is None or folder is None:
        return "<p class='kept'>No training yet.</p>"
    title = html.escape(training.name)
    if training.state == "waiting":
        turn = "next" if not place else f"after {place} other{'s' if place > 1 else ''}"
        return f"<div class='live'><strong>{title} waits for its turn: {turn}.</strong></div>"
    if training.state == "failed":
        said = html.escape(training.message)
        return f"<div class='live bad' role='alert'><strong>{title} failed.</strong> {said}</div>"
    progress = progress_of(training, folder) if training.state != "done" else {"done": 1.0}
    done = float(progress.get("done", 0.0))
    heads = {
        "paused": "paused; it goes on where it was",
        "done": "ready",
        "running": f"{progress.get('phase') or 'starting'}, {_time(progress)}",
    }
    bar = (
        f"<div class='bar' role='progressbar' aria-valuenow='{100 * done:.0f}'>"
        f"<i style='width:{100 * done:.1f}%'></i></div>"
    )
    return (
        f"<div class='live'><strong>{title}: {html.escape(heads[training.state])}</strong>{bar}"
        f"{_curves(folder)}{_previews(folder)}</div>"
    )


def _time(progress: dict[str, Any]) -> str:
    if not progress:
        return "a moment"
    left = float(progress.get("seconds_left", 0))
    return f"about {left / 60:.0f} min left" if left > 90 else f"about {left:.0f} s left"


def _curves(folder: Path) -> str:
    rows = read_log(folder)
    steps = [row for row in rows if "mse" in row]
    losses = {
        "loss": [(row["step"], row["mse"]) for row in steps][-2000:],
        "held-out loss": [(r["step"], r["held_out_mse"]) for r in steps if "held_out_mse" in r],
    }
    painted = [row for row in rows if "painted_peak" in row]
    peaks = {
        "with a painted defect": [(r["normals"], r["painted_peak"]) for r in painted],
        "the same part clean": [(r["normals"], r["normal_peak"]) for r in painted],
    }
    return charts.curves(losses, "step") + charts.curves(peaks, "held-out part")


def _previews(folder: Path) -> str:
    latest = sorted(folder.glob("preview/[0-9]*_painted.png"))[-1:]
    if not latest:
        return ""
    stem = latest[0].name.removesuffix("_painted.png")
    pairs = [("good", "a held-out part, its map"), ("painted", "the same with a painted defect")]
    shown = "".join(
        f"<figure>{image_tag(latest[0].with_name(f'{stem}_{name}.png'), text)}"
        f"<figcaption>{text}</figcaption></figure>"
        for name, text in pairs
    )
    return f"<div class='previews'>{shown}</div>"


def result(folder: Path) -> str:
    """A finished model's card: promise, histogram, estimate, example maps."""
    from ddad.model.card import promise
    from ddad.score.calibration import Calibration

    try:
        metrics = json.loads((folder / "metrics.json").read_text())
        calibration = Calibration.from_json((folder / "calibration.json").read_text())
    except (OSError, ValueError):
        return "<p>This model brings no figures of its own.</p>"
    scores, threshold = calibration.normal_scores, calibration.threshold
    text = f"<p>{html.escape(promise(calibration).capitalize())}.</p>"
    estimate = metrics.get("estimate") if isinstance(metrics, dict) else None
    return text + _scores(scores, threshold) + _estimate(estimate) + _maps(folder)


def _scores(scores: Sequence[float], threshold: float) -> str:
    """A histogram of the normals' scores, where there are some."""
    if len(scores) < 2:
        return ""
    low, high = min(scores), max(scores)
    bins = min(24, max(6, len(scores) // 2))
    step = max((high - low) / bins, 1e-9)
    counts = [0] * bins
    for score in scores:
        counts[min(bins - 1, int((score - low) / step))] += 1
    edges = [low + i * step for i in range(bins + 1)]
    return charts.histogram(counts, edges, threshold, "Scores of those good parts")


def _estimate(estimate: Any) -> str:
    """The figures of a model's metrics.json, which may come from anyone: numbers alone."""
    if not isinstance(estimate, dict):
        return ""

    def shown(name: str, form: str = ".3f") -> str:
        value = estimate.get(name)
        known = isinstance(value, int | float) and math.isfinite(value)
        return format(value, form) if known else "none"

    return (
        "<h4>An estimate, from painted defects</h4>"
        "<p>Scratches, stains, holes and foreign texture painted on "
        f"{shown('normals', '.0f')} good parts; real defects may be easier or harder.</p>"
        "<dl class='facts'>"
        f"<div><dt>image AUROC</dt><dd>{shown('image_auroc')}</dd></div>"
        f"<div><dt>pixel AUROC</dt><dd>{shown('pixel_auroc')}</dd></div>"
        f"<div><dt>AUPRO</dt><dd>{shown('aupro')}</dd></div>"
        "<div><dt>over the threshold</dt>"
        f"<dd>{shown('painted_over_threshold', '.0%')}</dd></div></dl>"
    )


def _maps(folder: Path) -> str:
    shown = []
    for drawn in sorted(folder.glob("maps/*.png"))[:6]:
        name = drawn.stem.split("_", 1)[-1]
        text = "a good part" if name == "good" else f"painted: {name}"
        part = image_tag(folder / "examples" / drawn.name, text, 260)
        shown.append(
            f"<figure>{part}{image_tag(drawn, f'map of {text}', 260)}"
            f"<figcaption>{html.escape(text)}</figcaption></figure>"
        )
    return f"<div class='previews'>{''.join(shown)}</div>" if shown else ""
