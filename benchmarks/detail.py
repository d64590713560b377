"""Large photographs: seconds and memory by size, what is seen, what bfloat16 changes.

    python -m benchmarks.detail speed
    python -m benchmarks.detail large [--out runs/detail] [--photographs 30]
    python -m benchmarks.detail precision DATA MODELS...

`speed` scores made photographs of 0.3 to 64 megapixels, each in a process of its own: with a look
at their own size, with the looks of the default budget, and by PatchCore at that size. `large`
trains on made photographs of 12 megapixels as `ddad train` does, then looks for spots on others.
`precision` scores the test photographs of data sets (MODEL=SET) in bfloat16 and in single
precision. They want the machine alone.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from benchmarks.peers import patchcore_map, patchcore_memory
from benchmarks.timing import memory
from ddad.data import datasets
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.precision import bf16_is_fast
from ddad.diffusion.scheduler import linear_chain
from ddad.images.decode import load_image
from ddad.model.checkpoint import BUNDLED
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig
from ddad.score.feature import FeatureModel
from ddad.score.pace import COMPONENTS, pace
from ddad.training.looks import SECONDS, closer_looks
from ddad.training.spots import painted

SIDES = (560, 1024, 2048, 4096, 8192)
"""Of square photographs: 0.3 to 67 megapixels."""
PATCHCORE_MOST = 4096
"""It sees a photograph in one piece, which beyond this takes tens of GB."""
SIZE = (3072, 4096)


def plate(seed: int, height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    """A made photograph, uint8 (height, width, 3): a brushed plate with twelve rimmed holes on a
    dark ground, moved a little, with grain."""
    rng = np.random.default_rng(seed)
    y, x = np.ogrid[:height, :width]
    unit = height / 3072
    down, across = rng.uniform(-30, 30, 2) * unit
    rows, columns = y - height / 2 - down, x - width / 2 - across
    cloth = gaussian_filter(rng.normal(size=(height // 4 + 1, width // 4 + 1)), 1.2)
    cloth = np.kron(cloth / cloth.std(), np.ones((4, 4)))[:height, :width].astype(np.float32)
    brushed = gaussian_filter(rng.normal(size=(height, 1)), (6 * unit, 0))
    brushed = (brushed / brushed.std()).astype(np.float32)
    body = (np.abs(rows) < 1150 * unit) & (np.abs(columns) < 1650 * unit)
    shade = np.where(body, 152 + 6 * brushed + 3 * cloth, 66 + 2 * cloth).astype(np.float32)
    for hole in range(12):
        row, column = divmod(hole, 4)
        far = np.hypot(rows - (row - 1) * 800 * unit, columns - (column - 1.5) * 850 * unit)
        shade = np.where(far < 200 * unit, 180 + 3 * cloth, shade)
        shade = np.where(far < 160 * unit, 30 + 2 * cloth, shade)
    shade = gaussian_filter(shade, 1.2) + 2.5 * rng.normal(size=shade.shape).astype(np.float32)
    tint = np.array([1, 0.98, 0.95], np.float32) * rng.uniform(0.97, 1.03)
    return (shade[..., None] * tint).clip(0, 255).astype(np.uint8)


def speed() -> None:
    print("| megapixels | way | looks | s a photograph | ns a pixel | MB at most |")
    print("|---|---|---|---|---|---|", flush=True)
    for side in SIDES:
        file = photograph(side)
        if not file.exists():
            file.parent.mkdir(exist_ok=True)
            Image.fromarray(plate(0, side, side)).save(file, compress_level=1)
        for way in ("own size", "default", "patchcore"):
            if way != "patchcore" or side <= PATCHCORE_MOST:
                command = [sys.executable, "-m", "benchmarks.detail", "one", way, str(side)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                print(done.stdout, end="", flush=True)


def photograph(side: int) -> Path:
    """Made beforehand: making it takes more memory than scoring it."""
    return Path("runs") / f"plate_{side}.png"


def one(way: str, side: int) -> None:
    """A row of `speed`: the file is read, scored and its mask made, the quicker of two times."""
    file, extractor = photograph(side), Extractor.load(BUNDLED)
    if way == "patchcore":
        bank = patchcore_memory(extractor, [np.asarray(Image.open(file).resize((1024, 1024)))])
        score, said = (lambda p: patchcore_map(extractor, bank, p, side)[0]), "one piece"
    else:
        detector = any_model(extractor, side, way)
        score = lambda p: detector.detect([p])[0].score_map  # noqa: E731
        said = ", ".join(map(str, detector.looks.values()))
    spent = []
    for _ in range(1 if side > 4096 else 2):
        begun = time.perf_counter()
        found = score(load_image(file, max_pixels=10**8).pixels)
        mask = found > 1
        spent.append(time.perf_counter() - begun)
    assert mask.shape == (side, side)
    nanoseconds = 1e9 * min(spent) / side**2
    print(
        f"| {side**2 / 1e6:.1f} | {way} | {said} | {min(spent):.2f} | {nanoseconds:.0f} "
        f"| {memory()[1]:.0f} |"
    )


def any_model(extractor: Extractor, side: int, way: str) -> Detector:
    """A detector whose mixtures are as large as a trained one's, calibrated on noise."""
    config = ScoreConfig()
    sizes = (side,)
    if way == "default":
        sizes = closer_looks([(side, side)], config, SECONDS, pace(extractor))
    rng = torch.Generator().manual_seed(0)
    channels = extractor.channels + extractor.coarsest
    mixtures = [
        NormalMixture.fit(torch.randn(16 * count, channels, generator=rng), count, sweeps=1)
        for count in (1024, *[COMPONENTS] * len(sizes))
    ]
    features = FeatureModel(extractor, mixtures[0], tuple(mixtures[1:]))
    made = Detector(None, linear_chain(), config.closer(sizes), features=features)
    raw = []
    for seed in range(2):
        noise = np.random.default_rng(seed)
        raw.append(
            {b: noise.random((len(t), 40, 40), np.float32) for b, t in made.timesteps.items()}
        )
    return made.calibrated_by([(maps, (64, 64)) for maps in raw], 0.5)


