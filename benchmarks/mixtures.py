"""What the mixture of the closed form could have been instead: the alternatives that are measured.

Each function is the KL of clean vectors (N, C) at noise and left, (N,), see `NormalMixture.kl`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ddad.diffusion.mixture import NormalMixture, nearest_centres
from ddad.score.noise import seeded_generator

Kl = Callable[["Fitted", Tensor, float, float], Tensor]
"""Of vectors (N, C) at noise and left: (N,)."""


NEAR = 8
"""Components that these are taken over: the likeliest, which have all but a hair."""
SHRUNK = 1000
"""Vectors' worth of the shared covariance in each group's."""


class Fitted(NamedTuple):
    """A mixture, and what its components could have had instead of equal weights and one
    covariance."""

    mixture: NormalMixture
    counts: Tensor
    """(K,), vectors nearest to each centre."""
    energy: Tensor
    """(K,), their mean residual in units of the shared covariance."""
    squares: Tensor
    """(K, C), sums of their squared residuals in the eigenbasis."""

    @classmethod
    def to(cls, vectors: Tensor, components: int) -> Fitted:
        mixture = NormalMixture.fit(vectors, components)
        z = mixture.rotate(vectors)
        nearest = nearest_centres(z, mixture.rotated)
        residual = (z - mixture.rotated[nearest]).square()
        count = torch.bincount(nearest, minlength=len(mixture.centres)).float()
        squares = torch.zeros_like(mixture.rotated).index_add_(0, nearest, residual)
        energy = (squares / (mixture.variances + 1)).mean(1) / count.clamp(min=1)
        return cls(mixture, count, energy, squares)


def as_shipped(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    return fitted.mixture.kl(vectors, noise, left)


def likeliest(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    """Of the likeliest component alone."""
    one, shared = torch.zeros(len(fitted.counts), dtype=torch.long), fitted.mixture.variances[None]
    none = torch.zeros(len(one))
    return _local(fitted, one, shared, none, vectors, noise, left, near=1)


def weighted(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    """With weights by how many vectors each component has."""
    one = torch.zeros(len(fitted.counts), dtype=torch.long)
    shared = fitted.mixture.variances[None]
    return _local(fitted, one, shared, (fitted.counts + 0.5).log(), vectors, noise, left)


def by_kind(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    """With a covariance a kind of appearance."""
    return _grouped(fitted, fitted.mixture.kinds, vectors, noise, left)


def by_spread(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    """With a covariance for each eighth of the components, by how far their vectors stray."""
    bounds = torch.quantile(fitted.energy, torch.linspace(0, 1, 9)[1:-1])
    return _grouped(fitted, torch.bucketize(fitted.energy, bounds), vectors, noise, left)


def _grouped(fitted: Fitted, group: Tensor, vectors: Tensor, noise: float, left: float) -> Tensor:
    shared = fitted.mixture.variances
    sums = torch.zeros(int(group.max()) + 1, len(shared)).index_add_(0, group, fitted.squares)
    counts = torch.zeros(len(sums)).index_add_(0, group, fitted.counts)[:, None]
    own = ((sums + SHRUNK * shared) / (counts + SHRUNK)).clamp(min=1e-6)
    return _local(fitted, group, own, torch.zeros(len(group)), vectors, noise, left)


def _local(
    fitted: Fitted,
    group: Tensor,
    variances: Tensor,
    log_weights: Tensor,
    vectors: Tensor,
    noise: float,
    left: float,
    near: int = NEAR,
) -> Tensor:
    """The bound with variances (G, C) along the shared eigenvectors, by the group (K,) of each
    component, and weights: `NormalMixture.kl` is the case of one group and equal weights."""
    mixture = fitted.mixture
    z = mixture.rotate(vectors)
    total, step = variances + noise, left * noise / (noise - left)
    joint = log_weights.expand(len(z), -1).clone()
    for g, each in enumerate(total):
        mine, mu = group == g, mixture.rotated[group == g]
        joint[:, mine] += z / each @ mu.T - (mu.square() / each).sum(1) / 2
        joint[:, mine] -= ((z.square() / each).sum(1, True) + each.log().sum()) / 2
    log_r, likely = torch.log_softmax(joint, 1).topk(min(near, joint.shape[1]), 1)
    variance = variances * noise / total
    known = (torch.log1p(variance / step) - variance / (variance + step)).sum(1)
    weight, theirs = (noise / total).square() / (step + variance), group[likely]
    distance = (z[:, None] - mixture.rotated[likely]).square()
    error = torch.empty(likely.shape)
    for g, each in enumerate(weight):
        error[theirs == g] = distance[theirs == g] @ each
    return -torch.logsumexp(log_r - (known[theirs] + error) / 2, 1)


def drawn(fitted: Fitted, vectors: Tensor, noise: float, left: float) -> Tensor:
    """The KL at a pair of antithetic draws instead of at the noise's mean.

    y = z_0 + sqrt(n) eps moves the responsibilities and m_k; the rest stays.
    """
    mixture = fitted.mixture
    eps = torch.randn(vectors.shape, generator=seeded_generator(0))
    z = mixture.rotate(vectors)
    total, step = mixture.variances + noise, left * noise / (noise - left)
    variance = mixture.variances * noise / total
    lengths, found = (mixture.rotated.square() / total).sum(1), []
    for sign in (1, -1):
        y = z + sign * noise**0.5 * eps
        joint = y / total @ mixture.rotated.T - lengths / 2
        log_r, likely = torch.log_softmax(joint, 1).topk(min(NEAR, joint.shape[1]), 1)
        centre = mixture.rotated[likely]
        mean = centre + mixture.variances / total * (y[:, None] - centre)
        error = ((z[:, None] - mean).square() + step) / (step + variance) - 1
        kl = (torch.log1p(variance / step) + error).sum(2) / 2
        found.append(-torch.logsumexp(log_r - kl, 1))
    return torch.stack(found).mean(0)
