"""What the Train tab does with the library: a look over photographs, a ZIP, a false alarm.

Everything that brings torch is imported when it is needed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddad.data.kinds import UnclearError, by_folder, good_parts
from ddad.data.words import Place, folder_of
from ddad.images.files import write_png
from demo.limits import LIMITS
from demo.shared.intake import Source, gather
from demo.shared.pictures import data_url, encoded, reduced
from demo.store.photographs import Photographs
from demo.store.session import Session
from demo.store.store import StoreError

if TYPE_CHECKING:
    from ddad.data.photographs import Intake
    from ddad.diffusion.extractor import Extractor

MAP_SIDE = 180
"""Longer side of the map of a photograph that is far out, pixels."""


@dataclass(frozen=True)
class Taken:
    """Sentences on what was refused, and on what was left out or is asked."""

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def take_in(photographs: Photographs, paths: list[Path]) -> Taken:
    """Keep the photographs of good parts in the files and ZIPs; the rest is left out and said.

    Where it is unclear which are good none is kept: they lie aside until `Photographs.answer`.
    Raises ArchiveError for a ZIP that is refused as a whole, StoreError where there is no room for
    all: what came before is kept.
    """
    said, limits = Taken(), photographs.limits
    with tempfile.TemporaryDirectory(prefix="ddad-intake-") as into:
        bounds = {"entries": limits.photographs, "total": limits.photograph_bytes}
        for source in gather(paths, Path(into), **bounds):
            said.problems.extend(f"{file.name}: {file.problem}" for file in source.problems)
            strange = [name for name, _ in source.texts]
            said.problems.extend(f"{name} is neither an image nor a ZIP" for name in strange)
            _take_source(photographs, source, said)
    return said


def _take_source(photographs: Photographs, source: Source, said: Taken) -> None:
    masks = [place for place in source.layout.places if place.role == "mask"]
    twins = {index for index, _ in source.twins}
    masks += [place for place in source.layout.photographs if place.index in twins]
    left: list[tuple[str, list[Place]]] = [("masks", masks)]
    left.append(("no photographs by their folders", list(source.layout.aside)))
    good: Sequence[Place] = ()
    try:
        if source.own.pictures or source.twins:
            raise UnclearError("some of the images have masks, and no folder says which are good")
        if source.layout.photographs:
            good, rest = good_parts(source.layout)
            left.append(("not to train on", rest))
    except UnclearError as error:
        said.notes.append(f"{error}: say below which are good parts")
        _ask(photographs, source)
    for place in good:
        photographs.add(source.paths[place.index], _last(source.names[place.index]))
    for what, places in left:
        if places:
            said.notes.append(f"left out, {what}: {by_folder(places)}")
    if source.own.masks:
        said.notes.append(f"left out, masks: {len(source.own.masks)} of an export of this page")


def _ask(photographs: Photographs, source: Source) -> None:
    """All photographs of a source lie aside, under the words for their folders."""
    matches = source.layout.matches
    marked = {m.image for m in matches} | {c for m in matches for c in m.candidates}
    marked |= {image for _, image in source.twins}
    for place in source.photographs:
        where = _where(source, folder_of(place))
        where = f"{where}, with masks" if place.index in marked else where
        photographs.add(source.paths[place.index], _last(source.names[place.index]), where)
    for name, path, origin in source.own.pictures:
        photographs.add(path, _last(origin.name), _where(source, name.rpartition("/")[0]))


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _where(source: Source, folder: str) -> str:
    """The words by which a folder is asked about."""
    called = source.called or "dropped by themselves"
    return f"{called}: {folder}" if folder else called


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
    from ddad.score.promise import before

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
        "enough": ". ".join([*intake.notes, before(len(intake.kept), fpr)]),
    }
    photographs.keep_findings(found)
    return found


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


def planned_time(photographs: Photographs, branch: str, minutes: float = 15.0) -> str:
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
