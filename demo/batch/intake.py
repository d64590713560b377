"""Files that a visitor drops, as images with their masks: archives unpacked, layouts understood.

A mask belongs to the image `<stem>` beside its `<stem>_mask`, or, in MVTec's layout, to
`test/<defect>/<stem>` where it is `ground_truth/<defect>/<stem>_mask`. Images in `test/good` are
good; where there is a `test`, what lies in `train` is left out. Masks that come alone, and COCO
files, are for images that the session has already or that came along.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ddad.data.archive import extract
from ddad.data.truth import MaskError
from ddad.images.decode import ImageError, load_image, load_mask
from ddad.images.files import IMAGE_SUFFIXES, shown
from demo.shared import exchange
from demo.store.session import Session

_TEST = re.compile(r"(?:^|/)test/([^/]+)/")
_TRUTH = re.compile(r"(^|.*/)ground_truth/")


@dataclass(frozen=True)
class Incoming:
    """One image to come, or masks without one, or one file that cannot be used and why."""

    name: str
    """As the visitor knows it: text, never to be opened."""
    path: Path | None
    mask: Path | None = None
    """Its mask; without a path, a mask or a COCO file for images that are there."""
    good: bool = False
    """Whether the layout says that it shows no defect."""
    problem: str = ""


def gather(paths: Sequence[Path], into: Path) -> list[Incoming]:
    """What is in the files, archives unpacked under `into`; masks without images come last.

    Raises ArchiveError for an archive that is refused as a whole.
    """
    loose: list[tuple[str, Path]] = []
    rows: list[Incoming] = []
    for number, path in enumerate(paths):
        if path.suffix.lower() != ".zip":
            loose.append((path.name, path))
            continue
        unpacked = extract(path, into / str(number), suffixes=IMAGE_SUFFIXES | {".json"})
        rows += [Incoming(f.name, None, problem=f.problem) for f in unpacked if f.path is None]
        rows += _paired([(f.name, f.path) for f in unpacked if f.path is not None])
    return sorted(
        _paired(loose) + rows, key=lambda each: each.path is None and each.mask is not None
    )


def defect(name: str) -> str | None:
    """The defect type that a path in MVTec's layout names, "good" for none; else None."""
    found = _TEST.search(name)
    return found[1] if found else None


def keep(session: Session, incoming: Incoming, *, drafts_at: float | None = None) -> None:
    """Keep an image, or its error, in the session, and its mask.

    The mask is the truth, or with `drafts_at`, a threshold, a draft to correct. Raises StoreError
    where the session is full.
    """
    name, path, drafts = incoming.name, incoming.path or incoming.mask, drafts_at is not None
    if path is None:
        session.fail(name, incoming.problem)
        return
    try:
        if incoming.path is None:
            exchange.bring_masks(session, path, name, as_truth=not drafts)
            return
        loaded = load_image(path)
    except (ImageError, MaskError) as error:
        session.fail(name, _about(error, path, name))
        return
    note, mask = loaded.note, None
    if incoming.mask is not None:
        try:
            mask = _mask(incoming.mask, loaded.pixels.shape[:2])
        except ImageError as error:
            trouble = _about(error, incoming.mask, "its mask")
            note = f"{note}; {trouble}" if note else trouble
    elif incoming.good:
        mask = np.zeros(loaded.pixels.shape[:2], bool)
    item = session.add(name, loaded.pixels, note)
    if mask is not None and drafts_at is None:
        session.set_truth(item.id, mask)
    elif mask is not None and drafts_at is not None and mask.any():
        session.review(item.id, mask=mask, threshold=drafts_at, decision="undecided")


def _paired(files: Sequence[tuple[str, Path]]) -> list[Incoming]:
    """Images of one source with their masks, in its order."""
    tested = any(defect(name) for name, _ in files)
    stems = {_stem(name) for name, path in files if path.suffix.lower() != ".json"}
    masks: dict[str, Path] = {}
    images, rows = [], []
    for name, path in files:
        owner = _owner(name)
        if owner in stems:
            masks.setdefault(owner, path)
        elif owner is not None and _TRUTH.match(name):
            rows.append(Incoming(name, None, problem="no image belongs to this mask"))
        elif owner is not None or path.suffix.lower() == ".json":
            rows.append(Incoming(name, None, path))
        elif not tested or "train" not in PurePosixPath(name).parts[:-1]:
            images.append((name, path))
    for name, path in images:
        rows.append(Incoming(name, path, masks.get(_stem(name)), defect(name) == "good"))
    return rows


def _owner(name: str) -> str | None:
    """The image that a mask of this name belongs to, without its suffix; None for no mask."""
    stem = _stem(name)
    if _TRUTH.match(name):
        return _TRUTH.sub(r"\1test/", stem).removesuffix("_mask")
    return stem.removesuffix("_mask") if stem.endswith("_mask") else None


def _stem(name: str) -> str:
    return PurePosixPath(name).with_suffix("").as_posix()


def _mask(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    mask = load_mask(path)
    if mask.shape != shape:
        found, wanted = "{1} x {0}".format(*mask.shape), "{1} x {0}".format(*shape)
        raise ImageError(f"{shown(path)} is of {found} pixels, the image of {wanted}: left out")
    return mask


def _about(error: Exception, path: Path, name: str) -> str:
    """An error's sentence about a file on the server, under the name that the visitor knows."""
    text, full = str(error), shown(path)
    return text.replace(full, name) if full in text else text.replace(path.name, name)
