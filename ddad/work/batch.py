"""Score, restore or evaluate: images in, CSV rows and PNG files out, an image a core at a time.

A file that cannot be read becomes a row with its error and stops nothing. Every picture is
written under a temporary name and renamed; the table grows in `*.partial` and is renamed last.
"""

from __future__ import annotations

import csv
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ddad.data.datasets import Sample
from ddad.export.render import difference, overlay
from ddad.images.decode import ImageError, load_image, load_mask
from ddad.images.files import IMAGE_SUFFIXES, write_animation, write_png
from ddad.images.regions import escape_cell
from ddad.measure.metrics import Evaluation
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.model.runtime import side_by_side
from ddad.score.restoration import RestorationStep, RestoreConfig

Report = Callable[[str, int, int], None]
"""Called after each image with its name, the number done and the total."""


LARGE = 4_000_000
"""Pixels beyond which images are scored one at a time, for memory's sake."""
_large = threading.Lock()


def plan_outputs(
    paths: Sequence[Path], out: Path | None = None
) -> list[tuple[Path, PurePosixPath]]:
    """The images under files and folders, each with a relative output path without suffix.

    Folder structure is kept. What lies under `out`, results of a run before, is passed over. Where
    two would share an output (letter case aside) the later ones keep their suffix in the name, or
    are numbered. Raises ValueError for a path that is missing or a folder without images.
    """
    found: list[tuple[Path, PurePosixPath]] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(
                f
                for f in path.rglob("*")
                if f.suffix.lower() in IMAGE_SUFFIXES
                and f.is_file()
                and not _hidden(f, path)
                and not (out and f.resolve().is_relative_to(out.resolve()))
            )
            if not inside:
                raise ValueError(f"no images in the folder {path}")
            prefix = PurePosixPath(path.resolve().name if len(paths) > 1 else "")
            found += [(f, prefix / f.relative_to(path).as_posix()) for f in inside]
        elif path.exists():
            found.append((path, PurePosixPath(path.name)))
        else:
            raise ValueError(f"no such file or folder: {path}")
    taken: set[str] = set()
    planned = []
    for file, relative in found:
        name, number = relative.with_suffix(""), 1
        while str(name).lower() in taken:
            number += 1
            name = relative if number == 2 else relative.with_name(f"{relative.name}_{number}")
        taken.add(str(name).lower())
        planned.append((file, name))
    return planned


def _hidden(file: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in file.relative_to(root).parts)


def score_files(
    detector: Detector,
    planned: Sequence[tuple[Path, PurePosixPath]],
    out: Path,
    *,
    max_pixels: int,
    report: Report = lambda name, done, total: None,
) -> list[str]:
    """Write scores.csv, maps/, masks/ and overlays/ under `out`; returns the errors, one a file.

    maps/*.png are 16-bit: value = map_min + (map_max - map_min) * pixel / 65535, with both ends
    in the table.
    """
    errors = []
    with _table(out / "scores.csv", columns(detector)) as write:

        def one(plan: tuple[Path, PurePosixPath]) -> dict[str, Any]:
            return score_file(detector, *plan, out=out, max_pixels=max_pixels)

        rows = side_by_side(one, planned)
        for done, ((file, _), row) in enumerate(zip(planned, rows, strict=True), 1):
            if "error" in row:
                errors.append(row["error"])
            write(row)
            report(file.name, done, len(planned))
    return errors


def columns(detector: Detector) -> list[str]:
    """The columns of scores.csv."""
    scales = [f"{branch}_t{t}" for branch, steps in detector.timesteps.items() for t in steps]
    return [
        *("file", "width", "height", "score", "threshold", "anomalous", "area_fraction"),
        *(f"mean_{scale}" for scale in scales),
        *("map_min", "map_max", "model", "seed", "seconds", "note", "error"),
    ]


def score_file(
    detector: Detector, file: Path, name: PurePosixPath, out: Path | None, *, max_pixels: int
) -> dict[str, Any]:
    """The row of one file, its pictures written under `out` if that is given.

    A file that cannot be used is a row with its error.
    """
    row: dict[str, Any] = {
        "file": str(file),
        "model": detector.name,
        "seed": detector.config.seed,
    }
    started = time.perf_counter()
    try:
        loaded = load_image(file, max_pixels=max_pixels)
        with _large if loaded.pixels.size > 3 * LARGE else nullcontext():
            (found,) = detector.detect([loaded.pixels])
            row |= {"note": loaded.note} | _row(found)
            if out is not None:
                _write_pictures(detector, loaded.pixels, found, out, name)
    except (ImageError, OSError, MemoryError) as error:
        row["error"] = str(error).replace("\n", " ") or type(error).__name__
    row["seconds"] = round(time.perf_counter() - started, 3)
    return row


FRAME = 512
"""Longest side of an animation's frames, pixels."""


