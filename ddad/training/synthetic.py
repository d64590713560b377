"""Paint defects with their exact true mask, and make a texture data set from a free photograph.

For tuning, tests and examples. Shapes, sizes and contrasts are drawn from wide ranges and were
not fitted to any test set. Knows nothing of models.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.interpolate import splev, splprep
from scipy.ndimage import distance_transform_edt, gaussian_filter, rotate
from skimage.draw import line

from ddad.images.files import write_png

KINDS = ("scratch", "stain", "hole", "foreign", "crack")
VISIBLE = 6
"""A pixel is in the mask when some channel changed by at least this many grey levels."""


def paint_defect(
    image: np.ndarray, kind: str, rng: np.random.Generator, *, where: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Paint one defect of a kind in KINDS on a uint8 (H, W, 3) image.

    Returns the new image and its mask, bool (H, W): the pixels that visibly changed. `where`,
    bool (H, W), holds the defect's centre. Deterministic for a generator's state. Raises
    ValueError for an unknown kind or an empty `where`.
    """
    if kind not in _PAINTERS:
        raise ValueError(f"no defect kind '{kind}': use one of {', '.join(KINDS)}")
    allowed = np.ones(image.shape[:2], bool) if where is None else where
    spots = np.argwhere(allowed)
    if not len(spots):
        raise ValueError("`where` leaves no pixel to paint a defect on")
    clean = image.astype(np.float64)
    for attempt in range(20):
        centre = spots[rng.integers(len(spots))].astype(float)
        # Contrast grows with the attempts: white paint on white shows no defect.
        strength = rng.uniform(0.25, 1.0) * (1 + 0.2 * attempt)
        painted = _PAINTERS[kind](clean, centre, strength, rng)
        result = np.rint(painted.clip(0, 255)).astype(np.uint8)
        change = np.abs(result.astype(int) - image.astype(int)).max(2)
        mask = change >= VISIBLE
        if mask.sum() >= 4:
            return np.where(mask[..., None], result, image), mask
    raise ValueError("no visible defect could be painted on this image")


def _scratch(
    clean: np.ndarray, centre: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A thin bent line, brighter or darker, fading towards its ends."""
    height, across = clean.shape[:2]
    side = min(height, across)
    length, angle = side * np.exp(rng.uniform(np.log(0.1), np.log(0.6))), rng.uniform(0, 2 * np.pi)
    along = np.linspace(-0.5, 0.5, 4)[:, None] * length * [np.sin(angle), np.cos(angle)]
    knots = centre + along + rng.normal(0, 0.05 * length, (4, 2))
    spline, _ = splprep(knots.T, s=0)
    path = np.rint(np.array(splev(np.linspace(0, 1, 200), spline)).T).astype(int)
    drawn = np.zeros((height, across))
    for index in range(199):
        rows, cols = line(*path[index], *path[index + 1])
        inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < across)
        drawn[rows[inside], cols[inside]] = np.sin(np.pi * (index + 1) / 200) ** 0.5
    width = max(0.5, side * rng.uniform(0.001, 0.006))
    profile = gaussian_filter(drawn, width)
    profile /= max(profile.max(), 1e-9)
    return _shade(clean, profile[..., None], centre, 140 * strength, rng)


def _crack(
    clean: np.ndarray, centre: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A jagged line a pixel or two wide, darker, fading towards its ends."""
    height, across = clean.shape[:2]
    side = min(height, across)
    length = side * np.exp(rng.uniform(np.log(0.12), np.log(0.8)))
    knots = max(8, round(length / (0.012 * side)))
    course = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0, 0.12, knots))
    turn = course + rng.normal(0, 0.5, knots)
    path = np.cumsum(np.stack([np.sin(turn), np.cos(turn)], 1) * length / knots, axis=0)
    path = np.rint(path - path.mean(0) + centre).astype(int)
    drawn = np.zeros((height, across))
    for index in range(knots - 1):
        rows, cols = line(*path[index], *path[index + 1])
        inside = (rows >= 0) & (rows < height) & (cols >= 0) & (cols < across)
        drawn[rows[inside], cols[inside]] = np.sin(np.pi * (index + 1) / knots) ** 0.5
    profile = gaussian_filter(drawn, rng.uniform(0.35, 0.35 + 0.0015 * side))
    profile /= max(profile.max(), 1e-9)
    y, x = np.rint(centre).astype(int)
    sign = -1 if clean[y, x].mean() > 30 else 1
    found: np.ndarray = clean + sign * rng.uniform(25, 90) * strength * profile[..., None]
    return found


