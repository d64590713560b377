"""Restore images: files in, table rows and pictures of the part as it should have been out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from ddad.export.render import difference
from ddad.export.tables import RESTORATION_COLUMNS, path_cell
from ddad.images.decode import load_image
from ddad.images.files import write_animation, write_png
from ddad.model.detector import Detector
from ddad.score.config import RestoreConfig
from ddad.score.restoration import RestorationStep
from ddad.work.attempts import Plan, Row, noted, writing
from ddad.work.batch import fill_table
from ddad.work.outputs import Report

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
    counts hundredths of an image. Raises OSError as `fill_table` does.
    """
    names = {"model": detector.name, "method": config.method, "seed": config.seed}
    begun = 0

    def one(plan: Plan) -> Row:
        nonlocal begun
        file, name = plan
        row: Row = {"file": path_cell(file)} | names
        share = partial(_share, report, file.name, begun, len(planned))
        begun += 1
        with noted(row):
            loaded = load_image(file, max_pixels=max_pixels, levels=detector.levels)
            steps = list(_steps(detector, loaded.pixels, config, share))
            row |= {"note": loaded.note} | _row(steps, detector.calibration.threshold)
            with writing(out):
                row |= _write_pictures(loaded.pixels, steps, out, name, animation)
        share(100)
        return row

    return fill_table(out / "restorations.csv", RESTORATION_COLUMNS, one, planned)


def _share(report: Report, name: str, done: int, total: int, percent: int) -> None:
    if done < total:  # a second chance is none of the hundredths
        report(name, 100 * done + percent, 100 * total)


def _steps(
    detector: Detector, pixels: np.ndarray, config: RestoreConfig, share: Callable[[int], None]
) -> Iterator[RestorationStep]:
    """First and last at the image's size, those between as small as an animation shows them."""
    for step in detector.restore(pixels, config):
        yield _small(step) if 0 < step.step < step.total else step
        share(100 * step.step // max(step.total, 1))


def _write_pictures(
    pixels: np.ndarray,
    steps: Sequence[RestorationStep],
    out: Path,
    name: PurePosixPath,
    animation: str | None,
) -> dict[str, str]:
    """Returns where they are, from `out`, by the columns that say so."""
    result = steps[-1].image
    files = {"picture": f"restored/{name}.png", "difference": f"differences/{name}.png"}
    write_png(result, out / files["picture"])
    write_png(difference(pixels, result), out / files["difference"])
    if animation:
        files["animation"] = f"animations/{name}.{animation}"
        frames = [_small(step).image for step in steps]
        write_animation(frames, out / files["animation"])
    return files


def _row(steps: Sequence[RestorationStep], threshold: float) -> dict[str, Any]:
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
