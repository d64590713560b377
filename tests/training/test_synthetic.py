from __future__ import annotations

import numpy as np
import pytest
from parts import ROOT, texture
from PIL import Image

from benchmarks.examples import PICKS, bricks
from ddad.data.datasets import read
from ddad.training.synthetic import BRICK_SIDE, KINDS, VISIBLE, brick_tree, paint_defect

CANVASES = {
    "texture": texture(np.random.default_rng(0), 96, 120),
    "white": np.full((96, 120, 3), 255, np.uint8),
    "black": np.zeros((96, 120, 3), np.uint8),
    "grey": np.full((64, 64, 3), 128, np.uint8),
    "small": texture(np.random.default_rng(1), 16, 20),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("canvas", CANVASES)
def test_the_mask_is_what_changed_and_nothing_else_did(kind, canvas):
    image = CANVASES[canvas]
    for seed in range(8):
        painted, mask = paint_defect(image, kind, np.random.default_rng(seed))
        change = np.abs(painted.astype(int) - image).max(2)
        assert painted.dtype == np.uint8 and painted.shape == image.shape
        np.testing.assert_array_equal(mask, change >= VISIBLE)
        assert (painted[~mask] == image[~mask]).all()
        assert 4 <= mask.sum() < 0.5 * mask.size


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_paints_the_same_defect(kind):
    image = CANVASES["texture"]
    one, two, other = (paint_defect(image, kind, np.random.default_rng(s))[0] for s in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def test_the_shipped_examples_can_be_painted_again():
    """Of the brick, whose photograph is at hand: every file, pixel by pixel."""
    images, where = bricks()
    folder = ROOT / "checkpoints" / "brick" / "examples"
    for place, (index, kind, seed) in enumerate(PICKS["brick"], 1):
        if kind:
            painted, mask = paint_defect(
                images[index], kind, np.random.default_rng(seed), where=where
            )
            shipped = np.asarray(Image.open(folder / f"{place}_{kind}.png"))
            np.testing.assert_array_equal(painted, shipped)
            shipped = np.asarray(Image.open(folder / f"{place}_{kind}_mask.png"))
            np.testing.assert_array_equal(mask, shipped > 127)


def test_a_defect_lies_where_it_may():
    image, where = CANVASES["texture"], np.zeros((96, 120), bool)
    where[10:20, 80:100] = True
    for seed in range(10):
        _, mask = paint_defect(image, "hole", np.random.default_rng(seed), where=where)
        y, x = np.argwhere(mask).mean(0)
        assert 0 <= y < 40 and 60 <= x < 120


def test_impossible_requests_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="scratch, stain"):
        paint_defect(CANVASES["grey"], "dent", rng)
    with pytest.raises(ValueError, match="no pixel"):
        paint_defect(CANVASES["grey"], "hole", rng, where=np.zeros((64, 64), bool))


def test_the_squares_of_the_wall_share_no_pixel(tmp_path):
    """And a test's square is there good and with each defect, which its mask shows."""
    from skimage.data import brick

    photo, side = brick(), BRICK_SIDE
    brick_tree(tmp_path)
    samples = read(tmp_path)
    good = {s.path.stem: s for s in samples if not s.anomalous}
    assert len(good) == 36 and sum(s.split == "test" for s in good.values()) == 9
    for stem, sample in good.items():
        row, column = map(int, stem)
        window = photo[row * side : (row + 1) * side, column * side : (column + 1) * side]
        np.testing.assert_array_equal(np.asarray(Image.open(sample.path))[..., 0], window)
    for sample in samples:
        if sample.anomalous:
            clean = np.asarray(Image.open(good[sample.path.stem].path))
            change = (np.asarray(Image.open(sample.path)) != clean).any(2)
            assert good[sample.path.stem].split == "test"
            mask = np.asarray(Image.open(sample.mask_path)) > 127
            assert mask.any() and not (change & ~mask).any()
