"""Slow, independent implementations that the fast ones are compared with."""

from __future__ import annotations

from collections import deque

import numpy as np


def components(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """8-connected components by breadth-first search."""
    left = {tuple(p) for p in np.argwhere(mask)}
    found = []
    while left:
        queue = deque([left.pop()])
        part = []
        while queue:
            y, x = queue.popleft()
            part.append((y, x))
            for dy in (-1, 0, 1):
                for dx in (-1, 0, 1):
                    if (y + dy, x + dx) in left:
                        left.remove((y + dy, x + dx))
                        queue.append((y + dy, x + dx))
        found.append(part)
    return found


def aupro(maps: list[np.ndarray], masks: list[np.ndarray], limit: float) -> float:
    """AUPRO by its definition: every distinct score is a threshold, every region counts alike."""
    normal = np.concatenate([m[~k] for m, k in zip(maps, masks, strict=True)])
    parts = [
        np.array([m[p] for p in part])
        for m, k in zip(maps, masks, strict=True)
        for part in components(k)
    ]
    points = [(0.0, 0.0)]
    for threshold in np.unique(np.concatenate([m.ravel() for m in maps]))[::-1]:
        fpr = float((normal >= threshold).mean())
        points.append((fpr, float(np.mean([(p >= threshold).mean() for p in parts]))))
    area = 0.0
    for (x0, y0), (x1, y1) in zip(points[:-1], points[1:], strict=True):
        if x0 >= limit:
            break
        if x1 > limit:
            y1, x1 = y0 + (y1 - y0) * (limit - x0) / (x1 - x0), limit
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


def decode_rle(data: list[int]) -> np.ndarray:
    """What Label Studio's brush bytes stand for, uint8 (n,): its rle-pack format, read bit by bit.

    32 bits of length, 5 of word size less one, four times 4 of run-length sizes less one; then
    blocks of one bit (a run or single words), two bits that choose the size of the count, the
    count less one, and one word or as many as were counted.
    """
    bits = "".join(f"{byte:08b}" for byte in data)
    place = 0

    def take(count: int) -> int:
        nonlocal place
        place += count
        return int(bits[place - count : place], 2)

    length, word = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < length:
        run, count = take(1), take(sizes[take(2)]) + 1
        values += [take(word)] * count if run else [take(word) for _ in range(count)]
    return np.array(values, np.uint8)
