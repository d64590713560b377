"""What the Train tab does with the library: a look over photographs, a ZIP, a false alarm.

Everything that brings torch is imported when it is needed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ddad.images.files import IMAGE_SUFFIXES, write_png
from demo.shared.intake import dropped
from demo.store.photographs import Photographs
from demo.store.session import Session
from demo.store.store import StoreError


def take_in(photographs: Photographs, paths: list[Path]) -> list[str]:
    """Keep images and the images inside ZIPs; returns a sentence for each that was refused.

    Raises ArchiveError for a ZIP that is refused as a whole, StoreError where there is no room for
    all: what came before is kept.
    """
    problems, limits = [], photographs.limits
    with tempfile.TemporaryDirectory(prefix="ddad-intake-") as into:
        for file in dropped(
            paths, Path(into), entries=limits.photographs, total=limits.photograph_bytes
        ):
            if file.path is None:
                problems.append(file.problem)
            elif file.path.suffix.lower() in IMAGE_SUFFIXES:
                photographs.add(file.path, file.name.rsplit("/", 1)[-1])
            else:
                problems.append(f"{file.name} is neither an image nor a ZIP")
    return problems


def false_alarm(session: Session, name: str, paths: list[Path]) -> str:
    """Good parts that a model of the visitor's called defective join its normals; what changed.

    The images also join the photographs, for the next training. Raises StoreError for a model that
    is not his, ImageError for a file that is no image.
    """
    from ddad.model.detector import Detector
    from ddad.training.feedback import add_normals

    folder = session.trained.model(name)
    detector = Detector.load(folder)
    detector, change = add_normals(detector, paths)
    if change.added:
        detector.save(folder)
        session.trained.measure(name)
        take_in(session.photographs, paths)
    return str(change)


def desk_alarm(session: Session, name: str, item_id: str | None) -> str:
    """The image on the desk joins the normals of a model of the visitor's; what changed.

    Raises StoreError without an image, and for one that he decided is defective: its mask must
    never become part of what is normal.
    """
    if item_id is None:
        raise StoreError("there is no image on the desk")
    if session.item(item_id).decision in ("accepted", "corrected"):
        raise StoreError("you decided that this part is defective: it cannot be a false alarm")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{item_id}.png"
        write_png(session.pixels(item_id), file)
        return false_alarm(session, name, [file])


def look_over(
    photographs: Photographs, fpr: float, on_progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """What `ddad check` finds; kept beside the photographs, so that only new ones cost time."""
    from ddad.data import photographs as check
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.calibration import vouches

    files = photographs.files()
    kept = photographs.findings()
    if kept.get("left") == len(files) and set(kept["of"]) >= {p.name for p in files}:
        return kept
    intake = check.look_over(files, Extractor.load(BUNDLED), on_progress=on_progress)
    rows = [
        asdict(finding)
        | {"file": finding.path.name, "like": finding.like.name if finding.like else ""}
        for finding in intake.findings
    ]
    for row in rows:
        del row["path"]
    found = {
        "of": [p.name for p in files],
        "left": len(files),
        "findings": rows,
        "enough": ". ".join([*intake.notes, vouches(len(intake.kept), fpr)]),
    }
    photographs.keep_findings(found)
    return found


def planned_time(photographs: Photographs, branch: str, minutes: float = 15.0) -> str:
    """How long a training would take, and what it needs."""
    from ddad.training.plan import planned_seconds

    count = len(photographs.names())
    seconds = planned_seconds(branch, count, float(minutes))
    return (
        f"<p class='kept'>{count} photographs: about <strong>{max(1, round(seconds / 60))} min"
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
