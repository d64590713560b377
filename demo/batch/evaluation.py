"""What a model gets right where the session knows the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ddad.measure.metrics import Evaluation
from demo.shared.intake import defect
from demo.store.session import Session


def measure(
    session: Session,
    threshold: float | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict[str, Any], dict[str, np.ndarray], int]:
    """Metrics as `Evaluation` gives them, its curves, and how many images were left out.

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
