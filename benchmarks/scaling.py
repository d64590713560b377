"""How the cost of scoring grows with the pixels of an image and with the number of images.

    python -m benchmarks.scaling [--out docs/scaling.png] [--most 10000]

Cost is CPU time, so other work on the machine matters little. Prints the fitted exponents (1 is
proportional) and the memory held after each number of images, and draws both curves.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path, PurePosixPath

import numpy as np
import psutil
from PIL import Image, ImageDraw, ImageFont

from benchmarks.corpus import picture
from benchmarks.hostile import model
from ddad.model.detector import Detector
from ddad.work.batch import score_files

SIDES = (256, 512, 1024, 2048, 4096)
Curve = list[tuple[float, float]]
"""Size and seconds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/scaling.png"))
    parser.add_argument("--most", type=int, default=10_000, help="images")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        curves = {
            "pixels of one image": by_pixels(folder),
            "number of images": by_number(folder, args.most),
        }
    for label, curve in curves.items():
        print(f"{label}: cost grows with exponent {exponent(curve):.3f} (target <= 1.05)")
    draw(curves).save(args.out)


def by_pixels(folder: Path) -> Curve:
    """Seconds from file to files of the shipped model, its smallest of three runs."""
    whole = Detector.load("cookie")
    curve = []
    for side in SIDES:
        file = folder / f"{side}.png"
        Image.fromarray(picture(0, 256, 256)).resize((side, side)).save(file)
        seconds = min(_score(whole, [file], folder) for _ in range(3))
        curve.append((float(side * side), seconds))
        print(f"{side} x {side}: {seconds:.2f} s", flush=True)
    return curve


def by_number(folder: Path, most: int) -> Curve:
    """Seconds for ever more small images of a small model, and the memory then held."""
    file = folder / "small.png"
    Image.fromarray(picture()).save(file)
    small = Detector.load(model(folder))
    curve, number = [], 10
    _score(small, [file], folder)
    while number <= most:
        seconds = _score(small, [file] * number, folder)
        held = psutil.Process().memory_info().rss / 2**20
        curve.append((float(number), seconds))
        print(f"{number} images: {seconds:.2f} s, {held:.0f} MB held", flush=True)
        number *= 10
    return curve


def _score(detector: Detector, files: list[Path], folder: Path) -> float:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        planned = [(file, PurePosixPath(str(i))) for i, file in enumerate(files)]
        started = time.process_time()
        if score_files(detector, planned, Path(out), max_pixels=10**8):
            raise SystemExit("scoring failed")
        return time.process_time() - started


def exponent(curve: Curve) -> float:
    """Slope of log cost over log size."""
    sizes, costs = np.log(curve).T
    return float(np.polyfit(sizes, costs, 1)[0])


def draw(curves: dict[str, Curve]) -> Image.Image:
    """The curves side by side on logarithmic axes, with a line of exponent 1 through the last."""
    side, gap = 420, 70
    image = Image.new("RGB", (len(curves) * (side + gap) + gap, side + 2 * gap), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(15)
    for place, (label, curve) in enumerate(curves.items()):
        left, top = gap + place * (side + gap), gap
        points = np.log10(curve)
        low, high = np.floor(points.min(0)), np.ceil(points.max(0))

        def at(
            point: np.ndarray, left: int = left, low: np.ndarray = low, high: np.ndarray = high
        ) -> tuple[float, float]:
            x, y = (point - low) / (high - low)
            return left + x * side, top + (1 - y) * side  # noqa: B023

        pen.rectangle((left, top, left + side, top + side), outline="#888888")
        line = np.stack([points[:, 0], points[-1, 1] + points[:, 0] - points[-1, 0]], 1)
        inside = [at(p) for p in line if p[1] >= low[1]]
        pen.line(inside, fill="#bbbbbb", width=2)
        pen.line([at(p) for p in points], fill="#1f5fbf", width=3)
        for point in points:
            x, y = at(point)
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), fill="#1f5fbf")
        for axis in (0, 1):
            for tick in range(int(low[axis]), int(high[axis]) + 1):
                x, y = at(np.where(np.arange(2) == axis, tick, low))
                where = (x, y + 6) if axis == 0 else (x - 34, y - 8)
                pen.text(where, f"1e{tick}", "#333333", font, anchor="ma" if axis == 0 else None)
        pen.text((left + side / 2, top + side + 34), label, "black", font, anchor="ma")
        title = f"seconds of CPU; exponent {exponent(curve):.2f}, grey: 1"
        pen.text((left + side / 2, top - 30), title, "black", font, anchor="ma")
    return image


if __name__ == "__main__":
    main()
