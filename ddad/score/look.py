"""One picture as the feature branch sees it at one size, in one piece or tile by tile.

Nothing that is computed there knows where in the picture it is, and what stands at a place depends
on what lies within the backbone's `reach` of it. So a tile that sees that much around itself says
what the whole picture would have said, in memory that does not grow with the picture. Only the
picture's own borders are borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from ddad.diffusion.extractor import GRID, WHOLE, Edges, Extractor
from ddad.images.geometry import feature_shape, from_levels, to_levels

LARGEST = 1_000_000
"""Pixels up to which a picture is seen in one piece."""
CORE = 1024 // GRID
"""Cells a side of a tile at most, without what it sees around itself."""
CONTEXT = 9
"""Cells a side of a place's surroundings, odd."""


class Tile(NamedTuple):
    """Cells of a picture's grid: from (inclusive) and to (exclusive)."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def place(self) -> tuple[slice, slice]:
        """Index into maps (..., h, w)."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


def described(extractor: Extractor, x: Tensor, edges: Edges = WHOLE) -> Tensor:
    """What stands at each place of images x (B, 3, H, W), and around it: (B, C, H / 8, W / 8).

    The extractor's features, and the mean of its coarsest stage over CONTEXT x CONTEXT cells: what
    is usual somewhere may be strange here. For a piece of a picture `edges` says which of its
    sides are the picture's own, see `Extractor.forward`.
    """
    features = extractor(x, edges)
    coarse = features[:, -extractor.coarsest :]
    around = avg_pool2d(coarse, CONTEXT, 1, CONTEXT // 2, count_include_pad=False)
    return torch.cat([features, around], 1)


class Look:
    """A photograph, uint8 (H, W, 3), at about size x size pixels in area.

    Of the whole part it is self-sufficient; a closer look has what is around a place from the
    `whole` one, which must have been seen before: so it knows more of the part than its tile.
    """

    def __init__(
        self, extractor: Extractor, pixels: np.ndarray, size: int, whole: Look | None = None
    ) -> None:
        self.extractor, self.whole = extractor, whole
        self.shape = feature_shape(pixels.shape, size)
        self.grid = self.shape[0] // GRID, self.shape[1] // GRID
        self.tiles = self._tiles()
        self._levels = to_levels(pixels, self.shape)
        self._kept: dict[Tile, Tensor] | None = None
        self._around: Tensor | None = None

    @property
    def nbytes(self) -> int:
        """About the bytes that `keep` takes."""
        channels = self.extractor.channels + self.extractor.coarsest * (self.whole is None)
        return 2 * channels * self.grid[0] * self.grid[1]

    def keep(self) -> Look:
        """The same, and what is seen stays in memory, in half precision, in place of the picture
        once all of it is seen."""
        self._kept = {}
        return self

    def described(self, tile: Tile) -> Tensor:
        """Feature vectors (1, C, h, w) of a tile's cells, float32: see `described`."""
        kept = {} if self._kept is None else self._kept
        features = kept[tile].float() if tile in kept else self._features(tile)
        if self._kept is not None and tile not in kept:
            kept[tile] = features.half()
            if len(kept) == len(self.tiles):
                del self._levels
        if self.whole is not None:
            around = self.whole._around_at(tile, self.grid)
        else:
            around = self._surroundings[..., *tile.place].float()
        return torch.cat([features, around], 1)

    def suspicious_first(self, coarse: Tensor) -> list[Tile]:
        """The tiles by the highest value that a coarser map (h', w') has there."""

        def value(tile: Tile) -> float:
            cuts = [
                (int(begin * length / cells), -(-end * length // cells))
                for (begin, end), length, cells in zip(
                    (tile[:2], tile[2:]), coarse.shape, self.grid, strict=True
                )
            ]
            return float(coarse[slice(*cuts[0]), slice(*cuts[1])].max())

        return sorted(self.tiles, key=value, reverse=True)

    def _tiles(self) -> list[Tile]:
        """Those that cover the grid, row by row, about equally large; one where it is not large,
        or the backbone looks at the whole picture at once."""
        pieces = self.shape[0] * self.shape[1] > LARGEST and self.extractor.reach is not None
        rows, columns = (_cuts(cells) if pieces else [0, cells] for cells in self.grid)
        return [
            Tile(top, bottom, left, right)
            for top, bottom in zip(rows, rows[1:], strict=False)
            for left, right in zip(columns, columns[1:], strict=False)
        ]

    def _features(self, tile: Tile) -> Tensor:
        """Without surroundings, which of the whole part are remembered."""
        if self.whole is not None:
            x, edges, inner = self._piece(tile, 0)
            found: Tensor = self.extractor(x, edges)[..., *inner.place]
            return found
        x, edges, inner = self._piece(tile, CONTEXT // 2)
        found = described(self.extractor, x, edges)[..., *inner.place]
        coarse = self.extractor.coarsest
        features, around = found[:, :-coarse], found[:, -coarse:]
        if self._around is None:
            kind = torch.float32 if self._kept is None else torch.float16
            self._around = around.new_zeros(1, around.shape[1], *self.grid, dtype=kind)
        self._around[..., *tile.place] = around
        return features

    @property
    def _surroundings(self) -> Tensor:
        assert self._around is not None, "the whole part is seen first"
        return self._around

    def _around_at(self, tile: Tile, grid: Sequence[int]) -> Tensor:
        """The surroundings at a tile of a finer grid, between cells bilinearly."""
        around = self._surroundings.float()
        down, across = (
            (2 * torch.arange(begin, end, device=around.device) + 1) / cells - 1
            for (begin, end), cells in zip((tile[:2], tile[2:]), grid, strict=True)
        )
        places = torch.stack(torch.meshgrid(across, down, indexing="xy"), -1)[None]
        return grid_sample(around, places, padding_mode="border", align_corners=False)

    def _piece(self, tile: Tile, more: int) -> tuple[Tensor, Edges, Tile]:
        """What a tile has to see, (1, 3, h, w), which of its sides are the picture's, and the
        tile's place in it; `more` cells than the backbone's reach."""
        height, width = self.grid
        if len(self.tiles) == 1:
            seen = Tile(0, height, 0, width)
        else:
            halo = (self.extractor.reach or 0) // GRID + more
            halo += halo % 2  # pieces begin on the grid of the coarsest stage
            seen = Tile(
                max(0, tile.top - halo),
                min(height, tile.bottom + halo),
                max(0, tile.left - halo),
                min(width, tile.right + halo),
            )
        rows, columns = (slice(GRID * cut.start, GRID * cut.stop) for cut in seen.place)
        edges = (seen.top == 0, seen.bottom == height, seen.left == 0, seen.right == width)
        weights = next(self.extractor.parameters())
        x = from_levels(self._levels[:, rows, columns].to(weights.device))[None]
        inner = Tile(
            tile.top - seen.top,
            tile.bottom - seen.top,
            tile.left - seen.left,
            tile.right - seen.left,
        )
        return x, edges, inner


def looks(extractor: Extractor, pixels: np.ndarray, sizes: Sequence[int]) -> list[Look]:
    """The whole part, then the closer looks at it."""
    whole = Look(extractor, pixels, sizes[0])
    return [whole, *(Look(extractor, pixels, size, whole) for size in sizes[1:])]


def _cuts(length: int) -> list[int]:
    """Where a side of so many cells is cut, both ends included; the others are even."""
    count = -(-length // CORE)
    return [round(length * number / count / 2) * 2 for number in range(count)] + [length]
