"""The feature score: the KL of one step of the diffusion of pretrained features, in closed form.

Knows the extractor and the mixture of its normal features; nothing of files, calibration or
thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, avg_pool2d

from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture, Step
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.score.composition import PLACES


@dataclass(frozen=True)
class FeatureModel:
    """An extractor with the mixture that denoises what it says of normal images."""

    extractor: Extractor
    mixture: NormalMixture

    def to(self, device: torch.device) -> FeatureModel:
        return FeatureModel(self.extractor.to(device), self.mixture.to(device))


CONTEXT = 9
"""Cells a side of a place's surroundings, odd."""


def described(extractor: Extractor, x: Tensor) -> Tensor:
    """What stands at each place of images x (B, 3, H, W), and around it: (B, C, H / 8, W / 8).

    The extractor's features, and the mean of its coarsest stage over CONTEXT x CONTEXT cells: what
    is usual somewhere may be strange here.
    """
    features = extractor(x)
    coarse = features[:, -extractor.coarsest :]
    around = avg_pool2d(coarse, CONTEXT, 1, CONTEXT // 2, count_include_pad=False)
    return torch.cat([features, around], 1)


def feature_maps(
    model: FeatureModel,
    scheduler: PosteriorDDPMScheduler,
    x: Tensor,
    timesteps: Sequence[int],
    left: float,
) -> Iterator[Step]:
    """KL(q(z_s | z_t, z_0) || p(z_s | z_t)) of the features z_0 of x, nats, summed over channels.

    Of each timestep in turn for images x (B, 3, H, W) in [-1, 1]: the KL (B, h, w), and how far
    each kind of appearance answers for each place (B, G, h, w). s is where `left` of the noise of t
    is left. p is exact for the mixture of normal features, which is a diffusion
    model whose every variance is known: see `NormalMixture.kl`. The noise is left at its mean of
    zero, so nothing is drawn. Lu et al. 2023, pixel-level score, in the space of their
    feature-level score. Differentiable in x.
    """
    features = described(model.extractor, x)
    steps = [jump(scheduler, t, left) for t in timesteps]
    size = features.shape[2:]
    for kl, kinds in model.mixture.steps(tokens(features), steps):
        laid_out = kinds.view(len(x), -1, kinds.shape[1]).transpose(1, 2)
        yield Step(kl.view(len(x), *size), laid_out.reshape(len(x), -1, *size))


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


@torch.inference_mode()
def sample_tokens(
    extractor: Extractor,
    images: Sequence[Tensor],
    most: int,
    seed: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Tensor]:
    """Feature vectors (n, C) of each image (3, H, W) in [-1, 1]: together about `most`."""
    each = -(-most // len(images))
    tokens = []
    for index, image in enumerate(images):
        found = described(extractor, image[None])[0].flatten(1).T
        rng = np.random.default_rng((seed, index))
        chosen = rng.permutation(len(found))[:each]
        tokens.append(found[torch.from_numpy(chosen)])
        on_progress(index + 1, len(images))
    return tokens
