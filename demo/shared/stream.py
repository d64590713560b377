"""Whether a visitor's photographs are still what his model's threshold promised for."""

from __future__ import annotations

from collections.abc import Sequence

from ddad.score.drift import Drift
from demo.store.records import Item


def said(items: Sequence[Item]) -> str:
    """What running tests find in the scored items, in their order; empty for nothing.

    Of the model that scored last. A decision says whether a photograph is of a good part;
    photographs of another part are no part of the stream.
    """
    scored = [item for item in items if item.result]
    if not scored or (last := scored[-1].result) is None:
        return ""
    known = last.normal_scores, last.normal_levels, last.parts
    drift = Drift(*known, last.threshold, last.promise, last.cross_fitted)
    for item in scored:
        result = item.result
        if result is None or result.fingerprint != last.fingerprint:
            continue
        if result.withheld != "strange" and result.threshold == last.threshold:
            good = {"good": True, "defective": False}.get(item.decision)
            drift.add(result.level if result.normal_levels else None, result.score, good)
    return drift.said()
