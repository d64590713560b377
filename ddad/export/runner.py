"""Scores photographs with model.onnx beside this file. Needs numpy, Pillow and onnxruntime alone.

    python score.py PHOTOGRAPH... [--threshold T] [--masks DIR]

Prints a line a photograph: name, score, verdict. Exit code 1 where one cannot be scored.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps


class Found(NamedTuple):
    """What the graph says of a photograph."""

    score: float
    score_map: np.ndarray
    """float32 (H, W), deviations of a good part's pixel."""
    familiar: bool
    """False for a photograph of something else, whose score says nothing."""


class Model:
    """The graph with what stands in model.json."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads  # 0: all
        self.about: dict[str, Any] = json.loads((folder / "model.json").read_text("utf-8"))
        self.session = onnxruntime.InferenceSession(
            str(folder / "model.onnx"), options, providers=onnxruntime.get_available_providers()
        )

    def __call__(self, pixels: np.ndarray) -> Found:
        """Of a photograph, uint8 (H, W, 3). Raises ValueError for one of another size."""
        height, width = self.about["image"]["height"], self.about["image"]["width"]
        if pixels.shape != (height, width, 3):
            raise ValueError(
                f"it is {pixels.shape[1]} x {pixels.shape[0]} pixels, the graph is of photographs "
                f"of {width} x {height}"
            )
        size = self.about["levels"]["height"], self.about["levels"]["width"]
        score, score_map, _, strangeness = self.session.run(None, {"levels": resized(pixels, size)})
        return Found(float(score), score_map, float(strangeness) <= self.about["familiar"])


def resized(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """uint8 (H, W, 3) as whole grey levels, float32 (1, 3, h, w)."""
    planes = np.ascontiguousarray(pixels.transpose(2, 0, 1)).astype(np.float32)
    if planes.shape[1:] != size:
        shape = size[1], size[0]
        each = [Image.fromarray(p).resize(shape, Image.Resampling.BILINEAR) for p in planes]
        planes = np.clip(np.rint(np.stack([np.asarray(p) for p in each])), 0, 255)
    return np.asarray(planes[None], np.float32)


def main() -> int:
    parser = argparse.ArgumentParser(description="Scores photographs with the graph beside it.")
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--threshold", type=float, help="(default: the model's own)")
    parser.add_argument("--masks", type=Path, help="folder for masks, 0 and 255 (default: none)")
    args = parser.parse_args()
    if args.masks and len({file.stem for file in args.photographs}) < len(args.photographs):
        parser.error("two photographs have one name, and so would their masks: give them in turn")
    model, failed = Model(Path(__file__).parent), False
    threshold = model.about["threshold"] if args.threshold is None else args.threshold
    for file in args.photographs:
        try:
            with Image.open(file) as image:
                found = model(np.asarray(ImageOps.exif_transpose(image).convert("RGB")))
        except (OSError, ValueError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            failed = True
            continue
        verdict = "defective" if found.score > threshold else "good"
        print(f"{file}\t{found.score:.4f}\t{verdict if found.familiar else 'another part'}")
        if args.masks:
            args.masks.mkdir(parents=True, exist_ok=True)
            mask = np.where(found.score_map > np.float32(threshold), 255, 0).astype(np.uint8)
            Image.fromarray(mask).save(args.masks / f"{file.stem}.png")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
