"""Masks as polygons and run lengths, and back. Masks are bool (H, W); knows nothing of files.

Polygons run along the edges between pixels, in a frame where pixel (row r, column c) covers
[c, c + 1] x [r, r + 1] as in COCO. `ddad.images.filling` fills them as pycocotools does, so an
unsimplified outline gives its mask back exactly, and a simplified one what trainers see.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ddad.images.filling import rasterise

TOLERANCE = 1.0
"""How far a simplified outline may stray from the exact one, pixels."""
LEAST_IOU = 0.95
"""Below this the tolerance is halved, in the end to the exact outline."""
STRIP = 16
"""Rows of pixels in which holes are joined from left to right."""


def outlines(region: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """The outer ring of one 8-connected region and the rings of its holes, int (n, 2) of x, y.

    A ring is not closed by repeating its first corner.
    """
    padded = np.pad(region, 1).astype(np.int8)
    rows, columns = np.diff(padded[:, 1:-1], axis=0), np.diff(padded[1:-1], axis=1)
    steps: dict[tuple[int, int], list[tuple[int, int]]] = {}  # a corner: where edges lead from it
    for edges, value, shift, step in (  # each pixel edge once, the region on its right-hand side
        (rows, 1, (0, 0), (1, 0)),
        (rows, -1, (1, 0), (-1, 0)),
        (columns, 1, (0, 1), (0, -1)),
        (columns, -1, (0, 0), (0, 1)),
    ):
        for y, x in np.argwhere(edges == value).tolist():
            steps.setdefault((x + shift[0], y + shift[1]), []).append(step)
    outer, holes = np.zeros((0, 2), int), []
    while steps:
        ring = _walk(steps)
        x, y = ring.T
        if (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() > 0:
            outer = ring
        else:
            holes.append(ring)
    return outer, holes


def _walk(steps: dict[tuple[int, int], list[tuple[int, int]]]) -> np.ndarray:
    """Follow edges from any corner until it comes round, and take them out of `steps`."""
    corner = next(iter(steps))
    step = (0, 0)
    ring = []
    while corner in steps:
        ways = steps[corner]
        # Where two pixels meet at a corner, the left turn goes on along the other: 8-connected.
        left = (step[1], -step[0])
        way = ways.pop(ways.index(left) if left in ways else 0)
        if not ways:
            del steps[corner]
        if way != step:
            ring.append(corner)
        step = way
        corner = corner[0] + step[0], corner[1] + step[1]
    return np.array(ring)


def simplify(
    outer: np.ndarray,
    holes: Sequence[np.ndarray],
    region: np.ndarray,
    tolerance: float = TOLERANCE,
) -> tuple[np.ndarray, float]:
    """One ring of fewer corners (Douglas-Peucker) for a region, and its IoU with the mask.

    Holes are joined to it by `bridged`. The tolerance is halved until the IoU is at least
    LEAST_IOU, in the end to the exact ring, whose IoU is 1; a tolerance of 0 keeps that.
    """
    from skimage.measure import approximate_polygon  # its import takes a second

    def fewer(ring: np.ndarray) -> np.ndarray:
        if len(ring) <= 4:
            return ring
        closed = approximate_polygon(np.vstack([ring, ring[:1]]), tolerance)[:-1]
        return closed if len(closed) >= 3 else ring

    while tolerance >= 0.1:
        ring = bridged(fewer(outer), [fewer(hole) for hole in holes])
        reached = iou(rasterise([ring], region.shape), region)
        if reached >= LEAST_IOU:
            return ring, reached
        tolerance /= 2
    ring = bridged(outer, holes)
    return ring, iou(rasterise([ring], region.shape), region)


def bridged(outer: np.ndarray, holes: Sequence[np.ndarray]) -> np.ndarray:
    """One ring (n, 2): the outer ring, a bridge to the first hole, on to the next, and all back.

    A bridge has no width: it is walked there and back, so its crossings cancel each other.
    """
    if not holes:
        return outer
    # In strips from left to right the bridges stay short, however many holes there are.
    holes = sorted(holes, key=lambda hole: (hole[0][1] // STRIP, *hole[0].tolist()))
    far = np.abs(outer - holes[0][0]).sum(axis=1)
    outer = np.roll(outer, -int(far.argmin()), axis=0)
    there = [np.vstack([ring, ring[:1]]) for ring in (outer, *holes)]
    back = [hole[:1] for hole in reversed(holes[:-1])]
    return np.vstack([*there, *back])


def iou(one: np.ndarray, other: np.ndarray) -> float:
    """Intersection over union of two masks, 1 where both are empty."""
    union = int(np.count_nonzero(one | other))
    return int(np.count_nonzero(one & other)) / union if union else 1.0


def coco_counts(mask: np.ndarray) -> list[int]:
    """COCO's uncompressed run lengths: down the columns, the first run of 0."""
    flat = mask.ravel(order="F")
    ends = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff([0, *ends, flat.size]).tolist()
    return [0, *runs] if flat.size and flat[0] else runs


def coco_mask(counts: Sequence[int] | str, height: int, width: int) -> np.ndarray:
    """The mask of COCO's run lengths, plain or compressed. Raises ValueError for others."""
    runs = _uncompress(counts) if isinstance(counts, str) else list(counts)
    if not all(type(run) is int and run >= 0 for run in runs) or sum(runs) != height * width:
        raise ValueError(f"the run lengths do not add up to {width} x {height} pixels")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def _uncompress(text: str) -> list[int]:
    """Signed numbers in groups of five bits; from the fourth on, the change to two before."""
    runs: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError("the run lengths are not compressed as COCO's are")
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            value -= (code & 16) << (shift - 4)
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("the run lengths are cut short")
    return runs


def brush_counts(mask: np.ndarray) -> list[int]:
    """Label Studio's run lengths (thi.ng's rle-pack) of the mask as RGBA bytes of 0 and 255.

    A header of the number of bytes (32 bits), the word size less 1 (5) and four sizes of run
    lengths less 1 (4 each); then, for each run, a 1, which size, its length less 1, its byte.
    """
    sizes = (4, 8, 12, 16)
    flat = mask.ravel()
    ends = np.concatenate([np.flatnonzero(np.diff(flat)) + 1, [flat.size]])
    starts = np.concatenate([[0], ends[:-1]])
    bits = [f"{flat.size * 4:032b}{7:05b}", *(f"{size - 1:04b}" for size in sizes)]
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        left, byte = 4 * (end - start), "1" * 8 if flat[start] else "0" * 8
        while left:
            run = min(left, 1 << sizes[-1])
            which = next(i for i, size in enumerate(sizes) if run <= 1 << size)
            bits.append(f"1{which:02b}{run - 1:0{sizes[which]}b}{byte}")
            left -= run
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
