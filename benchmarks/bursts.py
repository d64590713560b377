"""Are shots of one part found, and distinct parts left apart?

    python -m benchmarks.bursts DATA [--sets ...] [--many 2000]

Of mtd the tiles are known by its table, of which nothing is told; of the other sets every
photograph shows a part of its own. Then shots are made of those: a few of each part, moved,
under other light, with the noise and the compression of another exposure.
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
PARTS, SHOTS = 30, 4
"""So many parts, with so many shots made of each."""


def shot(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another exposure: turned by up to a degree, moved by up to 3 %, zoomed by up to 2 %, light
    of 0.7 to 1.4, noise of 3 grey levels, JPEG."""
    image = Image.fromarray(pixels)
    angle, zoom = rng.uniform(-1, 1), rng.uniform(0.98, 1.02)
    moved = rng.uniform(-0.03, 0.03, 2) * image.size
    turn = (
        np.array(
            [
                [np.cos(np.deg2rad(angle)), -np.sin(np.deg2rad(angle))],
                [np.sin(np.deg2rad(angle)), np.cos(np.deg2rad(angle))],
            ]
        )
        / zoom
    )
    centre = np.array(image.size) / 2
    offset = centre - turn @ (centre + moved)
    affine = (*turn[0], offset[0], *turn[1], offset[1])
    image = image.transform(
        image.size,
        Image.Transform.AFFINE,
        affine,
        Image.Resampling.BICUBIC,
        fillcolor=tuple(int(v) for v in np.median(pixels, axis=(0, 1))),
    )
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
        print(row(name, images, [sample.group for sample in samples]), flush=True)
        rng = np.random.default_rng(0)
        chosen = sorted({s.group: i for i, s in reversed(list(enumerate(samples)))}.values())
        chosen = [int(i) for i in rng.permutation(chosen)[:PARTS]]
        label = f"{name}, {SHOTS} shots made of each of {len(chosen)}"
        made = [shot(images[i], rng) for i in chosen for _ in range(SHOTS)]
        print(row(label, made, [i for i in chosen for _ in range(SHOTS)]), flush=True)
        label = f"{name}, {SHOTS} shots made of 1"
        print(row(label, made[:SHOTS], [0] * SHOTS), flush=True)
    noise = np.random.default_rng(0).integers(0, 255, (args.many, 64, 64, 3), dtype=np.uint8)
    print(row("noise", list(noise), range(args.many)), flush=True)


if __name__ == "__main__":
    main()
