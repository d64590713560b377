"""The feature score: the KL of one step of the diffusion of pretrained features, in closed form.

Knows the extractor and the mixture of its normal features; nothing of files, calibration or
thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture, Step
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.composition import PLACES
from ddad.score.look import Look, described


@dataclass(frozen=True)
class FeatureModel:
    """An extractor with the mixtures that denoise what it says of normal images."""

    extractor: Extractor
    mixture: NormalMixture
    """Of the whole part."""
    closer: tuple[NormalMixture, ...] = ()
    """Of each closer look."""

    def to(self, device: torch.device) -> FeatureModel:
        closer = tuple(mixture.to(device) for mixture in self.closer)
        return FeatureModel(self.extractor.to(device), self.mixture.to(device), closer)

    @property
    def mixtures(self) -> tuple[NormalMixture, ...]:
        """The whole part's, then those of closer looks."""
        return self.mixture, *self.closer


def feature_maps(
    mixture: NormalMixture,
    scheduler: PosteriorDDPMScheduler,
    features: Tensor,
    timesteps: Sequence[int],
    left: float,
) -> Iterator[Step]:
    """KL(q(z_s | z_t, z_0) || p(z_s | z_t)) of the features z_0 of images, summed over channels.

    Of each timestep in turn for what a `Look` describes, (B, C, h, w): the KL (B, h, w), nats, and
    how far each kind of appearance answers for each place (B, G, h, w). s is where `left` of the
    noise of t is left. p is exact for the mixture of normal features, which is a diffusion
    model whose every variance is known: see `NormalMixture.kl`. The noise is left at its mean of
    zero, so nothing is drawn. Lu et al. 2023, pixel-level score, in the space of their
    feature-level score. Differentiable in the features.
    """
    steps = [jump(scheduler, t, left) for t in timesteps]
    count, size = len(features), features.shape[2:]
    for kl, kinds in mixture.steps(tokens(features), steps):
        laid_out = kinds.view(count, -1, kinds.shape[1]).transpose(1, 2)
        yield Step(kl.view(count, *size), laid_out.reshape(count, -1, *size))


def as_places(kinds: Tensor) -> np.ndarray:
    """Responsibilities (B, G, h, w) as means over places, float32 (B, G, PLACES, PLACES)."""
    return np.asarray(adaptive_avg_pool2d(kinds, PLACES).cpu(), np.float32)


def jump(scheduler: PosteriorDDPMScheduler, t: int, left: float) -> tuple[float, float]:
    """Noise ratios of t and of the timestep where `left` of it is left."""
    return scheduler.noise_ratio(t), scheduler.noise_ratio(scheduler.earlier(t, left))


def feature_energy(
    model: FeatureModel,
    scheduler: PosteriorDDPMScheduler,
    x: Tensor,
    timesteps: Sequence[int],
) -> Tensor:
    """(f(x) - mu)^T S^-1 (f(x) - mu), mean over patches and dimensions. Lu et al. 2023, Alg. 1.

    Theirs has a Gaussian a position; ours the mixture's likeliest centre, with the noise of the
    smallest timestep on the covariance, so that it suits textures and parts that are not aligned.
    A scalar, differentiable in x.
    """
    found = tokens(described(model.extractor, x))
    return model.mixture.energy(found, scheduler.noise_ratio(min(timesteps))).mean()


def tokens(features: Tensor) -> Tensor:
    """(B, C, h, w) as vectors (B h w, C)."""
    return features.flatten(2).transpose(1, 2).flatten(0, 1)


def sample_tokens(look: Look, most: int, seed: Sequence[int]) -> Tensor:
    """Feature vectors (n, C) of a look, of at most so many places drawn without replacement."""
    height, width = look.grid
    numbers = np.arange(height * width).reshape(height, width)
    drawn = np.random.default_rng(tuple(seed)).permutation(height * width)[:most]
    wanted = np.zeros(height * width, bool)
    wanted[drawn] = True
    found, places = [], []
    for tile in look.tiles:
        here = numbers[tile.place].ravel()
        chosen = np.flatnonzero(wanted[here])
        found.append(tokens(look.described(tile))[torch.from_numpy(chosen)])
        places.append(here[chosen])
    rank = np.empty(height * width, np.int64)
    rank[np.concatenate(places)] = np.arange(len(drawn))
    return torch.cat(found)[torch.from_numpy(rank[drawn])]
