from __future__ import annotations

import re

import numpy as np
from parts import ROOT

from ddad.export.render import HEAT, heat, overlay


def test_the_scale_is_fixed_and_clips():
    values = np.array([[-9.0, 0.0, 1.0, 2.0, 99.0]])
    colours = heat(values, 0, 2)[0]
    assert (colours[0] == HEAT[0]).all() and (colours[1] == HEAT[0]).all()
    assert (colours[3] == HEAT[255]).all() and (colours[4] == HEAT[255]).all()
    assert (heat(values[:, :3], 0, 2)[0] == colours[:3]).all()


def test_the_scale_rises_in_lightness():
    light = HEAT.astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) >= -1).all() and light[-1] > 230 and light[0] < 10


def test_quiet_pixels_of_an_overlay_are_the_image():
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    score_map = np.full((20, 30), -1.0, np.float32)
    none = np.zeros((20, 30), bool)
    assert (overlay(image, score_map, none, 0, 2) == image).all()
    mask = none.copy()
    mask[5:10, 5:10] = True
    score_map[mask] = 2
    drawn = overlay(image, score_map, mask, 0, 2)
    assert (drawn[~mask] == image[~mask]).all()
    assert (drawn[5, 5:10] == 255).all()
    assert not (drawn[7, 7] == 255).all()


def test_page_and_files_use_the_same_colours():
    script = (ROOT / "demo" / "web" / "canvas" / "heat.js").read_text()
    anchors = re.search(r"ANCHORS = (\[\[.*?\]\]);", script)
    assert anchors is not None
    points = np.array(eval(anchors[1]), float)
    at = np.linspace(0, 5, 256)
    expected = np.stack([np.interp(at, np.arange(6), points[:, c]) for c in range(3)], 1)
    assert (expected.astype(np.uint8) == HEAT).all()
