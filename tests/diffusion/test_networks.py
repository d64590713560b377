from __future__ import annotations

import json

import torch
from parts import ROOT

from ddad.diffusion.networks import UNetConfig, image_unet


def test_the_default_network_is_the_one_that_is_shipped():
    config = json.loads((ROOT / "checkpoints" / "cookie" / "unet" / "config.json").read_text())
    made = dict(image_unet(UNetConfig(), tuple(config["sample_size"])).config)
    shown = {name: value for name, value in config.items() if not name.startswith("_")}
    assert json.loads(json.dumps({name: made[name] for name in shown})) == shown


def test_a_fresh_network_says_nothing_and_takes_any_multiple_of_its_stride():
    config = UNetConfig((8, 16, 24), layers=1)
    unet = image_unet(config, (16, 16))
    assert config.stride == 4
    for height, width in ((16, 16), (12, 20)):
        said = unet(torch.randn(2, 3, height, width), torch.tensor([3, 900])).sample
        assert said.shape == (2, 6, height, width) and not said.any()
