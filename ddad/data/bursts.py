"""Near-identical shots of one part: exposures, a part photographed several times in a row.

Two shots of one surface share its fine structure, whatever the light. So photographs are compared
by band-limited phase-only correlation (Kuglin and Hines 1975; Ito et al. 2004): the spectrum's
phases alone, best over all shifts. What all photographs of aligned parts share is taken away first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from PIL import Image
from scipy import fft
from scipy.sparse import coo_array
from scipy.sparse.csgraph import minimum_spanning_tree

SIDE, BOX = 192, 256
"""Pixels squared in area at which photographs are compared, and the frame around them."""
LOW, HIGH = 3, 24
"""Cycles a frame that are compared: below is the light, above are noise and rotation."""
COARSE, FINE = 50, 128
"""Steps of the shift along a frame: at first, and where that finds likeness over LIKELY."""
LIKELY = 0.3
APART = 0.55
"""Shots of one burst lie at most so far from the next, as 1 - correlation, and at most this share
of the way to the nearest photograph that is not of it: what all parts share makes no burst."""
SAME = 0.96
"""Photographs that correlate so much are one burst whatever else the set shows: alone, the shots
of one part look like aligned parts. Different pills and bottles reach 0.92."""
ALL, NEXT = 3000, 1000
"""Of up to ALL photographs every pair is compared; of more, each with the NEXT after it."""

_ROWS = np.r_[0 : HIGH + 1, -HIGH:0]
_COLUMNS = np.r_[0 : HIGH + 1]
_TWICE = np.where(_COLUMNS == 0, 1, 2).astype(np.float32)
"""A real image's spectrum is symmetric: all columns but the first stand for two."""


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """What `bursts` compares of a uint8 (H, W, 3) image: grey, uint8 (h, w), about SIDE^2."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / (height * width) ** 0.5, BOX / max(height, width))
    return _resized(pixels, height * scale, width * scale)


def bursts(
    thumbnails: Sequence[np.ndarray],
    shapes: Sequence[tuple[int, int]],
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[int]:
    """For each photograph the index of the first of its burst: its own where it is alone.

    `thumbnails` are those of `thumbnail`, in the order in which they were taken or are called,
    `shapes` the photographs' (H, W) in pixels. Finds shots of one part under other light, shifted,
    cropped or resized, and turned by a degree or two; not those turned further or zoomed by more
    than a few per cent.
    """
    count = len(thumbnails)
    if count < 2:
        return list(range(count))
    spectra = _registered(np.stack([_phases(each) for each in _at_one_scale(thumbnails, shapes)]))
    own = _unit(spectra - spectra.mean(0)) if count > 2 else np.zeros_like(spectra)
    rows, columns, likeness = _pairs(own, on_progress)
    whole = _whole(spectra, rows, columns)
    likeness = np.where(whole >= SAME, np.maximum(whole, likeness), likeness)
    firsts = _clusters(count, rows, columns, 1 - likeness)
    seen = dict[bytes, int]()  # even blank ones, which have no phases to compare
    return [
        firsts[seen.setdefault(small.tobytes(), index)] for index, small in enumerate(thumbnails)
    ]


def _resized(pixels: np.ndarray, height: float, width: float) -> np.ndarray:
    size = max(8, round(width)), max(8, round(height))
    grey = Image.fromarray(pixels).convert("L")
    return np.asarray(grey.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0))


def _at_one_scale(
    thumbnails: Sequence[np.ndarray], shapes: Sequence[tuple[int, int]]
) -> Sequence[np.ndarray]:
    """The frame is one where all have one aspect ratio, and sizes differ by resizing alone; where
    ratios differ photographs are crops, as large as they are."""
    sides = np.sort(np.array(shapes, float), axis=1)
    ratios = np.log(sides[:, 1] / sides[:, 0])
    if np.quantile(np.abs(ratios - np.median(ratios)), 0.9) < 0.01:
        return thumbnails
    scales = SIDE / np.sqrt(np.median(sides.prod(1))) * np.ones(len(shapes))
    own = [small.shape[0] / height for small, (height, _) in zip(thumbnails, shapes, strict=True)]
    scales = np.clip(scales, np.array(own) / 2, np.array(own) * 2)
    return [
        _resized(small, height * scale, width * scale)
        for small, (height, width), scale in zip(thumbnails, shapes, scales, strict=True)
    ]


def _phases(small: np.ndarray) -> np.ndarray:
    """The phases of a band of the spectrum, complex64 (2 HIGH + 1, HIGH + 1); the logarithm makes
    light that is twice as strong a mere offset."""
    height, width = min(BOX, small.shape[0]), min(BOX, small.shape[1])
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    grey = np.log(small[top : top + height, left : left + width].astype(np.float32) + 8)
    frame = np.zeros((BOX, BOX), np.float32)
    frame[:height, :width] = (grey - grey.mean()) * _window(height)[:, None] * _window(width)
    spectrum = fft.fft2(frame)[np.ix_(_ROWS, _COLUMNS)]
    cycles = np.hypot(_ROWS[:, None], _COLUMNS[None])
    spectrum[(cycles < LOW) | (cycles > HIGH)] = 0
    return np.asarray(spectrum / np.maximum(np.abs(spectrum), 1e-3), np.complex64)


def _window(length: int) -> np.ndarray:
    """Fades to nothing over the outer quarters: a frame's edges are no structure."""
    place = np.arange(length) + 0.5
    inwards = np.minimum(place, length - place) / (0.25 * length)
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.minimum(inwards, 1)), np.float32)


