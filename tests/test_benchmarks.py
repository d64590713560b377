"""The peers that our figures are compared with must be right as well."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from parts import spoil, texture

from benchmarks import trees
from benchmarks.peers import _coreset, patchcore, spr
from ddad.data import datasets
from ddad.diffusion.extractor import Extractor


def test_the_coreset_covers_every_cluster_before_any_twice():
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn(10, 32, generator=generator) * 50
    x = (centres[:, None] + torch.randn(10, 20, 32, generator=generator)).flatten(0, 1)
    chosen = _coreset(x, 0.05, generator)
    assert len(chosen) == 10
    assert len(torch.cdist(chosen, centres).argmin(1).unique()) == 10


def test_peers_find_a_painted_square(tiny_backbone, tiny_detector):
    rng = np.random.default_rng(3)
    normals = [texture(rng) for _ in range(8)]
    broken, mask = spoil(texture(rng), rng)
    images = [broken, *(texture(rng) for _ in range(3))]
    for results in (
        patchcore(Extractor.load(tiny_backbone), normals, images),
        spr(tiny_detector, images),
    ):
        (score_map, score), *good = results
        assert score_map.shape == mask.shape
        assert score > max(other for _, other in good)
        assert score_map[mask].mean() > 2 * score_map[~mask].mean()


def test_no_truth_is_guessed_in_random_trees(capsys):
    assert trees.main(["--trees", "150", "--seed", "7"]) == 0, capsys.readouterr().out
    assert "| all | 150 |" in capsys.readouterr().out


def test_a_wrong_truth_is_seen(monkeypatch, capsys):
    monkeypatch.setattr(trees.datasets, "normals", partial(datasets.normals, all_good=True))
    assert trees.main(["--trees", "3", "--layout", "good/ and defects"]) == 1
    assert "is trained on" in capsys.readouterr().out
