"""Is a photograph of something else told from a defect? And do real models keep their promise?

    python -m benchmarks.strangers DATA [--out runs/strangers] [--sets ...]

A model is trained on each set with default settings. Of its own test photographs, good or
defective, it should know all but 2 %; of photographs of the other sets 95 % should be strangers.
Then its own good test photographs are changed as another camera, light, focus or scale would.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from tqdm import tqdm

from ddad.cli import main as ddad
from ddad.data import datasets
from ddad.images.decode import load_image
from ddad.model.detection import Detection
from ddad.model.detector import Detector
from ddad.score.promise import percent

SETS = ("aws_cookie", "mvtec_bottle", "mvtec_pill", "mtd")
OTHERS, CHANGED = 60, 12
"""Photographs of each other set, and good ones that are changed."""


def compressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=15)
    return Image.open(file)


def zoomed(image: Image.Image, factor: float) -> Image.Image:
    width, height = image.width / factor / 2, image.height / factor / 2
    x, y = image.width / 2, image.height / 2
    box = (round(x - width), round(y - height), round(x + width), round(y + height))
    return image.crop(box).resize(image.size, Image.Resampling.BICUBIC)


def noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    noise = np.random.default_rng(0).normal(0, 12, pixels.shape)
    return Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "darker, x 0.6": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "brighter, x 1.4": lambda image: ImageEnhance.Brightness(image).enhance(1.4),
    "grey": lambda image: image.convert("L"),
    "out of focus, 0.6 % of the width": lambda image: image.filter(
        ImageFilter.GaussianBlur(0.006 * image.width)
    ),
    "zoom x 1.2": lambda image: zoomed(image, 1.2),
    "zoom x 1.5": lambda image: zoomed(image, 1.5),
    "turned by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "noise, 12 grey levels": noisy,
    "JPEG, quality 15": compressed,
}


def trained(source: Path, out: Path) -> Detector:
    if not (out / "ddad.json").exists() and ddad(["train", str(source), "--out", str(out)]):
        raise SystemExit(f"training on {source.name} failed")
    return Detector.load(out)


def found(detector: Detector, pixels: np.ndarray) -> Detection:
    (detection,) = detector.detect([pixels])
    return detection


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/strangers"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    args = parser.parse_args()
    samples = {name: datasets.read(args.data / name) for name in SETS}
    rows, changes = [], {name: list[str]() for name in CHANGES}
    for name in args.sets:
        detector = trained(args.data / name, args.out / name)
        tests = [s for s in samples[name] if s.split == "test"]
        own = [found(detector, load_image(s.path).pixels) for s in tqdm(tests, disable=None)]
        strange = []
        rng = np.random.default_rng(0)
        for other in SETS:
            if other != name:
                chosen = rng.permutation(len(samples[other]))[:OTHERS]
                for index in tqdm(chosen, disable=None):
                    pixels = load_image(samples[other][index].path).pixels
                    strange.append(not found(detector, pixels).familiar)
        good = [d for d, s in zip(own, tests, strict=True) if not s.anomalous]
        above, promise = sum(d.anomalous for d in good), detector.calibration.promise
        low, high = promise.counts(len(good)) if promise else (0, len(good))
        rows.append(
            f"| {name} | {percent(np.mean(strange))} of {len(strange)} | "
            f"{sum(not d.familiar for d in own)} of {len(own)} | {promise} ({promise.parts} parts) "
            f"| {above} of {len(good)} (within {low} to {high}) |"
        )
        for change, make in CHANGES.items():
            count, goods = 0, [s for s in tests if not s.anomalous][:CHANGED]
            for sample in goods:
                picture = make(Image.fromarray(load_image(sample.path).pixels)).convert("RGB")
                count += not found(detector, np.array(picture)).familiar
            changes[change].append(f"{count} of {len(goods)}")
    print("| model | of the other sets called strange | of its own | promised | realised |")
    print("|---|---|---|---|---|")
    print("\n".join(rows))
    print("\n| good photographs, changed: called strange | " + " | ".join(args.sets) + " |")
    print("|---" * (1 + len(args.sets)) + "|")
    for change, cells in changes.items():
        print(f"| {change} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
