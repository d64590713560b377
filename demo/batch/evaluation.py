"""Evaluation on the page: what the model gets right where the session knows the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
import numpy as np

from ddad.measure.metrics import Evaluation
from demo.page import PRIVATE, Page, problem
from demo.shared import charts
from demo.shared.intake import defect
from demo.store.session import Session

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
CAUTION = (
    "<p class='caution'><strong>For judging, not for choosing.</strong> These figures say how the "
    "model does on this set. A threshold, a model or a setting that was picked by them has seen "
    "the answers: its figures on the same set are too good. Choose on good parts held out of "
    "training, as calibration does, and test once. F1-max picks its threshold on the labels, so "
    "it is a bound, not what you will get.</p>"
)


def panel(page: Page, threshold: gr.State) -> None:
    """Lay out the evaluation; `threshold` is the one chosen for the set, None for calibration's."""
    with gr.Accordion("Evaluate with true masks", open=False, elem_id="evaluate"):
        button = gr.Button("Evaluate", elem_id="evaluate-now")
        shown = gr.HTML("", elem_id="evaluation", apply_default_css=False)

    def evaluate(
        session: str | None,
        at: float | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> str:
        try:
            found = measure(
                page.store.open(session), at, lambda done, n: progress((done, n), unit="images")
            )
        except ValueError as error:
            return problem(error)
        return report(*found)

    button.click(
        evaluate,
        [page.session, threshold],
        shown,
        concurrency_id="evaluate",
        concurrency_limit=1,
        **PRIVATE,
    )


def measure(
    session: Session,
    threshold: float | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, Any], dict[str, np.ndarray], int]:
    """Metrics as `ddad.measure.metrics.Evaluation` gives them, its curves, and how many were left out.

    Takes the scored items whose truth is known, of the model that scored last; what lies in an
    ignore zone counts as good and quiet. `threshold` None is the calibrated one. Raises
    ValueError where there is no such item.
    """
    scored = session.items(state="scored")
    known = [item for item in scored if item.has_truth and item.result]
    last = known[-1].result if known else None
    if last is None:
        raise ValueError(
            "no scored image has a true mask: drop masks along with the images, "
            "<name>_mask.png or in MVTec's layout"
        )
    used = [item for item in known if item.result and item.result.fingerprint == last.fingerprint]
    evaluation = Evaluation(last.threshold if threshold is None else float(threshold))
    for done, item in enumerate(used, 1):
        score_map, truth = session.score_map(item.id), session.truth(item.id)
        ignore = session.ignore(item.id)
        assert truth is not None and item.score is not None
        if ignore is not None:
            score_map = np.where(ignore, score_map.min(), score_map)
            truth = truth & ~ignore
        kind = defect(item.name) or ("defect" if truth.any() else "good")
        evaluation.add(item.score, score_map, truth, kind)
        on_progress(done, len(used))
    return evaluation.result(), evaluation.lines(), len(scored) - len(used)


def report(result: dict[str, Any], lines: dict[str, np.ndarray], left_out: int) -> str:
    """The evaluation as HTML."""
    at = result["at_threshold"]
    counts = f"{result['n_good']} good and {result['n_defective']} defective images"
    if left_out:
        counts += f"; {left_out} without a true mask, or of another model, left out"
    figures = [charts.confusion(at, at["threshold"])]
    for key, title, short, metric, axes in CURVES:
        if key in lines:
            note = f"{short} {charts.number(result[metric])}"
            limit = 0.3 if key == "pro" else 1.0
            roc = key.endswith("roc")
            figures.append(charts.curve(lines[key], title, note, axes, x_max=limit, chance=roc))
    pairs = [(name, result[key]) for name, key in NUMBERS]
    pairs += [
        (f"{name} at {at['threshold']:.2f}", at[f"pixel_{key}"])
        for name, key in (("pixel IoU", "iou"), ("precision", "precision"), ("recall", "recall"))
    ]
    return (
        f"<section class='evaluation' aria-label='Evaluation'><h3>{counts}</h3>{CAUTION}"
        f"{charts.facts(pairs)}<div class='charts'>{''.join(figures)}</div>{_defects(result)}"
        "<p class='hint'>Pixel figures pool the pixels of all images; IoU counts what is marked on "
        "good images as false. AUPRO is the mean overlap with each true region, up to 30 % false "
        "alarms among normal pixels. A curve is drawn with 200 points; the figures are not.</p>"
        "</section>"
    )


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
                *(charts.number(found[name]) for name in measures),
                charts.number(at["pixel_iou"]),
            )
        )
    return charts.table(head, rows, "By defect type, each against all good images")
