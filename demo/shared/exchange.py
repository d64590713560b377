"""A session's items on their way out."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from ddad.data.truth import digest
from ddad.export.bundle import write_zip
from ddad.export.formats.form import mask_png
from ddad.export.reviewed import Decision, Reviewed
from ddad.export.tables import table
from ddad.images.names import safe_stem
from ddad.images.regions import find_regions
from ddad.model.detection import FAMILIAR
from demo.front.turns import share
from demo.shared import stream
from demo.store.records import Item, Logged
from demo.store.session import Session


def reviewed(session: Session, item: Item) -> Reviewed:
    """An item with its arrays. Raises StoreError for one that failed or was never looked at."""
    result, review = item.result, item.review
    known: dict[str, Any] = {}
    if result:
        known = {
            "score_map": session.score_map(item.id),
            "model": result.model,
            "fingerprint": result.fingerprint,
            "seed": result.seed,
            "low": result.low,
            "high": result.high,
            "normal_scores": result.normal_scores,
            "target_fpr": result.target_fpr,
            "strangeness": result.strangeness,
        }
    said: dict[str, Any] = {}
    if review:
        said = {
            "labels": review.regions,
            "min_area": review.min_area,
            "edited": review.edited,
            "reviewer": review.reviewer,
            "at": review.at,
        }
    return Reviewed(
        item.name,
        session.pixels(item.id),
        session.final_mask(item.id),
        score=item.score,
        threshold=item.threshold,
        verdict=item.verdict,
        decision=item.decision,
        **known,
        **said,
    )


def export(
    session: Session,
    formats: Collection[str],
    path: Path,
    *,
    items: Sequence[str] | None = None,
    decisions: Collection[Decision] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write a ZIP of a session's items (all, or those ids; of these decisions) and its log.

    Others at the model go first between its files.

    Items that failed or wait for a result are left out; returns how many went in. Raises
    ValueError where none is left, StoreError for an id that is not the session's.
    """
    chosen = [session.item(i) for i in items] if items is not None else session.items()
    chosen = [item for item in chosen if item.result or item.review]
    if decisions is not None:
        chosen = [item for item in chosen if item.decision in decisions]
    if not chosen:
        raise ValueError("there is nothing to export: score images, or choose other decisions")

    def records() -> Iterator[Reviewed]:
        for done, item in enumerate(chosen, 1):
            yield reviewed(session, item)
            on_progress(done, len(chosen))

    log = {"decisions.csv": decision_log(session).encode(errors="backslashreplace")}
    notes = [sentence] if (sentence := stream.said(chosen)) else []
    said = (f"{r.model} {r.sees}." for item in chosen if (r := item.result) and r.sees)
    notes += dict.fromkeys(said)
    names = [item.name for item in chosen]
    more: dict[str, Any] = {
        "extra": log,
        "classes": session.classes(),
        "notes": notes,
        "on_file": share,
    }
    write_zip(records(), formats, path, names=names, **more)
    return len(chosen)


def mask_file(session: Session, item: Item) -> tuple[str, str, bytes]:
    """Name, type and bytes of the final mask: PNG of 0 and 255, original size."""
    whose = {"name": item.name, "sha256": digest(session.pixels(item.id))}
    data = mask_png(session.final_mask(item.id), whose)
    return f"{safe_stem(item.name)}_mask.png", "image/png", data


def scores_file(session: Session, item: Item) -> tuple[str, str, bytes]:
    """Name, type and bytes of the scores: CSV of one row."""
    result, mask = item.result, session.final_mask(item.id)
    assert result is not None
    row = {
        "file": item.name,
        "width": item.width,
        "height": item.height,
        "score": item.score,
        "threshold": item.threshold,
        "verdict": item.verdict,
        "strangeness": result.strangeness,
        "familiar": result.strangeness <= FAMILIAR,
        "area_fraction": float(mask.mean()),
        "regions": len(find_regions(session.score_map(item.id), mask)),
        "decision": item.decision,
        "reviewer": item.review.reviewer if item.review else "",
        **{f"mean_{scale.name}": scale.mean for scale in result.scales},
        "model": result.model,
        "seed": result.seed,
    }
    return f"{safe_stem(item.name)}_scores.csv", "text/csv", table([row], row).encode()


def decision_log(session: Session) -> str:
    """The decision log as CSV, one line a decision, oldest first."""
    columns = [field.name for field in fields(Logged)]
    rows = [asdict(line) | {"labels": "; ".join(line.labels)} for line in session.log()]
    return table(rows, columns)
