"""Data sets: which images are normal, which are defective, and which belong together.

Reads the layout of MVTec AD (train/good, test/*, ground_truth/*/<stem>_mask.png) or a plain
folder of normal images. Decodes nothing.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ddad.images.files import pictures_in


class DatasetError(ValueError):
    """A folder that is no usable data set; the message says what was expected."""


@dataclass(frozen=True)
class Sample:
    """One image. `group` names what it shares with others: a tile, an item, a series."""

    path: Path
    split: Literal["train", "test"]
    defect: str
    mask_path: Path | None
    group: str

    @property
    def anomalous(self) -> bool:
        return self.defect != "good"


def read(root: str | Path) -> list[Sample]:
    """All images of an MVTec-shaped category, or of a folder of normal images; sorted by path.

    A `split.csv` with a column `tile`, `item` or `group` beside `path` names the groups.
    Raises DatasetError for a folder that is missing or empty, and for defects without a mask.
    """
    root = Path(root)
    if not root.is_dir():
        raise DatasetError(f"no folder at {root}")
    groups = _groups(root / "split.csv")
    if (root / "train").is_dir() or (root / "test").is_dir():
        samples = _read_category(root, groups)
    else:
        samples = [_sample(f, root, "train", "good", None, groups) for f in _photographs(root)]
    if not any(s.split == "train" for s in samples) and not any(s.split == "test" for s in samples):
        raise DatasetError(
            f"no images in {root}: expected normal images, or train/good and test/<defect> folders"
        )
    return samples


def hold_out(
    samples: Sequence[Sample], fraction: float, seed: int
) -> tuple[list[Sample], list[Sample]]:
    """Split into a training and a held-out part by whole groups; about `fraction` is held out.

    Depends on names and seed alone. Raises DatasetError where a part would be empty.
    """
    if not 0 < fraction < 1:
        raise DatasetError(f"the held-out share must lie between 0 and 1, not {fraction}")
    members: dict[str, list[Sample]] = {}
    for sample in sorted(samples, key=lambda s: s.path.as_posix()):
        members.setdefault(sample.group, []).append(sample)
    if len(members) < 2:
        raise DatasetError(
            f"{len(samples)} normal images in {len(members)} group(s): holding some out for "
            "calibration needs at least 2 groups"
        )
    names = sorted(members)
    random.Random(f"hold-out {seed}").shuffle(names)
    wanted = max(1, round(fraction * len(samples)))
    held: list[Sample] = []
    while len(held) < wanted and len(names) > 1:
        held += members[names.pop()]
    kept = [sample for name in names for sample in members[name]]
    return sorted(kept, key=_by_path), sorted(held, key=_by_path)


def summary(samples: Sequence[Sample]) -> str:
    """One line on what a data set holds."""
    normal = sum(s.split == "train" for s in samples)
    parts = [f"{normal} normal images to train on"] if normal else []
    tests = Counter(s.defect for s in samples if s.split == "test")
    good = tests.pop("good", 0)
    if good or tests:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(tests.items()))
        parts.append(f"{good} good and {tests.total()} defective to test ({kinds or 'none'})")
    return "; ".join(parts) or "no images"


def _by_path(sample: Sample) -> str:
    return sample.path.as_posix()


def _read_category(root: Path, groups: dict[str, str]) -> list[Sample]:
    normals = root / "train" / "good"
    if not normals.is_dir() and not (root / "test").is_dir():
        raise DatasetError(f"{root} has no train/good folder with normal images")
    samples = [_sample(f, root, "train", "good", None, groups) for f in pictures_in(normals)]
    missing = []
    for folder in sorted(p for p in root.glob("test/*") if p.is_dir() and p.name[0] != "."):
        truth = root / "ground_truth" / folder.name
        masks = {f.relative_to(truth).with_suffix("").as_posix(): f for f in pictures_in(truth)}
        for file in pictures_in(folder):
            mask = None
            if folder.name != "good":
                name = file.relative_to(folder).with_suffix("").as_posix()
                mask = masks.get(f"{name}_mask") or masks.get(name)
                if mask is None:
                    missing.append(file.relative_to(root).as_posix())
            samples.append(_sample(file, root, "test", folder.name, mask, groups))
    if missing:
        listed = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        raise DatasetError(
            f"{len(missing)} defective images in {root} have no mask "
            f"ground_truth/<defect>/<stem>_mask.png: {listed}"
        )
    return samples


def _sample(
    file: Path,
    root: Path,
    split: Literal["train", "test"],
    defect: str,
    mask: Path | None,
    groups: dict[str, str],
) -> Sample:
    name = file.relative_to(root).as_posix()
    return Sample(file, split, defect, mask, groups.get(name) or name)


def _photographs(root: Path) -> list[Path]:
    """The images of a plain folder without the masks that an export may have put beside them."""
    images = pictures_in(root)
    stems = {f.with_suffix("") for f in images}
    return [
        f
        for f in images
        if "ground_truth" not in f.relative_to(root).parts[:-1]
        and not (f.stem.endswith("_mask") and f.with_name(f.stem.removesuffix("_mask")) in stems)
    ]


def _groups(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # Excel begins it with a mark
            rows = list(csv.DictReader(file))
    except (csv.Error, UnicodeDecodeError) as error:
        raise DatasetError(f"{path} is not a CSV file in UTF-8: {error}") from error
    column = next((c for c in ("tile", "item", "group") if rows and c in rows[0]), None)
    if column is None:
        return {}
    return {row["path"]: row[column] for row in rows if row.get("path") and row.get(column)}
