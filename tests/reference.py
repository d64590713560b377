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


# The decoder of label-studio-sdk 2.1.2 (label_studio_sdk/converter/brush.py, Apache-2.0, after
# thi.ng's rle-pack), word for word but for its print. The package itself pins numpy below 2.3 and
# brings OpenCV, so it cannot be installed beside this project.


class InputStream:
    def __init__(self, data):
        self.data = data
        self.i = 0

    def read(self, size):
        out = self.data[self.i : self.i + size]
        self.i += size
        return int(out, 2)


def access_bit(data, num):
    """from bytes array to bits by num position"""
    base = int(num // 8)
    shift = 7 - int(num % 8)
    return (data[base] & (1 << shift)) >> shift


def bytes2bit(data):
    """get bit string from bytes data"""
    return "".join([str(access_bit(data, i)) for i in range(len(data) * 8)])


def decode_rle(rle):
    """from LS RLE to numpy uint8 3d image [width, height, channel]"""
    input = InputStream(bytes2bit(rle))
    num = input.read(32)
    word_size = input.read(5) + 1
    rle_sizes = [input.read(4) + 1 for _ in range(4)]

    i = 0
    out = np.zeros(num, dtype=np.uint8)
    while i < num:
        x = input.read(1)
        j = i + 1 + input.read(rle_sizes[input.read(2)])
        if x:
            val = input.read(word_size)
            out[i:j] = val
            i = j
        else:
            while i < j:
                val = input.read(word_size)
                out[i] = val
                i += 1
    return out
