"""Make the example images of the shipped models, with their true masks.

    python -m benchmarks.examples cookie|brick

`cookie`: no photograph may be copied, so cookies are drawn from the model itself, and what it finds
odd in them is restored; `brick`: squares that it is tested with. `bottle` has none: its photographs
may not be copied, and the bottles that it draws are crooked. Defects come from
`ddad.training.synthetic`; the seeds below were chosen by eye so that each kind is shown at a size
that a thumbnail can carry.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMPipeline
from PIL import Image

from ddad import CHECKPOINTS
from ddad.images.decode import load_image
from ddad.images.files import write_png
from ddad.model.detector import Detector
from ddad.training.synthetic import brick_tree, paint_defect

PICKS = {
    "cookie": ((6, "", 0), (2, "foreign", 3), (5, "hole", 4), (6, "scratch", 1), (6, "stain", 8)),
    "brick": ((0, "", 0), (1, "scratch", 5), (3, "stain", 13), (3, "hole", 2), (1, "foreign", 11)),
}
"""Image number, kind of defect and seed of each example."""


def cookies() -> tuple[list[np.ndarray], np.ndarray]:
    """Eight samples of the model at three times its size, and where cookies lie in all of them."""
    pipeline = DDPMPipeline.from_pretrained(CHECKPOINTS / "cookie", local_files_only=True)
    generator = torch.Generator().manual_seed(0)
    samples = pipeline(
        batch_size=8, num_inference_steps=150, generator=generator, output_type="pil"
    ).images
    images = [
        np.array(i.resize((3 * i.width, 3 * i.height), Image.Resampling.BICUBIC)) for i in samples
    ]
    detector = Detector.load("cookie")
    images = [[step.image for step in detector.restore(image)][-1] for image in images]
    where = np.zeros(images[0].shape[:2], bool)
    where[170:300, 130:230] = True
    return images, where


def bricks() -> tuple[list[np.ndarray], np.ndarray]:
    """The good squares that `brick_tree` tests with, by name."""
    with tempfile.TemporaryDirectory() as folder:
        brick_tree(Path(folder))
        paths = sorted(Path(folder, "test", "good").iterdir())
        images = [load_image(path).pixels for path in paths]
    return images, np.ones(images[0].shape[:2], bool)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=PICKS)
    name = parser.parse_args().model
    images, where = {"cookie": cookies, "brick": bricks}[name]()
    folder = CHECKPOINTS / name / "examples"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for place, (index, kind, seed) in enumerate(PICKS[name], 1):
        image = images[index]
        if not kind:
            write_png(image, folder / f"{place}_good.png")
            continue
        painted, mask = paint_defect(image, kind, np.random.default_rng(seed), where=where)
        write_png(painted, folder / f"{place}_{kind}.png")
        write_png(mask.astype(np.uint8) * 255, folder / f"{place}_{kind}_mask.png")


if __name__ == "__main__":
    main()
