"""How soon a stream that has changed is found, and how often one that has not is.

    python -m benchmarks.drift [--streams 2000]
    python -m benchmarks.drift ../shared/data/mvtec_pill ... [--normals 40]

Drawn levels first: false alarms over 300 photographs, and the median number of photographs until a
shift is found, from the first photograph on or after 100 quiet ones; "-" where fewer than half are.
With data sets: a model of some of each one's normals, and a stream of the others of which the
second half is changed as light, focus and cameras change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

from ddad.data.datasets import read
from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.drift import Drift
from ddad.score.promise import Promise, conformal_threshold
from ddad.training.fit import Vectors, cross_fit, cross_fitted

LENGTH, QUIET, AFTER = 300, 100, 300
Draw = Callable[[np.random.Generator, int], np.ndarray]
TAILS: dict[str, Draw] = {
    "light": lambda rng, n: rng.standard_normal(n),
    "heavy": lambda rng, n: rng.standard_t(2, n),
}
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "nothing": lambda image: image,
    "10 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.9),
    "20 % darker": lambda image: ImageEnhance.Brightness(image).enhance(0.8),
    "20 % less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "out of focus, 2 pixels": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "noise of 6 grey levels": lambda image: _noisy(image),
}
Rows = list[tuple[float, float]]
"""Level and score of photographs."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="*", help="data sets")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument(
        "--normals", type=int, default=40, help="of a data set, to train on; half of them at most"
    )
    args = parser.parse_args()
    if not args.data:
        drawn(args.streams)
    for root in args.data:
        real(root, args.normals)
    return 0


def drawn(streams: int) -> None:
    print("| normals | tail | false alarms | shift, sd | at once: found, median | later |")
    print("|---|---|---|---|---|---|", flush=True)
    for n in (5, 20, 100):
        for name, tail in TAILS.items():
            rng = np.random.default_rng(n)
            wrong = _found(rng, n, tail, streams, 0.0, 0)[0]
            for shift in (0.5, 1.0, 2.0):
                cells = []
                for quiet in (0, QUIET):
                    found, median = _found(rng, n, tail, streams // 10, shift, quiet)
                    cells.append(f"{found:.0%}, {'-' if np.isinf(median) else f'{median:.0f}'}")
                print(f"| {n} | {name} | {wrong:.2%} | {shift} | {' | '.join(cells)} |", flush=True)


def _found(
    rng: np.random.Generator, n: int, tail: Draw, streams: int, shift: float, quiet: int
) -> tuple[float, float]:
    """The share of streams in which the change is found, and after how many photographs."""
    after = []
    for _ in range(streams):
        levels = tail(rng, n + quiet + AFTER)
        levels[n + quiet :] += shift
        scores = rng.standard_normal(len(levels))
        drift = _begun(list(zip(levels[:n].tolist(), scores[:n].tolist(), strict=True)))
        for level, score in zip(levels[n:].tolist(), scores[n:].tolist(), strict=True):
            drift.add(level, score)
        at = drift.moved_at
        after.append(at - quiet if at > quiet else np.inf)
    return float(np.isfinite(after).mean()), float(np.median(after))


def _begun(normals: Rows) -> Drift:
    levels, scores = (list(column) for column in zip(*normals, strict=True))
    threshold = conformal_threshold(scores, range(len(scores)), 0.05)
    above = sum(score > threshold for score in scores)
    return Drift(scores, levels, (), threshold, Promise(len(scores), above, 0.05))


def real(root: Path, normals: int, orders: int = 200) -> None:
    rng = np.random.default_rng(0)
    good = [sample for sample in read(root) if not sample.anomalous]
    normals = min(normals, len(good) // 2)
    paths = [good[i].path for i in rng.permutation(len(good))[: normals + 60]]
    detector = _trained([load_image(path).pixels for path in paths[:normals]])
    seen = {name: _scored(detector, paths[normals:], change) for name, change in CHANGES.items()}
    half = len(paths[normals:]) // 2
    print(f"\n{root.name}, {normals} normals, {half} photographs as they were, then {half} changed")
    print("| change | level found, after | above the threshold | that is said |")
    print("|---|---|---|---|", flush=True)
    for name, rows in seen.items():
        after, said = [], 0
        for _ in range(orders):
            order = rng.permutation(len(rows)).tolist()
            drift = Drift.of(detector.calibration)
            for place, index in enumerate(order):
                drift.add(*(rows if place >= half else seen["nothing"])[index])
            after.append(drift.moved_at - half if drift.moved_at else np.inf)
            said += bool(drift.said())
        found, median = np.isfinite(after).mean(), np.median(after)
        above = np.mean([score > detector.calibration.threshold for _, score in rows])
        print(
            f"| {name} | {found:.0%}, {'-' if np.isinf(median) else f'{median:.0f}'} | {above:.0%} "
            f"| {said / orders:.0%} |",
            flush=True,
        )


def _trained(images: Sequence[np.ndarray]) -> Detector:
    vectors = Vectors.of(images, Extractor.load(BUNDLED), ScoreConfig())
    names = [str(index) for index in range(len(images))]
    raw = {index: maps for index, _, maps in cross_fit(vectors, images, names)}
    return cross_fitted(vectors, raw, names, 0.05)


def _scored(
    detector: Detector, paths: Sequence[Path], change: Callable[[Image.Image], Image.Image]
) -> Rows:
    rows = []
    for path in paths:
        pixels = np.asarray(change(Image.fromarray(load_image(path).pixels)))
        (found,) = detector.detect([pixels])
        rows.append((found.level, found.score))
    return rows


def _noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, 6, pixels.shape)
    return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    sys.exit(main())
