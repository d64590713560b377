"""Make the example images of the shipped models, with their true masks.

    python -m benchmarks.examples cookie|brick

`cookie`: no photograph may be copied, so cookies are drawn from the model itself, and what it finds
odd in them is restored; `brick`: crops of the band held out for calibration, where the threshold
holds. Defects come from `ddad.training.synthetic`; the seeds below were chosen by
eye so that each kind is shown at a size that a thumbnail can carry.
"""

from __future__ import annotations

import argparse
import shutil

import numpy as np
import torch
from diffusers import DDPMPipeline
from PIL import Image
from skimage.data import brick

from ddad.images.files import write_png
from ddad.model.checkpoint import CHECKPOINTS
from ddad.model.detector import Detector
from ddad.training.synthetic import paint_defect

PICKS = {
    "cookie": ((6, "", 0), (2, "foreign", 3), (5, "hole", 4), (6, "scratch", 1), (6, "stain", 8)),
    "brick": ((0, "", 0), (1, "scratch", 5), (2, "stain", 3), (0, "hole", 2), (1, "foreign", 1)),
}
"""Image number, kind of defect and seed of each example."""


def cookies() -> tuple[list[np.ndarray], np.ndarray]:
    """Eight samples of the model at three times its size, and where cookies lie in all of them."""
    pipeline = DDPMPipeline.from_pretrained(CHECKPOINTS / "cookie", local_files_only=True)
    generator = torch.Generator().manual_seed(0)
    drawn = pipeline(
        batch_size=8, num_inference_steps=150, generator=generator, output_type="pil"
    ).images
    images = [
        np.array(i.resize((3 * i.width, 3 * i.height), Image.Resampling.BICUBIC)) for i in drawn
    ]
    detector = Detector.load("cookie")
    images = [[step.image for step in detector.restore(image)][-1] for image in images]
    where = np.zeros(images[0].shape[:2], bool)
    where[170:300, 130:230] = True
    return images, where


def bricks() -> tuple[list[np.ndarray], np.ndarray]:
    """Three crops of the last band of rows that `brick_tree` trains on or holds out."""
    photo = np.repeat(brick()[..., None], 3, axis=2)
    images = [photo[352:512, left : left + 160] for left in (0, 72, 120)]
    return images, np.ones((160, 160), bool)


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
