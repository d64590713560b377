"""The card of a model trained here: README.md for people, metrics.json for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ddad.images.files import write_json, write_text
from ddad.score.appearance import FOLDER as COPIES
from ddad.score.calibration import Calibration
from ddad.score.promise import needed, percent

if TYPE_CHECKING:
    from ddad.model.detector import Detector

MARK = "<!-- written by ddad train -->"
"""A card that carries this line may be replaced; any other is somebody's work."""
BLOCKS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Estimate:
    """Metrics over normals and the same normals with painted defects; None where undefined."""

    image_auroc: float | None
    pixel_auroc: float | None
    aupro: float | None
    normals: int
    painted_over_threshold: float
    """Share of the painted images that the threshold calls anomalous."""

    def as_dict(self) -> dict[str, Any]:
        return {"what": "painted defects on normals unseen by the model that scored them"} | asdict(
            self
        )


def write_card(
    folder: Path, detector: Detector, estimate: Estimate | None, pictures: list[str]
) -> None:
    """Write both files into a checkpoint's folder; a card by someone else's hand is kept."""
    metrics = folder / "metrics.json"
    kept = json.loads(metrics.read_text("utf-8")) if metrics.exists() else {}
    found = {
        "estimate": estimate.as_dict() if estimate else None,
        "calibration": summary(detector.calibration),
    }
    write_json(kept | found, metrics)
    card = folder / "README.md"
    if not card.exists() or MARK in card.read_text("utf-8"):
        text = _text(detector, estimate, pictures, len(list((folder / COPIES).glob("*.webp"))))
        write_text(text, card)


def summary(calibration: Calibration, bins: int = 20) -> dict[str, Any]:
    """The threshold, what it promises, and the histogram of the normals' scores."""
    counts, edges = np.histogram(calibration.normal_scores, bins=bins)
    return {
        "normals": calibration.n,
        "threshold": calibration.threshold,
        "target_fpr": calibration.target_fpr,
        "promise": promised(calibration),
        "cross_fitted": calibration.cross_fitted,
        "parts_needed": needed(calibration.target_fpr),
        "histogram": {"counts": counts.tolist(), "edges": edges.tolist()},
    }


def promise(calibration: Calibration) -> str:
    """What the threshold stands for, in one sentence."""
    normals = "1 held-out normal" if calibration.n == 1 else f"{calibration.n} held-out normals"
    text, made = f"threshold {calibration.threshold:.4f} from {normals}", calibration.promise
    if made is None:
        return f"{text}: {unpromised(calibration)}"
    parts = f" of {made.parts} parts" if made.parts < calibration.n else ""
    return f"{text}{parts}: it marks {made}" + (f"; {made.carries}" if made.carries else "")


def unpromised(calibration: Calibration) -> str:
    """Why a threshold promises nothing; empty where it promises something."""
    if calibration.promise is not None:
        return ""
    if not calibration.parts:
        return (
            "no promise: it was made by an earlier version, which counted photographs, not parts; "
            "calibrate or train again"
        )
    few = "one photograph" if calibration.n == 1 else f"{calibration.n} photographs of one part"
    rate = calibration.target_fpr
    return (
        f"no promise with {few}: look at the maps; two parts make a rough promise, "
        f"{needed(rate)} one of {percent(rate)}"
    )


def promised(calibration: Calibration) -> dict[str, Any] | None:
    """What the threshold promises, as figures: shares of new good parts, of so many parts."""
    made = calibration.promise
    if made is None:
        return None
    low, high = made.interval
    return {"parts": made.parts, "rate": made.rate, "low": low, "high": high}


def _text(
    detector: Detector, estimate: Estimate | None, pictures: list[str], copies: int = 0
) -> str:
    calibration, training = detector.calibration, detector.training
    histogram = summary(calibration)["histogram"]
    top = max(histogram["counts"])
    bars = "".join(BLOCKS[-(-8 * count // top)] for count in histogram["counts"])
    low, high = histogram["edges"][0], histogram["edges"][-1]
    learned = len(training.get("trained_on", ()))
    lines = [
        MARK,
        f"# {detector.name}",
        "",
        f"Learned from {learned} photograph{'s' * (learned != 1)} of good parts; "
        f"branches: {', '.join(detector.weights)}.",
        "",
        f"- {promise(calibration).capitalize()}.",
        f"- Scores of those normals, {low:.2f} to {high:.2f}: `{bars}`",
    ]
    for count in range(len(detector.config.looks), -1, -1):
        one = detector.with_looks(count)
        if (sight := one.calibration.sight) is not None:
            lines.append(f"- {one.name} {sight.sentence}.")
    if training.get("ended_early"):
        lines.append("- Training of the pixel branch was ended early, on request.")
    if copies:
        lines.append(
            f"- {copies} of its photographs travel with it as small copies, in `{COPIES}`: they "
            "show what a place looks like on good parts. Its trainer agreed to that."
        )
    if estimate is not None:
        lines += ["", *_estimate_lines(estimate)]
    if pictures:
        lines += ["", "| part | map |", "|---|---|"]
        lines += [f"| ![](examples/{stem}.png) | ![](maps/{stem}.png) |" for stem in pictures]
    return "\n".join(lines) + "\n"


def _estimate_lines(estimate: Estimate) -> list[str]:
    def shown(value: float | None) -> str:
        return "none" if value is None else f"{value:.3f}"

    return [
        "## An estimate, from painted defects",
        f"Scratches, stains, holes and foreign texture were painted on {estimate.normals} normals "
        "that the scoring model had not seen. Real defects may be easier or harder: only true "
        "masks and `evaluate` tell.",
        "",
        "| image AUROC | pixel AUROC | AUPRO | painted images over the threshold |",
        "|---|---|---|---|",
        f"| {shown(estimate.image_auroc)} | {shown(estimate.pixel_auroc)} | "
        f"{shown(estimate.aupro)} | {estimate.painted_over_threshold:.0%} |",
    ]