def large(out: Path, photographs: int) -> None:
    """Train as `ddad train` does, in a process of its own; then spots on photographs unseen."""
    folder, model = out / "plates", out / "model"
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(photographs):
        if not (file := folder / f"{seed:02}.jpg").exists():
            Image.fromarray(plate(seed)).save(file, quality=92)
    if not (model / "ddad.json").exists():
        begun = time.perf_counter()
        trained = subprocess.Popen(
            [sys.executable, "-m", "ddad", "train", str(folder), "--out", str(model)]
        )
        most = 0.0
        while trained.poll() is None:
            try:
                most = max(most, memory(trained.pid)[1])
            except (OSError, IndexError):  # it has just ended
                break
            time.sleep(0.5)
        if trained.wait():
            raise SystemExit("training failed")
        spent = time.perf_counter() - begun
        print(
            f"trained on {photographs} photographs of {SIZE[1]} x {SIZE[0]} in {spent:.0f} s, "
            f"{most:.0f} MB at most"
        )
    whole = Detector.load(model)
    print("| spot, px | contrast | " + " | ".join(_details(whole)) + " |")
    print("|---|---|" + "---|" * len(_details(whole)), flush=True)
    for size in (8.0, 12.0, 16.0, 24.0, 32.0):
        for contrast, shares in found(whole, size, photographs).items():
            print(f"| {size:.0f} | {contrast} | " + " | ".join(f"{s:.2f}" for s in shares) + " |")


def _details(whole: Detector) -> list[str]:
    return [whole.with_looks(n).name for n in range(len(whole.config.looks) + 1)]


def found(whole: Detector, size: float, first: int) -> dict[str, list[float]]:
    """Share of places where each detail marks a spot of a size, by contrast."""
    details = [whole.with_looks(n) for n in range(len(whole.config.looks) + 1)]
    hits: dict[str, list[list[bool]]] = {}
    for seed in range(first, first + 3):
        image, spots = painted(plate(seed), size, np.random.default_rng(seed))
        (raw,) = whole.maps([image])
        masks = [detail.judge(raw, image.shape).mask() for detail in details]
        near = int(size / 2) + 1
        for y, x, contrast in spots:
            window = slice(y - near, y + near + 1), slice(x - near, x + near + 1)
            hits.setdefault(contrast, []).append([bool(mask[window].any()) for mask in masks])
    return {contrast: list(np.mean(rows, 0)) for contrast, rows in hits.items()}


def precision(data: Path, models: list[str]) -> None:
    if not bf16_is_fast(torch.device("cpu")):
        raise SystemExit("this processor has no bfloat16: nothing differs")
    print("| model | photographs | score off, mean | at most | map off, rms | verdicts changed |")
    print("|---|---|---|---|---|---|", flush=True)
    for pair in models:
        model, name = pair.rsplit("=", 1)
        detector = Detector.load(model)
        off, spread, changed = [], [], 0
        for fast, exact in both(detector, data / name):
            off.append(abs(fast.score - exact.score))
            spread.append(float(np.square(fast.score_map - exact.score_map).mean()))
            changed += fast.anomalous != exact.anomalous
        print(
            f"| {Path(model).name} ({name}) | {len(off)} | {np.mean(off):.3f} | {max(off):.3f} "
            f"| {np.mean(spread) ** 0.5:.3f} | {changed} |",
            flush=True,
        )


def both(detector: Detector, source: Path) -> Iterator[tuple[Detection, Detection]]:
    for sample in datasets.read(source):
        if sample.split == "test":
            pixels = load_image(sample.path).pixels
            (fast,) = detector.detect([pixels])
            with patch("ddad.diffusion.extractor.fast_dtype", lambda device: None):
                (exact,) = detector.detect([pixels])
            yield fast, exact


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("speed")
    row = commands.add_parser("one", help="a row of `speed`")
    row.add_argument("way")
    row.add_argument("side", type=int)
    trained = commands.add_parser("large")
    trained.add_argument("--out", type=Path, default=Path("runs/detail"))
    trained.add_argument("--photographs", type=int, default=30)
    halves = commands.add_parser("precision")
    halves.add_argument("data", type=Path)
    halves.add_argument("models", nargs="+", metavar="MODEL=SET")
    args = parser.parse_args()
    if args.command == "speed":
        speed()
    elif args.command == "one":
        one(args.way, args.side)
    elif args.command == "large":
        large(args.out, args.photographs)
    else:
        precision(args.data, args.models)


if __name__ == "__main__":
    main()
