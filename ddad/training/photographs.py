"""Photographs to train on, decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np

from ddad.images.decode import load_image
from ddad.images.levels import Levels

CACHE = 256_000_000
"""Bytes of decoded photographs kept in memory."""


class Photographs(Sequence[np.ndarray]):
    """Images as uint8 (H, W, 3), decoded when asked for; the first CACHE bytes stay in memory."""

    def __init__(self, paths: Sequence[Path], levels: Levels | None = None) -> None:
        self._paths, self._levels = paths, levels
        self._kept, self._bytes = dict[int, np.ndarray](), 0

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, index: slice) -> Photographs: ...
    def __getitem__(self, index: int | slice) -> np.ndarray | Photographs:
        if isinstance(index, slice):
            return Photographs(self._paths[index], self._levels)
        if index in self._kept:
            return self._kept[index]
        pixels = load_image(self._paths[index], levels=self._levels).pixels
        if self._bytes + pixels.nbytes <= CACHE:
            self._kept[index] = pixels
            self._bytes += pixels.nbytes
        return pixels
