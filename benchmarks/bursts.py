"""Are shots of one part found, and distinct parts left apart?

    python -m benchmarks.bursts DATA [--sets ...] [--many 2000]

Of mtd the tiles are known by its table, of which nothing is told; of the other sets every
photograph shows a part of its own, but for two that show one. Then shots are made of those: a few
of each part, moved, under other light, with the noise and the compression of another exposure.
"""

from __future__ import annotations

import argparse
import io
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from ddad.data import datasets
from ddad.data.bursts import bursts, thumbnail
from ddad.images.decode import load_image

SETS = ("mtd", "mvtec_bottle", "mvtec_pill", "aws_cookie")
TWICE = {"mvtec_bottle": ("069", "070"), "aws_cookie": ("001", "002")}
"""Of these sets two photographs show one part: the same hair in the bottle, the same crumbs."""
PARTS, SHOTS = 30, 4
"""So many parts, with so many shots made of each."""


def shot(pixels: np.ndarray, rng: np.random.Generator, by_hand: bool) -> np.ndarray:
    """Another exposure: moved by up to 1 %, light of 0.7 to 1.4, noise of 3 grey levels, JPEG; by
    hand moved by up to 3 %, turned by up to a degree, zoomed by up to 2 %."""
    image = Image.fromarray(pixels)
    angle = np.deg2rad(rng.uniform(-1, 1)) * by_hand
    zoom = 1 + rng.uniform(-0.02, 0.02) * by_hand
    moved = rng.uniform(-1, 1, 2) * image.size * (0.03 if by_hand else 0.01)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / zoom
    centre = np.array(image.size) / 2
    offset = centre - turn @ (centre + moved)
    affine = (*turn[0], offset[0], *turn[1], offset[1])
    around = tuple(int(v) for v in np.median(pixels[0], axis=0))
    how = Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC
    image = image.transform(image.size, *how, fillcolor=around)
    image = ImageEnhance.Brightness(image).enhance(rng.uniform(0.7, 1.4))
    noisy = np.asarray(image, np.float32) + rng.normal(0, 3, pixels.shape)
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=80)
    return np.asarray(Image.open(file))


def pairs(labels: Sequence[object]) -> int:
    return sum(count * (count - 1) // 2 for count in Counter(labels).values())


def row(name: str, images: Sequence[np.ndarray], truth: Sequence[object]) -> str:
    """Recall and precision of pairs, parts counted, and seconds without decoding."""
    small = [thumbnail(image) for image in images]
    shapes = [(image.shape[0], image.shape[1]) for image in images]
    started = time.monotonic()
    found = bursts(small, shapes)
    seconds = time.monotonic() - started
    right = pairs(list(zip(found, truth, strict=True)))
    joined, true = pairs(found), pairs(truth)
    recall = f"{right / true:.3f}" if true else "none to find"
    precision = f"{right / joined:.3f}" if joined else "none joined"
    return (
        f"| {name} | {len(images)} | {true} | {recall} | {precision} | {joined - right} | "
        f"{len(set(truth))} | {len(set(found))} | {seconds:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--many", type=int, default=2000, help="photographs to take the time of")
    args = parser.parse_args()
    print("| photographs | n | pairs | recall | precision | joined wrongly | parts | counted | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in args.sets:
        samples = datasets.normals(args.data / name).samples
        images = [load_image(sample.path).pixels for sample in samples]
        first, again = TWICE.get(name, ("", ""))
        parts = [s.group.replace(f"{again}.", f"{first}.") if again else s.group for s in samples]
        print(row(name, images, parts), flush=True)
        rng = np.random.default_rng(0)
        chosen = sorted({part: i for i, part in enumerate(parts)}.values())
        chosen = [int(i) for i in rng.permutation(chosen)[:PARTS]]
        for how, by_hand in (("on a stand", False), ("by hand", True)):
            made = [shot(images[i], rng, by_hand) for i in chosen for _ in range(SHOTS)]
            truth = [i for i in chosen for _ in range(SHOTS)]
            print(row(f"{name}, {SHOTS} shots a part {how}", made, truth), flush=True)
            print(row(f"{name}, {SHOTS} shots of one {how}", made[:SHOTS], truth[:SHOTS]))
    noise = np.random.default_rng(0).integers(0, 255, (args.many, 64, 64, 3), dtype=np.uint8)
    print(row("noise", list(noise), range(args.many)), flush=True)


if __name__ == "__main__":
    main()
