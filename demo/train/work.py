"""What the Train tab does with the library: a look over photographs, a ZIP, a false alarm.

Everything that brings torch is imported when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad.images.files import write_png
from demo.front.turns import share
from demo.limits import LIMITS
from demo.shared.passing import passing
from demo.shared.pictures import data_url, encoded, reduced
from demo.store.photographs import Photographs
from demo.store.session import Session
from demo.store.store import StoreError

if TYPE_CHECKING:
    from ddad.data.photographs import Intake
    from ddad.diffusion.extractor import Extractor

MAP_SIDE = 180
"""Longer side of the map of a photograph that is far out, pixels."""


def false_alarm(session: Session, name: str, paths: list[Path]) -> str:
    """Good parts that a model of the visitor's called defective join its normals; what changed.

    The images also join the photographs, for the next training. Raises StoreError for a model that
    is not his, ImageError for a file that is no image.
    """
    from ddad.model.detector import Detector
    from ddad.training.feedback import add_normals

    folder = session.trained.model(name)
    detector = Detector.load(folder)
    detector, change = add_normals(detector, paths, share)
    if change.added:
        detector.save(folder)
        session.trained.measure(name)
        for path in paths:
            session.photographs.add(path, path.name)
    return str(change)


def desk_alarm(session: Session, name: str, item_id: str | None) -> str:
    """The image on the desk joins the normals of a model of the visitor's; what changed.

    Raises StoreError without an image, and for one that he decided is defective: its mask must
    never become part of what is normal.
    """
    if item_id is None:
        raise StoreError("there is no image on the desk")
    if session.item(item_id).decision == "defective":
        raise StoreError("you decided that this part is defective: it cannot be a false alarm")
    with passing() as folder:
        file = folder / f"{item_id}.png"
        write_png(session.pixels(item_id), file)
        return false_alarm(session, name, [file])


def look_over(
    photographs: Photographs, fpr: float, on_progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """What `ddad check` finds; kept beside the photographs, so that only new ones cost time."""
    from ddad.data import photographs as check
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED

    files = photographs.files()
    kept = photographs.findings()
    if kept.get("left") == len(files) and set(kept["of"]) >= {p.name for p in files}:
        return kept
    extractor = Extractor.load(BUNDLED)
    intake = check.look_over(
        files, extractor, on_progress=lambda done, total: on_progress(done, 2 * total)
    )
    rows = [
        asdict(finding)
        | {"file": finding.path.name, "like": finding.like.name if finding.like else ""}
        for finding in intake.findings
    ]
    for row in rows:
        del row["path"]
    rows = _far_out(intake, extractor, on_progress) + rows
    found = {
        "of": [p.name for p in files],
        "left": len(files),
        "findings": rows,
        "enough": " ".join(map(_sentence, [*intake.notes, *_counted(photographs, intake, fpr)])),
    }
    photographs.keep_findings(found)
    return found


def _sentence(note: str) -> str:
    return f"{note[:1].upper()}{note[1:]}."


def _counted(photographs: Photographs, intake: Intake, fpr: float) -> list[str]:
    """As how many parts the photographs count, and what so many can promise."""
    from ddad.data.datasets import Sample
    from ddad.data.parts import with_bursts
    from ddad.score.promise import before
    from ddad.training.plan import quick

    told = photographs.parts()
    samples = [
        Sample(
            *(path, "", "good", None, told.get(path.name, path.name)),
            told="brought" if path.name in told else "",
        )
        for path in intake.readable
    ]
    parts = with_bursts(samples, intake.firsts)
    return [*parts.notes, before(quick().calibrating(parts.samples), fpr)]


def _far_out(
    intake: Intake, extractor: Extractor, on_progress: Callable[[int, int], None]
) -> list[dict[str, Any]]:
    """Findings of the photographs that a model of the others finds far out, with their maps."""
    from ddad.training.outliers import far_out
    from ddad.training.photographs import Photographs as Decoded

    def report(done: int, total: int) -> None:
        on_progress(total + done, 2 * total)

    images = Decoded(intake.kept, intake.levels)
    return [
        {
            "kind": "far out",
            "why": each.why,
            "like": "",
            "file": intake.kept[each.index].name,
            "map": data_url(encoded(reduced(each.picture, MAP_SIDE), "JPEG", quality=80), "jpeg"),
        }
        for each in far_out(images, extractor, on_progress=report)[: LIMITS.findings]
    ]


def planned_time(photographs: Photographs, branch: str, minutes: float = 2.0) -> str:
    """How long a training would take, and what it needs."""
    from ddad.training.plan import planned_seconds

    count = len(photographs.names())
    seconds = planned_seconds(branch, count, float(minutes))
    noun = "photograph" if count == 1 else "photographs"
    return (
        f"<p class='kept'>{count} {noun}: about <strong>{max(1, round(seconds / 60))} min"
        "</strong> on two cores when its turn has come. It goes on when you close this page.</p>"
    )


def packed(session: Session, name: str) -> Path:
    """The model's ZIP, made anew where the model is younger."""
    from ddad.model.package import checkpoint_zip

    folder, to = session.trained.path(name), session.trained.zip_path(name)
    newest = max(f.stat().st_mtime for f in folder.glob("*.json"))
    if not to.exists() or to.stat().st_mtime < newest:
        to.parent.mkdir(exist_ok=True)
        checkpoint_zip(folder, to)
        session.trained.measure(name)
    return to