def _stain(
    clean: np.ndarray, centre: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A soft blot of another tint that keeps the texture below it."""
    blob = gaussian_filter(_blob(clean.shape[:2], centre, rng).astype(float), rng.uniform(1, 3))
    tint = (
        rng.uniform(0.25, 1.0, 3) if clean.std(2).mean() > 2 else np.full(3, rng.uniform(0.2, 0.8))
    )
    cover = 0.75 * min(strength, 1.2) * blob[..., None]
    if rng.random() < 0.3:  # a bleached spot instead of a dark one
        return np.asarray(clean + (255 - clean) * cover * tint)
    return np.asarray(clean * (1 - cover * (1 - tint)))


def _hole(
    clean: np.ndarray, centre: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A pit: dark inside, with a lit rim on the side away from the light."""
    disc = _blob(clean.shape[:2], centre, rng, roughness=0.15, largest=0.01)
    depth = np.minimum(distance_transform_edt(disc) / 2.5, 1)[..., None]
    light = rng.uniform(0, 2 * np.pi)
    dy, dx = np.gradient(gaussian_filter(disc.astype(float), 1.2))
    rim = (dy * np.sin(light) + dx * np.cos(light))[..., None]
    found: np.ndarray = clean * (1 - min(0.9, 0.5 + 0.4 * strength) * depth) + 160 * strength * rim
    return found


def _foreign(
    clean: np.ndarray, centre: np.ndarray, strength: float, rng: np.random.Generator
) -> np.ndarray:
    """A patch of something else: this image turned and moved, or procedural noise."""
    blob = gaussian_filter(_blob(clean.shape[:2], centre, rng).astype(float), 0.7)[..., None]
    if rng.random() < 0.5:
        other = rotate(
            clean, rng.uniform(30, 150), axes=(1, 0), reshape=False, order=1, mode="mirror"
        )
        other = np.roll(other, rng.integers(10, 60, 2), axis=(0, 1))
        other = other + rng.choice([-1, 1]) * 45 * strength
    else:
        noise = gaussian_filter(rng.normal(size=clean.shape[:2]), rng.uniform(0.6, 3))
        noise /= noise.std()
        other = rng.uniform(40, 215, 3 if clean.std(2).mean() > 2 else 1) + 30 * noise[..., None]
    found: np.ndarray = clean + (other - clean) * blob * min(1.0, 0.5 + 0.5 * strength)
    return found


_PAINTERS: dict[str, Callable[..., np.ndarray]] = dict(
    zip(KINDS, (_scratch, _stain, _hole, _foreign, _crack), strict=True)
)


def _blob(
    shape: tuple[int, int],
    centre: np.ndarray,
    rng: np.random.Generator,
    *,
    roughness: float = 0.45,
    largest: float = 0.03,
) -> np.ndarray:
    """An irregular filled outline, bool: area log-uniform from 0.05 % to `largest` of the image."""
    area = shape[0] * shape[1] * np.exp(rng.uniform(np.log(5e-4), np.log(largest)))
    radius = max(2.0, np.sqrt(area / np.pi))
    y, x = np.mgrid[: shape[0], : shape[1]] - centre[:, None, None]
    angle, stretch = rng.uniform(0, np.pi), np.sqrt(rng.uniform(0.5, 1))
    u = (x * np.cos(angle) + y * np.sin(angle)) * stretch
    v = (y * np.cos(angle) - x * np.sin(angle)) / stretch
    theta = np.arctan2(v, u)
    bumps = sum(
        rng.normal() / k * np.cos(k * theta + rng.uniform(0, 2 * np.pi)) for k in range(2, 7)
    )
    return np.asarray(np.hypot(u, v) < radius * np.clip(1 + roughness * bumps, 0.4, 1.8))


def _shade(
    clean: np.ndarray,
    profile: np.ndarray,
    centre: np.ndarray,
    amount: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Brighter or darker along a profile, away from the grey level at the centre where it clips."""
    y, x = np.rint(centre).astype(int)
    level = clean[y, x].mean()
    sign = rng.choice([-1, 1]) if 70 < level < 185 else (1 if level <= 70 else -1)
    return clean + sign * amount * profile


BRICK_SIDE = 85
"""Pixels a side of the 36 squares that the brick wall is cut into."""


def brick_tree(out: Path, *, seed: int = 0) -> None:
    """An MVTec-shaped data set from scikit-image's CC0 photograph of a brick wall (512 x 512).

    Squares that share no pixel, a quarter of them drawn at random to test with: so what is held
    out of training is as the test's is (exchangeable), wherever the wall changes. They are called
    by row and column. Each test square is there once good and once with a defect of each kind.
    """
    from skimage.data import brick

    photo = np.repeat(brick()[..., None], 3, axis=2)
    rng = np.random.default_rng(seed)

    def write(pixels: np.ndarray, *parts: str) -> None:
        path = out.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(pixels, path)

    tests = set(rng.permutation(36)[:9].tolist())
    for index in range(36):
        row, column = divmod(index, 6)
        name = f"{row}{column}.png"
        top, left = row * BRICK_SIDE, column * BRICK_SIDE
        crop = photo[top : top + BRICK_SIDE, left : left + BRICK_SIDE]
        write(crop, "test" if index in tests else "train", "good", name)
        for kind in KINDS[:4] if index in tests else ():  # hair cracks are finer than a pixel here
            image, mask = paint_defect(crop, kind, rng)
            write(image, "test", kind, name)
            mask_name = name.replace(".png", "_mask.png")
            write(mask.astype(np.uint8) * 255, "ground_truth", kind, mask_name)