def restore_files(
    detector: Detector,
    planned: Sequence[tuple[Path, PurePosixPath]],
    out: Path,
    config: RestoreConfig,
    *,
    animation: str | None = None,
    max_pixels: int,
    report: Report = lambda name, done, total: None,
) -> list[str]:
    """Write restorations.csv, restored/ and differences/ under `out`; returns the errors.

    With `animation`, webp or gif, also animations/: the steps from original to result. `report`
    counts hundredths of an image.
    """
    errors = []
    columns = [
        *("file", "width", "height", "score_before", "score_after", "threshold", "restored"),
        *("evaluations", "method", "model", "seed", "seconds", "note", "error"),
    ]
    names = {"model": detector.name, "method": config.method, "seed": config.seed}
    with _table(out / "restorations.csv", columns) as write:
        for done, (file, name) in enumerate(planned):
            row: dict[str, Any] = {"file": str(file)} | names
            started = time.perf_counter()
            try:
                loaded = load_image(file, max_pixels=max_pixels)
                steps = []
                for step in detector.restore(loaded.pixels, config):
                    steps.append(_small(step) if 0 < step.step < step.total else step)
                    share = 100 * step.step // max(step.total, 1)
                    report(file.name, 100 * done + share, 100 * len(planned))
                row |= {"note": loaded.note} | _restored(steps, detector.calibration.threshold)
                pictures = {
                    "restored": steps[-1].image,
                    "differences": difference(loaded.pixels, steps[-1].image),
                }
                for folder, picture in pictures.items():
                    write_png(picture, _place(out, folder, name, "png"))
                if animation:
                    frames = [_small(step).image for step in steps]
                    write_animation(frames, _place(out, "animations", name, animation))
            except (ImageError, OSError, MemoryError) as error:
                row["error"] = str(error).replace("\n", " ") or type(error).__name__
                errors.append(row["error"])
            row["seconds"] = round(time.perf_counter() - started, 3)
            write(row)
            report(file.name, 100 * (done + 1), 100 * len(planned))
    return errors


def _restored(steps: Sequence[RestorationStep], threshold: float) -> dict[str, Any]:
    first, last = steps[0], steps[-1]
    assert last.score is not None
    return {
        "width": first.image.shape[1],
        "height": first.image.shape[0],
        "score_before": first.score,
        "score_after": last.score,
        "threshold": threshold,
        "restored": last.score <= threshold,
        "evaluations": last.evaluations,
    }


def _small(step: RestorationStep) -> RestorationStep:
    """The step with its picture at most FRAME pixels a side."""
    height, width = step.image.shape[:2]
    share = min(1.0, FRAME / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    return replace(step, image=np.asarray(Image.fromarray(step.image).resize(size)))


def _place(out: Path, folder: str, name: PurePosixPath, suffix: str) -> Path:
    """Where an output goes; its folder is made."""
    path = out / folder / f"{name}.{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _row(found: Detection) -> dict[str, Any]:
    height, width = found.score_map.shape
    return {
        "width": width,
        "height": height,
        "score": found.score,
        "threshold": found.threshold,
        "anomalous": found.anomalous,
        "area_fraction": float(found.mask().mean()),
        **{f"mean_{scale.name}": scale.mean for scale in found.scales},
        "map_min": float(found.score_map.min()),
        "map_max": found.score,
    }


def _write_pictures(
    detector: Detector, image: np.ndarray, found: Detection, out: Path, name: PurePosixPath
) -> None:
    low, high = float(found.score_map.min()), found.score
    level = (found.score_map - low) / max(high - low, 1e-12)
    mask, scale = found.mask(), detector.calibration
    pictures: dict[str, np.ndarray] = {
        "maps": np.rint(level * 65535).astype(np.uint16),
        "masks": mask.astype(np.uint8) * 255,
        "overlays": overlay(image, found.score_map, mask, scale.map_low, scale.map_high),
    }
    for folder, picture in pictures.items():
        write_png(picture, _place(out, folder, name, "png"))


def evaluate(
    detector: Detector,
    samples: Sequence[Sample],
    out: Path,
    *,
    report: Report = lambda name, done, total: None,
) -> dict[str, Any]:
    """Score a labelled test set; writes images.csv and returns the metrics, overall and by defect.

    Maps are compared with the true masks at the images' original size.
    """
    evaluation = Evaluation(detector.calibration.threshold)
    columns = ["file", "defect", "score", "threshold", "anomalous", "area_fraction", "true_area"]
    with _table(out / "images.csv", columns) as write:
        for done, sample in enumerate(samples, 1):
            pixels = load_image(sample.path).pixels
            height, width = pixels.shape[:2]
            mask = np.zeros((height, width), bool)
            if sample.mask_path is not None:
                mask = load_mask(sample.mask_path)
            if mask.shape != (height, width):
                raise ValueError(
                    f"the mask {sample.mask_path} is {mask.shape[1]} x {mask.shape[0]} pixels, "
                    f"its image {width} x {height}"
                )
            (found,) = detector.detect([pixels])
            evaluation.add(found.score, found.score_map, mask, sample.defect)
            row = {k: v for k, v in _row(found).items() if k in columns}
            write(
                {"file": str(sample.path), "defect": sample.defect, "true_area": float(mask.mean())}
                | row
            )
            report(sample.path.name, done, len(samples))
    return evaluation.result()


@contextmanager
def _table(path: Path, columns: Sequence[str]) -> Iterator[Callable[[dict[str, Any]], None]]:
    """A CSV file that grows row by row in `<name>.partial` and takes its name when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    # File names need not be valid Unicode on Linux.
    with partial.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()

        def write(row: dict[str, Any]) -> None:
            writer.writerow({k: escape_cell(v) for k, v in row.items()})
            file.flush()

        yield write
    os.replace(partial, path)