def _unit(spectra: np.ndarray) -> np.ndarray:
    energy = (np.abs(spectra) ** 2 * _TWICE).sum((1, 2), keepdims=True)
    return np.asarray(spectra / np.maximum(np.sqrt(energy), 1e-6), np.complex64)


def _correlation(products: np.ndarray, steps: int) -> np.ndarray:
    """(n, steps, steps) over all shifts, of (n, ...) products of spectra."""
    whole = np.zeros((len(products), steps, steps // 2 + 1), np.complex64)
    whole[:, : HIGH + 1, : HIGH + 1] = products[:, : HIGH + 1]
    whole[:, -HIGH:, : HIGH + 1] = products[:, HIGH + 1 :]
    return np.asarray(fft.irfft2(whole, (steps, steps), norm="forward", workers=-1))


def _best(products: np.ndarray, steps: int, batch: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """The best correlation over all shifts, and the index of that shift."""
    best, at = np.zeros(len(products), np.float32), np.zeros(len(products), int)
    for first in range(0, len(products), batch):
        few = slice(first, first + batch)
        over = _correlation(products[few], steps).reshape(len(products[few]), -1)
        at[few] = over.argmax(1)
        best[few] = over[np.arange(len(over)), at[few]]
    return best, at


def _registered(spectra: np.ndarray) -> np.ndarray:
    """Shifted to where they fit their mean best, so that aligned parts lie on one another."""
    shifted = spectra
    for _ in range(3):
        (mean,) = _unit(shifted.mean(0, keepdims=True))
        _, at = _best(spectra * mean.conj(), FINE)
        down, right = (each[:, None, None] / FINE for each in divmod(at, FINE))
        turn = np.exp(2j * np.pi * (_ROWS[:, None] * down + _COLUMNS * right))
        shifted = np.asarray(spectra * turn, np.complex64)
    return shifted


def _pairs(
    spectra: np.ndarray, on_progress: Callable[[int, int], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The indexes of the pairs that are compared, and each pair's best correlation."""
    count = len(spectra)
    ends = [count if count <= ALL else min(count, i + 1 + NEXT) for i in range(count)]
    found = []
    for i, end in enumerate(ends):
        products = spectra[i + 1 : end].conj() * spectra[i]
        best, _ = _best(products, COARSE)
        likely = np.flatnonzero(best > LIKELY)
        best[likely] = _best(products[likely], FINE)[0]
        found.append(best)
        on_progress(i + 1, count)
    rows = np.repeat(np.arange(count), [len(each) for each in found])
    columns = np.concatenate([np.arange(i + 1, end) for i, end in enumerate(ends)])
    return rows, columns, np.concatenate(found)


def _whole(spectra: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Each pair's correlation as they lie, with what all share."""
    flat = (_unit(spectra) * np.sqrt(_TWICE)).reshape(len(spectra), -1).view(np.float32)
    starts = np.searchsorted(rows, np.arange(len(spectra) + 1))
    found = np.empty(len(rows), np.float32)
    for first in range(0, len(spectra), 64):
        few = slice(starts[first], starts[min(first + 64, len(spectra))])
        if few.stop > few.start:
            end = int(columns[few].max()) + 1
            block = flat[first : first + 64] @ flat[first:end].T
            found[few] = block[rows[few] - first, columns[few] - first]
    return found


def _clusters(count: int, rows: np.ndarray, columns: np.ndarray, apart: np.ndarray) -> list[int]:
    """Single linkage, each branch cut where it is far from the rest by its own measure: the first
    index of the cluster of each."""
    weights = np.maximum(apart, 1e-6).astype(np.float64)
    tree = minimum_spanning_tree(coo_array((weights, (rows, columns)), (count, count)).tocsr())
    edges = tree.tocoo()
    top, members, height = list(range(count)), [[i] for i in range(count)], [0.0] * count
    children: list[tuple[int, ...]] = [()] * count
    for edge in np.argsort(edges.data, kind="stable"):
        one, other = top[edges.row[edge]], top[edges.col[edge]]
        members.append(members[one] + members[other])
        children.append((one, other))
        height.append(float(edges.data[edge]))
        for index in members[-1]:
            top[index] = len(members) - 1
    first = list(range(count))
    waiting = [(node, 1.0) for node in set(top)]
    while waiting:
        node, above = waiting.pop()
        if height[node] <= APART * min(1.0, above):
            for index in members[node]:
                first[index] = min(members[node])
        else:
            waiting += [(child, height[node]) for child in children[node]]
    return first
