"""Learn from false alarms: a good part that was called defective joins the normals.

It moves the threshold at once, not the model: its score joins those that the threshold is a
quantile of. Adding false alarms alone makes the threshold err on the high side: fewer false alarms
than promised, and fewer defects found. So when they pile up, a retrain on all normals is suggested.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ddad.data import datasets
from ddad.data.datasets import Sample
from ddad.data.parts import find_parts
from ddad.images.decode import load_image
from ddad.images.files import file_digest, write_whole
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.score.calibration import Calibration, widened
from ddad.score.levels import quiet_part, strange_limit

FEWEST, SHARE = 3, 0.05
"""A retrain is suggested from so many added false alarms on, or this share of the normals trained
on if that is more: what the model keeps getting wrong is not a matter of the threshold."""


@dataclass(frozen=True)
class Change:
    """What adding normals did."""

    added: int
    known: int
    """Given, but trained on or added before: left alone."""
    before: float
    after: float
    """The threshold."""
    retrain: bool

    def __str__(self) -> str:
        text = f"{self.added} normals added: threshold {self.before:.4f} -> {self.after:.4f}"
        if self.known:
            text += f"; {self.known} known already"
        if self.retrain:
            text += "; so many false alarms are better learned than tolerated: train again"
        return text


def add_normals(
    detector: Detector, paths: Sequence[Path], on_image: Callable[[], None] = lambda: None
) -> tuple[Detector, Change]:
    """The model with its calibration widened by the scores of good parts that it has not seen.

    Takes a forward pass for each image, and says so before it. Raises ImageError for a file that
    cannot be read and CheckpointError for an uncalibrated model.
    """
    before = detector.calibration
    added = [dict(row) for row in detector.training.get("added_normals", ())]
    known = {row["digest"] for row in added} | set(detector.training.get("trained_on", ()))
    reference = detector.training.get("trained_threshold", before.threshold)
    details = [detector.with_looks(count) for count in range(len(detector.config.looks) + 1)]
    fresh: dict[str, list[Detection]] = {}
    files: list[Path] = []
    for path in paths:
        digest = file_digest(path)
        if digest not in known and digest not in fresh:
            on_image()
            pixels = load_image(path, levels=detector.levels).pixels
            (raw,) = detector.maps([pixels])
            fresh[digest] = [one.judge(raw, pixels.shape) for one in details]
            files.append(path)
    if fresh:
        parts = _parts(files, detector)
        added += [{"digest": digest, "score": found[-1].score} for digest, found in fresh.items()]
        record = {"added_normals": added, "trained_threshold": reference}
        detector = replace(detector, training=detector.training | record)
        wider = [
            _wider(one.calibration, found, parts)
            for one, found in zip(details, zip(*fresh.values(), strict=True), strict=True)
        ]
        detector = replace(detector, fitted=wider[-1], coarser=tuple(wider[:-1]))
    alarms = sum(row["score"] > reference for row in added)
    return detector, Change(
        len(fresh),
        len(paths) - len(fresh),
        before.threshold,
        detector.calibration.threshold,
        alarms >= max(FEWEST, SHARE * len(detector.training.get("trained_on", ()))),
    )


def _wider(fitted: Calibration, found: Sequence[Detection], parts: Sequence[str]) -> Calibration:
    """A calibration with these normals besides."""
    limits = [fitted.strange or 0, strange_limit([quiet_part(it.score_map) for it in found])]
    scores, levels = [it.score for it in found], [it.level for it in found]
    return widened(replace(fitted, strange=max(limits)), scores, levels, parts)


def _parts(paths: Sequence[Path], detector: Detector) -> list[str]:
    """The part that each photograph shows: near-identical shots show one."""
    samples = [Sample(path, "", "good", None, path.as_posix()) for path in paths]
    return [sample.group for sample in find_parts(samples, detector.levels).samples]


def keep_for_training(paths: Sequence[Path], root: Path) -> int:
    """Copy good parts among the normals of a data set, for its next training; returns how many.

    Equal files are not copied again. Raises ValueError, and copies nothing, where an image is one
    of the data set's defective ones: what carries a true mask is no good part.
    """
    samples = datasets.read(root)
    defective = {file_digest(s.path) for s in samples if s.anomalous}
    for path in paths:
        if file_digest(path) in defective:
            raise ValueError(f"{path.name} is among the defective images of {root}: not added")
    normals = [s for s in samples if s.split == "train" and not s.anomalous]
    held = {file_digest(s.path) for s in normals}
    folder = root / "train" / "good"
    folder = folder if folder.is_dir() else root
    fresh = {digest: path for path in paths if (digest := file_digest(path)) not in held}
    for digest, path in fresh.items():
        load_image(path)
        with write_whole(folder / f"added_{digest}{path.suffix.lower()}") as part:
            shutil.copyfile(path, part)
    return len(fresh)
