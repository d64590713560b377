"""Images as other programs hold them, arrays and tensors of any usual layout, as ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

WANTED = (
    "an image is uint8 (H, W, 3), grey (H, W), or a float within 0..1, channels last or first as "
    "in torch"
)


def pictures(images: Iterable[Any]) -> list[np.ndarray]:
    """Each image as uint8 (H, W, 3): of a list, or of a batch (N, H, W, 3) or (N, 3, H, W).

    Takes numpy arrays and whatever numpy makes an array of, such as a torch tensor: whole numbers
    of 8 bits, or floats within 0..1 (which become 256 levels), grey or RGB, channels last or first;
    where both may be meant, last. So what anomalib's `Folder` yields (`item.image`) is read as it
    is. Raises ValueError for anything else, such as values that a mean was taken off.
    """
    return [picture(image) for image in images]


def picture(image: Any) -> np.ndarray:
    """One image as uint8 (H, W, 3), see `pictures`; the same array where it is that already."""
    if hasattr(image, "detach"):  # a tensor, maybe on a GPU or with a gradient
        image = image.detach().cpu()
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim == 3 and pixels.shape[-1] not in (1, 3) and pixels.shape[0] in (1, 3):
        pixels = pixels.transpose(1, 2, 0)
    if pixels.ndim != 3 or pixels.shape[-1] not in (1, 3) or not pixels.size:
        raise ValueError(f"{WANTED}, not of shape {np.shape(image)}")
    if pixels.dtype.kind == "f":
        if not (np.isfinite(pixels).all() and 0 <= pixels.min() <= pixels.max() <= 1):
            raise ValueError(f"{WANTED}, not from {pixels.min():.3g} to {pixels.max():.3g}")
        pixels = np.rint(pixels * 255).astype(np.uint8)
    if pixels.dtype != np.uint8:
        raise ValueError(f"{WANTED}, not {pixels.dtype}; `load_image` reads deep files")
    if pixels.shape[-1] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    return np.require(pixels, requirements="C")
