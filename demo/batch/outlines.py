"""Outlines in COCO's JSON: the mask of each of its images, and which of the session's that is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ddad.data.truth import Imported, Target, read_coco
from demo.batch.whose import Answer, Whose, single
from demo.shared.coco import images_in
from demo.shared.own import Origin


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
    images = list(images_in(path))
    given = single([_whose(image, name, whose) for name, image in images])
    answers = {name: answer for (name, _), answer in zip(images, given, strict=True)}
    sizes = {item.id: (item.height, item.width) for item in whose.items}
    targets = []
    for name, image in images:
        answer = answers[name]
        meant = [answer.item] if answer.item else list(answer.candidates)
        height, width = image.get("height"), image.get("width")
        if isinstance(height, int) and isinstance(width, int):
            targets.append(Target(name, height, width))
        elif meant:
            targets.append(Target(name, *sizes[meant[0]]))
    found, said = read_coco(path, targets)
    return [Outlined(targets[i].name, m, answers[targets[i].name]) for i, m in found.items()], said


def _whose(image: dict[str, Any], name: str, whose: Whose) -> Answer:
    if isinstance(image.get("name"), str) and isinstance(image.get("sha256"), str):
        return whose.said(Origin(image["name"], image["sha256"]))
    called = image.get("name")
    return whose.called(called if isinstance(called, str) else "", name)
