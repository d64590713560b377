"""What the Train tab does with the library: a look over photographs, a ZIP, a false alarm.

Everything that brings torch is imported when it is needed.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ddad.images.files import write_json, write_png
from demo.store.store import Store
from demo.train.bench import Bench, WorkshopError


def false_alarm(bench: Bench, name: str, paths: list[Path]) -> str:
    """Good parts that a model of the visitor's called defective join its normals; what changed.

    The images also join the photographs of the bench, for the next training. Raises WorkshopError
    for a model that is not his, ImageError for a file that is no image.
    """
    from ddad.model.detector import Detector
    from ddad.training.feedback import add_normals

    folder = bench.model(name)
    detector = Detector.load(folder)
    detector, change = add_normals(detector, paths)
    if change.added:
        detector.save(folder)
        bench.add(paths)
    return str(change)


def desk_alarm(
    bench: Bench, name: str, store: Store, session_id: str | None, item_id: str | None
) -> str:
    """The image on the desk joins the normals of a model of the visitor's; what changed.

    Raises WorkshopError without an image, and for one that he decided is defective: its mask must
    never become part of what is normal.
    """
    session = store.open(session_id)
    if item_id is None:
        raise WorkshopError("there is no image on the desk")
    if session.item(item_id).decision in ("accepted", "corrected"):
        raise WorkshopError("you decided that this part is defective: it cannot be a false alarm")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{item_id}.png"
        write_png(session.pixels(item_id), file)
        return false_alarm(bench, name, [file])


def look_over(bench: Bench, fpr: float, on_progress: Callable[[int, int], None]) -> dict[str, Any]:
    """What `ddad check` finds; kept beside the photographs, so that only new ones cost time."""
    from ddad.data import photographs as check
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.calibration import vouches

    photos = bench.photos()
    file = bench.folder / "intake.json"
    with suppress(OSError, ValueError, KeyError):
        kept = json.loads(file.read_text())
        if set(kept["of"]) >= {p.name for p in photos} and kept["left"] == len(photos):
            return dict(kept)
    intake = check.look_over(photos, Extractor.load(BUNDLED), on_progress=on_progress)
    rows = [
        asdict(finding)
        | {"file": finding.path.name, "like": finding.like.name if finding.like else ""}
        for finding in intake.findings
    ]
    for row in rows:
        del row["path"]
    found = {
        "of": [p.name for p in photos],
        "left": len(photos),
        "findings": rows,
        "enough": vouches(len(intake.kept), fpr),
    }
    write_json(found, file)
    return found


def planned_time(bench: Bench, branch: str, minutes: float = 15.0) -> str:
    """How long a training would take, and what it needs."""
    from ddad.training.plan import planned_seconds

    count = len(bench.names())
    seconds = planned_seconds(branch, count, float(minutes))
    return (
        f"<p class='kept'>{count} photographs: about <strong>{max(1, round(seconds / 60))} min"
        "</strong> on two cores when its turn has come. It goes on when you close this page.</p>"
    )


def packed(bench: Bench, name: str) -> Path:
    """The model's ZIP, made anew where the model is younger."""
    from ddad.model.package import checkpoint_zip

    folder = bench.path(name)
    to = bench.folder / "zips" / f"{name}.zip"
    newest = max(f.stat().st_mtime for f in folder.glob("*.json"))
    if not to.exists() or to.stat().st_mtime < newest:
        to.parent.mkdir(exist_ok=True)
        checkpoint_zip(folder, to)
    return to
