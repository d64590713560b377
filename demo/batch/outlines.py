"""Outlines in COCO's JSON: the mask of each of its images, and which of the session's that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddad.data.coco import read_coco
from ddad.data.truth import Imported, Target
from demo.batch.whose import Answer, Whose, single
from demo.shared.coco import images_in
from demo.shared.own import Origin

MOST = 200
"""Images of one file that are asked about: each has a mask of its own until then."""


@dataclass(frozen=True)
class Outlined:
    """An image of the file, its mask, and whose it is."""

    name: str
    found: Imported
    answer: Answer


def outlined(path: Path, whose: Whose) -> tuple[list[Outlined], list[str]]:
    """The masks of a COCO file, and sentences on what of it was left out.

    Raises MaskError, one sentence, where the file is not COCO's.
    """
    images = [(_name(image, name), name, image) for name, image in images_in(path)]
    answers = single([_whose(image, name, whose) for _, name, image in images])
    sizes = {item.id: (item.height, item.width) for item in whose.items}
    targets, owners, unsure = [], [], 0
    for (called, name, image), answer in zip(images, answers, strict=True):
        meant = [answer.item] if answer.item else list(answer.candidates)
        unsure += answer.item is None and bool(meant)
        if meant and (answer.item or unsure <= MOST):
            said_size = image.get("height"), image.get("width")
            alike = (size for size in sizes.values() if size == said_size)
            height, width = next(alike, sizes[meant[0]])
            targets.append(Target(called, height, width, str(image.get("sha256") or "")))
            owners.append((name, answer))
    found, said = read_coco(path, targets)
    return [Outlined(owners[i][0], mask, owners[i][1]) for i, mask in found.items()], said


def _name(image: dict[str, Any], name: str) -> str:
    """What `read_coco` looks for first."""
    own = image.get("name")
    return own if isinstance(own, str) and own else name


def _whose(image: dict[str, Any], name: str, whose: Whose) -> Answer:
    if isinstance(image.get("name"), str) and isinstance(image.get("sha256"), str):
        return whose.said(Origin(image["name"], image["sha256"]))
    called = image.get("name")
    return whose.called(called if isinstance(called, str) else "", name)
