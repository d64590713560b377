"""Shots of one part are found under other light and shifted; distinct parts are left apart."""

from __future__ import annotations

import numpy as np
import pytest
from parts import texture
from PIL import Image, ImageEnhance

from ddad.data.bursts import bursts, thumbnail
from ddad.data.datasets import normals
from ddad.images.decode import load_image

SIZE = (150, 200)


def clouds(rng, size=SIZE):
    """Structure of all scales, float32 (H, W, 3) of mean 0 and deviation 1."""
    total = np.zeros((*size, 3), np.float32)
    for cells in (4, 8, 16, 32):
        noise = rng.normal(0, 1, (cells, cells)).astype(np.float32)
        total += np.asarray(Image.fromarray(noise).resize(size[::-1], 3))[..., None]
    return (total - total.mean()) / total.std()


def drawn(structure):
    return (120 + 30 * structure).clip(0, 255).astype(np.uint8)


def shot(pixels, rng, shift=4):
    """Moved by some pixels, under other light, with noise."""
    down, right = rng.integers(-shift, shift + 1, 2)
    moved = np.pad(pixels, ((shift, shift), (shift, shift), (0, 0)), "edge")
    height, width = pixels.shape[:2]
    moved = moved[shift + down :, shift + right :][:height, :width]
    light = ImageEnhance.Brightness(Image.fromarray(moved)).enhance(rng.uniform(0.7, 1.3))
    noisy = np.asarray(light, np.float32) + rng.normal(0, 2, pixels.shape)
    return noisy.clip(0, 255).astype(np.uint8)


def found(images):
    return bursts([thumbnail(each) for each in images], [each.shape[:2] for each in images])


def aligned(rng, parts, own=0.5):
    """Parts that share most of their structure, as those in one fixture do."""
    common = clouds(rng)
    return [drawn(common + own * clouds(rng)) for _ in range(parts)]


@pytest.mark.parametrize("draw", [aligned, lambda rng, n: [drawn(clouds(rng)) for _ in range(n)]])
def test_shots_of_one_part_are_one_burst(draw):
    rng = np.random.default_rng(0)
    shots = [shot(part, rng) for part in draw(rng, 12) for _ in range(3)]
    order = rng.permutation(len(shots))
    same = found([shots[i] for i in order])
    part = order // 3
    assert len(set(same)) == 12 and all(part[first] == part[i] for i, first in enumerate(same))
    assert all(first <= i for i, first in enumerate(same))  # the first of its burst


@pytest.mark.parametrize("own", [0.3, 0.5, 1.0])
def test_distinct_parts_alike_are_left_apart(own):
    rng = np.random.default_rng(1)
    assert found(aligned(rng, 40, own)) == list(range(40))


def test_one_burst_among_many_parts_is_found():
    rng = np.random.default_rng(2)
    images = aligned(rng, 30)
    images += [shot(images[7], rng)]
    assert found(images) == [*range(30), 7]


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_few_parts_are_left_apart_and_exact_copies_joined(count):
    images = aligned(np.random.default_rng(3), count)
    assert found(images) == list(range(count))
    assert found([*images, *images]) == [*range(count), *range(count)]


def test_blank_photographs_are_one_and_join_no_other():
    blank = [np.full((*SIZE, 3), grey, np.uint8) for grey in (0, 0, 255)]
    images = [*blank, *aligned(np.random.default_rng(4), 5)]
    assert found(images) == [0, 0, 0, *range(3, 8)]


def test_a_resized_and_recompressed_copy_is_the_same_shot():
    images = aligned(np.random.default_rng(5), 12)
    images.append(np.asarray(Image.fromarray(images[3]).resize((180, 135))))
    assert found(images) == [*range(12), 3]


def test_crops_that_overlap_are_one_and_others_are_not():
    """A texture cut into crops of different sizes: what overlaps is not independent."""
    rng = np.random.default_rng(6)
    boxes = [(0, 0, 150, 170), (10, 12, 150, 160)]
    large = [drawn(clouds(rng)) for _ in range(10)]
    crops = [each[top:bottom, left:right] for each in large for top, left, bottom, right in boxes]
    assert found(crops) == [i // 2 * 2 for i in range(20)]


@pytest.mark.parametrize("shape", [(8, 8), (1, 300), (400, 3), (2000, 20)])
def test_any_shape_is_taken(shape):
    rng = np.random.default_rng(7)
    images = [rng.integers(0, 255, (*shape, 3), dtype=np.uint8) for _ in range(4)]
    assert max(thumbnail(images[0]).shape) <= 256
    assert len(found(images)) == 4


def test_stripes_of_other_phases_are_other_parts():
    rng = np.random.default_rng(8)
    assert found([texture(rng) for _ in range(24)]) == list(range(24))


def test_the_exposures_of_real_tiles_are_found(real_data):
    samples = normals(real_data / "mtd").samples[:150]
    images = [load_image(sample.path).pixels for sample in samples]
    same = found(images)
    parts = [sample.group for sample in samples]
    assert all(parts[first] == part for first, part in zip(same, parts, strict=True))
    assert len(set(parts)) <= len(set(same)) <= len(set(parts)) + 2


def test_real_parts_in_one_fixture_are_left_apart_but_for_the_one_photographed_twice(real_data):
    samples = normals(real_data / "mvtec_bottle").samples[:100]
    names = [sample.path.stem for sample in samples]
    same = found([load_image(sample.path).pixels for sample in samples])
    assert {(names[f], n) for f, n in zip(same, names, strict=True) if names[f] != n} == {
        ("069", "070")  # the same hair, the same scratches
    }
