"""What the tab of many images shows: the table's rows, and the evaluation as HTML."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ddad.model.detection import STRANGE
from demo.limits import LIMITS
from demo.shared import charts, meaning, stream
from demo.shared.tables import figures, number, table
from demo.shared.twins import twins
from demo.store.records import Item
from demo.store.session import Session
from demo.store.waiting import Waiting

NUMBERS = (
    ("image AUROC", "image_auroc"),
    ("image AP", "image_ap"),
    ("image F1-max", "image_f1_max"),
    ("pixel AUROC", "pixel_auroc"),
    ("pixel AP", "pixel_ap"),
    ("pixel F1-max", "pixel_f1_max"),
    ("AUPRO to 30 % FPR", "aupro"),
)
CURVES = (
    ("image_roc", "Images: ROC", "AUROC", "image_auroc", ("false alarms", "defects found")),
    ("image_pr", "Images: precision and recall", "AP", "image_ap", ("recall", "precision")),
    ("pixel_roc", "Pixels: ROC", "AUROC", "pixel_auroc", ("false alarms", "pixels found")),
    ("pixel_pr", "Pixels: precision and recall", "AP", "pixel_ap", ("recall", "precision")),
    ("pro", "Regions: overlap (PRO)", "AUPRO", "aupro", ("false alarms", "mean overlap")),
)
SHOWN = LIMITS.thumbnails
"""Masks that wait, shown at once."""
CAUTION = (
    "<p class='caution'><strong>For judging, not for choosing.</strong> These figures say how the "
    "model does on this set. A threshold, a model or a setting that was picked by them has seen "
    "the answers: its figures on the same set are too good. Choose on good parts held out of "
    "training, as calibration does, and test once. F1-max picks its threshold on the labels, so "
    "it is a bound, not what you will get.</p>"
)


def listing(session: Session, **run: Any) -> dict[str, Any]:
    """What the table shows of a session; `run` says what goes on, nothing if nothing does."""
    items = session.items()
    latest = next((item.result for item in items[::-1] if item.result), None)
    facts = meaning.of_result(latest) if latest else None
    now = {"serial": time.monotonic_ns(), **run} if run else None
    judge, alike = latest.fingerprint if latest else "", twins(items)
    rows = [_row(item, judge) | {"twin": alike.get(item.id, 0)} for item in items]
    moved = stream.said(items)
    return {"session": session.id, "rows": rows, "facts": facts, "run": now, "moved": moved}


def _row(item: Item, fingerprint: str) -> dict[str, Any]:
    other = item.result is not None and item.result.fingerprint != fingerprint
    note = item.note
    if other and item.result:
        note = f"scored by {item.result.model}; {note}".rstrip("; ")
    return {
        "id": item.id,
        "name": item.name,
        "state": item.state,
        "score": item.score,
        "threshold": item.threshold,
        "area": item.area,
        "pixels": item.width * item.height,
        "regions": item.regions,
        "decision": item.decision,
        "withheld": item.result.withheld if item.result else "",
        "edited": bool(item.review and item.review.edited),
        "kind": item.kind or None,
        "truth": item.has_truth,
        "other": other,
        "note": note,
        "error": item.error,
    }


def brought(session: Session) -> dict[str, Any]:
    """What the panel of masks shows: what the last import did, and which masks wait."""
    said, waiting = session.imports.report(), session.imports.waiting.all()
    images = [item for item in session.items() if item.state != "failed"] if waiting else []
    return {
        "session": session.id,
        "role": said.get("role", "truth"),
        "count": said.get("count", 0),
        "matched": said.get("matched", []),
        "notes": said.get("notes", []),
        "undo": session.imports.can_undo(),
        "total": len(waiting),
        "waiting": [_waiting(each) for each in waiting[:SHOWN]],
        "images": [[item.id, item.name, item.width, item.height] for item in images],
    }


def _waiting(each: Waiting) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "why": each.why,
        "how": each.how,
        "role": each.role,
        "thumb": each.thumb,
        "area": each.area,
        "width": each.width,
        "height": each.height,
        "candidates": each.candidates,
    }


def report(result: dict[str, Any], lines: dict[str, np.ndarray], left_out: int) -> str:
    """The evaluation as HTML."""
    at = result["at_threshold"]
    counts = f"{result['n_good']} good and {result['n_defective']} defective images"
    if left_out:
        counts += f"; {left_out} of which neither is known, or of another model, left out"
    drawn = [charts.confusion(at, at["threshold"])]
    for key, title, short, metric, axes in CURVES:
        if key in lines:
            note = f"{short} {number(result[metric])}"
            limit = 0.3 if key == "pro" else 1.0
            roc = key.endswith("roc")
            drawn.append(charts.curve(lines[key], title, note, axes, x_max=limit, chance=roc))
    pairs = [(name, result[key]) for name, key in NUMBERS]
    pairs += [
        (f"{name} at {at['threshold']:.2f}", at[f"pixel_{key}"])
        for name, key in (("pixel IoU", "iou"), ("precision", "precision"), ("recall", "recall"))
    ]
    return (
        f"<section class='evaluation' aria-label='Evaluation'><h3>{counts}</h3>"
        f"{_without_masks(result)}{_unfamiliar(result)}{CAUTION}"
        f"{figures(pairs)}<div class='charts'>{''.join(drawn)}</div>{_defects(result)}"
        "<p class='hint'>Pixel figures pool the pixels of all images; IoU counts what is marked on "
        "good images as false. AUPRO is the mean overlap with each true region, up to 30 % false "
        "alarms among normal pixels. A curve is drawn with 200 points; the figures are not.</p>"
        "</section>"
    )


def _without_masks(result: dict[str, Any]) -> str:
    """For how many images pixel figures want masks."""
    without = result.get("n_without_masks", 0)
    if not without:
        return ""
    some = f"{without} of the defective images have no true mask"
    rest = f"of the {result['n_with_masks']} others alone" if result["n_with_masks"] else "missing"
    return f"<p class='partly'>Pixel figures want masks: {some}, so these figures are {rest}.</p>"


def _unfamiliar(result: dict[str, Any]) -> str:
    """How many images are not of the model's part."""
    count = result.get("n_unfamiliar", 0)
    if not count:
        return ""
    some = f"{count} of the images {'is' if count == 1 else 'are'} {STRANGE}"
    return f"<p class='partly'>{some}: here each counts by its score all the same.</p>"


def _defects(result: dict[str, Any]) -> str:
    """The table by defect type, each against all good images."""
    if not result["per_defect"]:
        return ""
    head = ("defect", "images", "found", "image AUROC", "pixel AUROC", "pixel AP", "AUPRO", "IoU")
    rows = []
    for kind, found in result["per_defect"].items():
        at = found["at_threshold"]
        measures = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
        rows.append(
            (
                kind,
                str(found["n_defective"]),
                f"{at['true_positives']} of {found['n_defective']}",
                *(number(found[name]) for name in measures),
                number(at["pixel_iou"]),
            )
        )
    return table(head, rows, "By defect type, each against all good images")
