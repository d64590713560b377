from __future__ import annotations

import shutil

import numpy as np
import pytest
from parts import texture
from PIL import Image, ImageFilter

from ddad.data.photographs import look_over, sharpness
from ddad.diffusion.extractor import Extractor


def blocks(rng, size=(160, 200)):
    """Smooth shapes, large enough for a hash to see, with a little noise."""
    picture = Image.fromarray(rng.integers(0, 255, (14, 17, 3), dtype=np.uint8))
    large = np.asarray(picture.resize(size[::-1], Image.Resampling.BICUBIC), float)
    return (large + rng.normal(0, 4, large.shape)).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def found(tmp_path_factory, tiny_backbone):
    """Twelve photographs of parts alike, and one of each kind that deserves a look."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    common = blocks(rng).astype(float)
    for i in range(12):
        mixed = 0.6 * common + 0.4 * blocks(rng)
        Image.fromarray(mixed.astype(np.uint8)).save(folder / f"{i:02}.png")
    shutil.copy(folder / "03.png", folder / "x_copy.png")
    photo = Image.open(folder / "05.png")
    photo.resize((180, 144), Image.Resampling.BICUBIC).save(folder / "x_near.jpg", quality=80)
    Image.open(folder / "07.png").filter(ImageFilter.GaussianBlur(2)).save(folder / "x_blur.png")
    Image.open(folder / "08.png").resize((400, 60)).save(folder / "x_size.png")
    Image.fromarray(texture(rng, 160, 200)).save(folder / "x_odd.png")
    (folder / "x_bad.png").write_bytes(b"\x89PNG nonsense")
    return folder, look_over(sorted(folder.iterdir()), Extractor.load(tiny_backbone))


def kinds(intake):
    return {(f.kind, f.path.stem, f.like.stem if f.like else None) for f in intake.findings}


def test_each_kind_is_found_and_good_ones_are_left_alone(found):
    _, intake = found
    seen = kinds(intake)
    assert {
        ("unreadable", "x_bad", None),
        ("duplicate", "x_copy", "03"),
        ("near-duplicate", "x_near", "05"),
        ("blurred", "x_blur", None),
        ("size", "x_size", None),
        ("odd", "x_odd", None),
    } <= seen
    assert not {stem for kind, stem, _ in seen if not stem.startswith("x_")}


def test_nothing_is_deleted_and_exact_copies_do_not_count(found):
    folder, intake = found
    assert len(list(folder.iterdir())) == 18
    assert len(intake.readable) == 17 and len(intake.kept) == 16


def test_each_photograph_has_the_first_of_its_burst(found):
    _, intake = found
    names = [path.stem for path in intake.readable]
    firsts = {name: names[first] for name, first in zip(names, intake.firsts, strict=True)}
    assert firsts["x_copy"] == "03" and firsts["x_near"] == "05"
    assert all(firsts[name] == name for name in names if not name.startswith("x_"))


def test_blur_lowers_sharpness():
    image = texture(np.random.default_rng(0), 100, 100)
    soft = np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2)))
    assert sharpness(soft) < 0.5 * sharpness(image)


def test_few_photographs_have_neither_blur_nor_oddity(found):
    """Whatever describes them: here the mean colour."""
    folder, _ = found
    names = ("00.png", "x_blur.png", "x_odd.png")
    few = look_over([folder / name for name in names], lambda x: x.mean((2, 3), keepdim=True))
    assert not {f.kind for f in few.findings} & {"blurred", "odd"} and len(few.kept) == 3
