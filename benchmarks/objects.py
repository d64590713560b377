"""Drawn parts: what a photograph of one, or of a tray of several, may look like.

Free of anyone's terms. `draw` gives one object, `tray` several of different kinds at jittered
places, as the benchmark of missing and doubled parts wants them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.transform import AffineTransform, warp

Fields = tuple[np.ndarray, np.ndarray]
"""y and x from the centre in half sides: -1 to 1."""


@dataclass(frozen=True)
class Look:
    """What an object is made of: everything that two of a kind have in common."""

    kind: str
    colours: np.ndarray
    """(3, 3), 0 to 255: body, second part, marks."""
    shape: np.ndarray
    """(4,), 0 to 1: proportions, each kind reads them its own way."""
    grain: float
    """Deviation of the surface's noise, grey levels."""
    texture: int
    """Seed of what is irregular in all of that look."""


def look(kind: str, rng: np.random.Generator) -> Look:
    base = rng.uniform(40, 220)
    tint = rng.normal(0, rng.choice([4, 40]), (3, 3))
    colours = (base + rng.normal(0, 45, (3, 1)) + tint).clip(5, 250)
    return Look(kind, colours, rng.random(4), rng.uniform(0, 6), int(rng.integers(2**31)))


def draw(look: Look, side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Colours (side, side, 3), 0 to 255, and cover (side, side), 0 to 1, of one of that look."""
    y, x = np.mgrid[:side, :side] / (side - 1) * 2 - 1
    layers = _KINDS[look.kind]((y, x), look, np.random.default_rng(look.texture))
    soft = 1.2 * 2 / side
    cover = _edge(layers[0], soft)
    colour = np.broadcast_to(look.colours[0], (side, side, 3)).astype(float)
    for number, layer in enumerate(layers[1:]):
        colour = colour + (look.colours[1 + number % 2] - colour) * _edge(layer, soft)[..., None]
    light = 1 + 0.25 * (y * -0.6 + x * -0.5) + 0.15 * gaussian_filter(cover - 0.5, side / 20)
    noise = rng.normal(0, look.grain, (side, side, 1))
    return (colour * light[..., None] + noise).clip(0, 255), cover


def _edge(distance: np.ndarray, soft: float) -> np.ndarray:
    """1 inside (negative distance), 0 outside."""
    return np.asarray((0.5 - distance / soft).clip(0, 1))


def _round(at: Fields, radius: float, squash: float = 1.0) -> np.ndarray:
    return np.asarray(np.hypot(at[0] / squash, at[1]) - radius)


def _box(at: Fields, height: float, width: float, corner: float = 0.05) -> np.ndarray:
    dy, dx = np.abs(at[0]) - height + corner, np.abs(at[1]) - width + corner
    outside = np.hypot(np.maximum(dy, 0), np.maximum(dx, 0))
    return np.asarray(outside + np.minimum(np.maximum(dy, dx), 0) - corner)


def _washer(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    outer, inner = 0.9, 0.3 + 0.35 * look.shape[0]
    ring = np.maximum(_round(at, outer), -_round(at, inner))
    groove = np.abs(_round(at, (outer + inner) / 2)) - 0.05 * look.shape[1]
    return [ring, np.maximum(groove, ring)]


def _screw(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    width = 0.12 + 0.12 * look.shape[0]
    shaft = _box((at[0] - 0.15, at[1]), 0.75, width)
    head = _box((at[0] + 0.7, at[1]), 0.2, 2 * width, 0.08)
    threads = np.maximum(np.sin(at[0] * (25 + 25 * look.shape[1])) * 0.05, shaft)
    return [np.minimum(shaft, head), np.maximum(threads, -(at[0] + 0.4))]


def _label(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    paper = _box(at, 0.45 + 0.4 * look.shape[0], 0.9)
    lines = []
    for row in np.linspace(-0.3, 0.3, 3):
        for place in np.arange(-0.75, 0.6, 0.16):
            wide = rng.uniform(0.02, 0.075)
            lines.append(_box((at[0] - row, at[1] - place), rng.uniform(0.03, 0.09), wide, 0.01))
    return [paper, paper + 1, np.minimum.reduce(lines)]


def _pill(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    body = _round(at, 0.9, 0.5 + 0.4 * look.shape[0])
    speckles = gaussian_filter(rng.normal(size=body.shape), body.shape[0] / 60)
    marks = np.maximum(0.06 * (2.2 - speckles / speckles.std()), body)
    bar = _box(at, 0.12, 0.06)
    return [body, marks, np.maximum(bar, body)]


def _nut(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    angle = np.arctan2(*at)
    sides = 4 + int(5 * look.shape[0])
    turn = (angle % (2 * np.pi / sides)) - np.pi / sides
    body = np.hypot(*at) * np.cos(turn) - 0.8
    hole = -_round(at, 0.3 + 0.2 * look.shape[1])
    return [np.maximum(body, hole), np.maximum(np.abs(_round(at, 0.65)) - 0.03, hole)]


def _chip(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    body = _box(at, 0.6, 0.5)
    pins = [
        _box((at[0] - place, at[1] - side), 0.045, 0.15, 0.01)
        for place in np.linspace(-0.5, 0.5, 4 + int(5 * look.shape[0]))
        for side in (-0.6, 0.6)
    ]
    dot = _round((at[0] + 0.45, at[1] + 0.35), 0.07)
    return [np.minimum(body, np.minimum.reduce(pins)), np.maximum(-body, -1.0) + 0.0, dot]


def _bottle(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    rings = [np.abs(_round(at, r)) - 0.04 for r in (0.75, 0.45 + 0.2 * look.shape[0])]
    return [_round(at, 0.92), np.minimum.reduce(rings), _round(at, 0.3 + 0.15 * look.shape[1])]


def _biscuit(at: Fields, look: Look, rng: np.random.Generator) -> list[np.ndarray]:
    angle = np.arctan2(*at)
    bumps = sum(rng.normal(0, 0.02) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(3, 12))
    body = _round(at, 0.85) + bumps
    chips = [
        _round((at[0] - a, at[1] - b), rng.uniform(0.04, 0.12))
        for a, b in rng.normal(0, 0.4, (9, 2))
    ]
    return [body, np.maximum(np.minimum.reduce(chips), body)]


_KINDS: dict[str, Callable[..., list[np.ndarray]]] = {
    "washer": _washer,
    "screw": _screw,
    "label": _label,
    "pill": _pill,
    "nut": _nut,
    "chip": _chip,
    "bottle": _bottle,
    "biscuit": _biscuit,
}
KINDS = tuple(_KINDS)


def ground(side: int, rng: np.random.Generator, seed: int | None = None) -> np.ndarray:
    """A table (side, side, 3): plain, shaded or grained; of one seed the same but for its noise."""
    fixed = np.random.default_rng(seed) if seed is not None else rng
    colour = fixed.uniform(20, 235) + fixed.normal(0, 8, 3)
    y, x = np.mgrid[:side, :side] / side - 0.5
    shade = fixed.normal(0, 12, 2)
    grain = gaussian_filter(fixed.normal(size=(side, side)), np.exp(fixed.uniform(0, 3)))
    grain = grain / grain.std() * fixed.choice([0, 2, 10])
    noise = rng.normal(0, fixed.uniform(0.5, 4), (side, side, 1))
    return np.asarray(colour + (shade[0] * y + shade[1] * x + grain)[..., None] + noise)


def put(
    picture: np.ndarray, what: tuple[np.ndarray, np.ndarray], centre: Sequence[float], turn: float
) -> None:
    """Lay an object, turned by radians, onto a picture in place, with a soft shadow."""
    colour, cover = what
    side, middle = len(cover), (len(cover) - 1) / 2
    there = AffineTransform(translation=(-middle, -middle)) + AffineTransform(rotation=turn)
    there = there + AffineTransform(translation=(centre[1], centre[0]))
    size = picture.shape[:2]
    laid = warp(cover, there.inverse, output_shape=size, order=1)[..., None]
    shadow = gaussian_filter(np.roll(laid[..., 0], (side // 40 + 1,) * 2, (0, 1)), side / 40)
    picture *= 1 - 0.35 * shadow[..., None] * (1 - laid)
    shown = warp(colour, there.inverse, output_shape=size, order=1)
    picture += (shown - picture) * laid


def single(side: int, rng: np.random.Generator) -> np.ndarray:
    """One or a few drawn objects on a table, uint8 (side, side, 3)."""
    picture = ground(side, rng)
    for _ in range(1 if rng.random() < 0.5 else rng.integers(2, 7)):
        size = int(side * np.exp(rng.uniform(np.log(0.25), np.log(0.95))))
        thing = draw(look(str(rng.choice(KINDS)), rng), size, rng)
        put(picture, thing, rng.uniform(0.2, 0.8, 2) * side, rng.uniform(0, 2 * np.pi))
    return np.asarray(picture.clip(0, 255).round().astype(np.uint8))


@dataclass(frozen=True)
class Tray:
    """Slots on a tray with what lies in each: what all photographs of good trays share."""

    looks: tuple[Look, ...]
    slots: tuple[tuple[float, float, int], ...]
    """y and x of the middle, shares of the side, and which look lies there."""
    size: float
    """Of an object, share of the side."""
    table: int
    """Seed of the ground."""
    free_turn: bool
    """Whether objects lie at any angle."""


CHANGES = ("missing", "extra", "swapped")


def tray(rng: np.random.Generator) -> Tray:
    """A tray of three kinds of object in six to twelve slots, with empty places between."""
    rows, columns = int(rng.integers(2, 4)), int(rng.integers(3, 5))
    kinds = rng.choice(["screw", "washer", "label", "nut", "chip", "pill"], 3, replace=False)
    looks = tuple(look(str(kind), rng) for kind in kinds)
    slots = tuple(
        ((row + 0.5) / rows, (column + 0.5) / columns, int((row + column) % 3))
        for row in range(rows)
        for column in range(columns)
    )
    size = 0.62 / max(rows, columns)
    return Tray(looks, slots, size, int(rng.integers(2**31)), bool(rng.random() < 0.5))


def tray_picture(
    plan: Tray, change: str, side: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A photograph of a tray, uint8 (side, side, 3), and where it is wrong, bool (side, side).

    `change` is one of CHANGES or "good". Objects lie up to a sixth of their size off their slots.
    """
    lying = [[y, x, which] for y, x, which in plan.slots]
    wrong: list[list[float]] = []
    chosen = int(rng.integers(len(lying)))
    if change == "missing":
        wrong = [lying.pop(chosen)]
    elif change == "extra":
        y, x, which = lying[chosen]
        down, right = (0.5 / len({slot[axis] for slot in plan.slots}) for axis in (0, 1))
        wrong = [[y + (down if y < 0.5 else -down), x + (right if x < 0.5 else -right), which]]
        lying += wrong
    elif change == "swapped":
        others = [i for i, each in enumerate(lying) if each[2] != lying[chosen][2]]
        other = int(rng.choice(others))
        lying[chosen][2], lying[other][2] = lying[other][2], lying[chosen][2]
        wrong = [lying[chosen], lying[other]]
    picture, mask = ground(side, rng, plan.table), np.zeros((side, side), bool)
    size = round(plan.size * side)
    for y, x, which in lying:
        centre = np.array([y, x]) * side + rng.uniform(-1, 1, 2) * size / 6
        turn = rng.uniform(0, 2 * np.pi) if plan.free_turn else rng.normal(0, 0.05)
        put(picture, draw(plan.looks[int(which)], size, rng), centre, turn)
    rows, columns = np.mgrid[:side, :side]
    for y, x, _ in wrong:
        mask |= np.maximum(np.abs(rows - y * side), np.abs(columns - x * side)) < size / 2
    picture *= rng.normal(1, 0.02)
    return np.asarray(picture.clip(0, 255).round().astype(np.uint8)), mask
