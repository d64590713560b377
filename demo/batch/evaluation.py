"""What a model gets right where the session knows the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddad.measure.metrics import Evaluation
from demo.store.session import Session


def measure(
    session: Session,
    threshold: float | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, Any], dict[str, np.ndarray], int]:
    """Metrics as `Evaluation` gives them, its curves, and how many images were left out.

    Also `n_unfamiliar`, how many are not this model's part: they count by their score all the same.

    Takes the scored items that are known to be good or defective, by a true mask or by their
    folder, of the model that scored last; those without a mask count for the image metrics alone.
    What lies in an ignore zone counts as good and quiet. `threshold` None is the calibrated one.
    Raises ValueError where there is no such item.
    """
    scored = session.items(state="scored")
    known = [item for item in scored if (item.has_truth or item.kind) and item.result]
    last = known[-1].result if known else None
    if last is None:
        raise ValueError(
            "no scored image is known to be good or defective: drop masks along with the images, "
            "or a ZIP of folders good and, say, crack"
        )
    used = [item for item in known if item.result and item.result.fingerprint == last.fingerprint]
    evaluation = Evaluation(last.threshold if threshold is None else float(threshold))
    for done, item in enumerate(used, 1):
        score_map, truth = session.score_map(item.id), session.truth(item.id)
        if truth is None and item.kind == "good":
            truth = np.zeros(score_map.shape, bool)
        ignore = session.ignore(item.id)
        if ignore is not None:
            score_map = np.where(ignore, score_map.min(), score_map)
            truth = truth if truth is None else truth & ~ignore
        assert item.score is not None
        kind = item.kind or ("good" if truth is None or not truth.any() else "defect")
        evaluation.add(item.score, score_map, truth, kind)
        on_progress(done, len(used))
    strange = sum(item.result is not None and item.result.withheld == "strange" for item in used)
    found = evaluation.result() | {"n_unfamiliar": strange}
    return found, evaluation.lines(), len(scored) - len(used)
