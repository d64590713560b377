"""Features of photographs, computed once and kept: what makes hundreds of trainings affordable.

A cached photograph is (C, h, w) in half precision, whose rounding is far below what photographs
differ by; everything after the extractor is the product's own code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from ddad.diffusion.extractor import Extractor
from ddad.images.decode import load_image
from ddad.images.files import file_digest, write_whole
from ddad.images.geometry import feature_shape, to_model
from ddad.score.look import CONTEXT, described


@torch.inference_mode()
def features(
    paths: Sequence[Path], extractor: Extractor, size: int, folder: Path
) -> list[np.ndarray]:
    """Float16 (C, h, w) of each photograph at `size`, mapped from files in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for path in tqdm(paths, desc="features", disable=None):
        key = f"{file_digest(path)} {extractor.digest} {size} {CONTEXT}".encode()
        kept = folder / f"{hashlib.sha256(key).hexdigest()[:24]}.npy"
        if not kept.exists():
            pixels = load_image(path).pixels
            x = to_model(pixels, feature_shape(pixels.shape, size))
            with write_whole(kept) as part, part.open("wb") as file:
                np.save(file, described(extractor, x[None])[0].half().numpy())
        found.append(np.load(kept, mmap_mode="r"))
    return found
