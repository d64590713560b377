"""A mixture of Gaussians with one shared covariance, and its diffusion in closed form.

Knows vectors, nothing of images or networks. It is fitted to feature vectors of normal parts.
Vectors (N, C) come in their own units. Noise is given as the variance that it adds to a vector
scaled to unit mean variance, n_t = (1 - abar_t) / abar_t of the scheduler: a vector noised to t,
divided by sqrt(abar_t), is y = z_0 + sqrt(n_t) eps. Everything is differentiable in the vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

KINDS = 16
"""Kinds of appearance that are told apart where it is asked how much of each there is."""
WIDEST = 192
"""Directions in which centres are looked for."""
ROWS = 2048
"""Vectors compared with their components at once, for the memory of large photographs."""


class Posterior(NamedTuple):
    """The clean vectors, given noised ones."""

    mean: Tensor
    """(N, C), in the vectors' own units."""
    variance: Tensor
    """(N, C), along the eigenvectors, in units of the mean channel variance."""


class Step(NamedTuple):
    """One step of the diffusion of clean vectors, at the mean of the noise."""

    kl: Tensor
    """(N,), nats."""
    kinds: Tensor
    """(N, KINDS), responsibility of each kind of appearance for the noised vector; no gradient."""


@dataclass(frozen=True)
class NormalMixture:
    """Centres (K, C) of vectors scaled to unit mean variance, and their residuals' covariance."""

    mean: Tensor
    """(C,), in the vectors' own units."""
    scale: Tensor
    """(1,), root of the mean channel variance, in the same units."""
    centres: Tensor
    """(K, C), after (x - mean) / scale."""
    basis: Tensor
    """(C, C), columns are the eigenvectors of the residual covariance."""
    variances: Tensor
    """(C,), its eigenvalues."""
    kinds: Tensor
    """(K,), whole numbers from 0: which kind of appearance each centre shows, see `kinds_of`."""

    @classmethod
    def fit(
        cls, vectors: Tensor, components: int, *, seed: int = 0, sweeps: int = 8
    ) -> NormalMixture:
        """Centres by k-means of vectors (N, C), then the covariance of what is left.

        At most one centre for 16 vectors, so that a centre stays an average. Every centre counts
        the same in the covariance and the first ones are spread out: else the plain ground around
        a small part, which most vectors are of, would decide what varies. The channels are not
        standardised: directions that vary much in normal parts are discounted by the covariance,
        those that vary little keep their own scale.
        """
        mean = vectors.mean(0)
        scale = vectors.var(0).mean().sqrt().clamp(min=1e-6)[None]
        x = (vectors - mean) / scale
        y = x @ _widest(x)
        near = _spread(y, max(1, min(components, len(x) // 16)), seed)
        for _ in range(sweeps):
            near = _means(y, nearest_centres(y, near), near)
        nearest = nearest_centres(y, near)
        centres = _means(x, nearest, x.new_zeros(len(near), x.shape[1]))
        count = torch.bincount(nearest, minlength=len(centres))
        residual = (x - centres[nearest]) * count[nearest].rsqrt()[:, None]
        covariance = residual.T @ residual / (count > 0).sum()
        variances, basis = torch.linalg.eigh(covariance.double())
        variances = variances.clamp(min=1e-6).float()
        kinds = kinds_of(centres @ basis.float(), variances)
        return cls(mean, scale, centres, basis.float(), variances, kinds)

    def with_kinds_of(self, other: NormalMixture) -> NormalMixture:
        """The same with the kinds of another one: each centre has that of the nearest there.

        Mixtures of different vectors number their kinds as it comes; so they can be compared.
        """
        there, spread = other.rotate(self._back(self.rotated)), (other.variances + 1).sqrt()
        nearest = nearest_centres(there / spread, other.rotated / spread)
        return replace(self, kinds=other.kinds[nearest])

    def to(self, device: torch.device) -> NormalMixture:
        return NormalMixture(*(getattr(self, field.name).to(device) for field in fields(self)))

    @cached_property
    def rotated(self) -> Tensor:
        """The centres (K, C) in the eigenbasis."""
        with torch.inference_mode(False):  # it is kept, and gradients may want it later
            return self.centres @ self.basis

    def rotate(self, vectors: Tensor) -> Tensor:
        """Vectors (N, C) in their own units, scaled and in the eigenbasis, as `rotated` is."""
        return (vectors - self.mean) / self.scale @ self.basis

    def responsibilities(self, vectors: Tensor, noise: float) -> Tensor:
        """How likely each component made each noised vector y: (N, K), rows add up to 1."""
        return torch.softmax(self._log_joint(self.rotate(vectors), noise), 1)

    def posterior(self, vectors: Tensor, noise: float) -> Posterior:
        """The clean vectors z_0 given the noised y: mean and variance over all components.

        Component k has the mean mu_k + L / (L + n) (y - mu_k) and the variance L n / (L + n) along
        the eigenvectors, L the eigenvalues; what the components disagree in adds to the variance.
        """
        rotated = self.rotate(vectors)
        weight = torch.softmax(self._log_joint(rotated, noise), 1)
        gain = self.variances / (self.variances + noise)
        centre, square = weight @ self.rotated, weight @ self.rotated.square()
        spread = (square - centre.square()).clamp(min=0) * (1 - gain).square()
        mean = centre + gain * (rotated - centre)
        return Posterior(self._back(mean), gain * noise + spread)

    def kl(self, vectors: Tensor, noise: float, left: float) -> Tensor:
        """KL(q(z_s | z_t, z_0) || p(z_s | z_t)) of clean vectors z_0: (N,), nats, >= 0.

        `noise` is n_t, `left` the n_s < n_t of the step's end; the noise is at its mean, y = z_0.
        p is a mixture of Gaussians, q one: the bound -log sum_k r_k exp(-KL_k) of Hershey and Olsen
        2007 (eq. 18, for a single Gaussian q) is never below the truth.
        """
        return next(self.steps(vectors, [(noise, left)])).kl

    def steps(self, vectors: Tensor, noises: Sequence[tuple[float, float]]) -> Iterator[Step]:
        """`kl` and the kinds of what is seen at each (noise, left) in turn.

        The vectors are rotated once.
        """
        rotated = self.rotate(vectors)
        for noise, left in noises:
            parts = [self._step(rows, noise, left) for rows in rotated.split(ROWS)]
            yield Step(*map(torch.cat, zip(*parts, strict=True)))

    def _step(self, z: Tensor, noise: float, left: float) -> Step:
        """Of rotated vectors. With a = L / (L + n_t), V = a n_t and g = n_s n_t / (n_t - n_s), the
        variance of z_s under q in units of its share of z_0: KL_k =
        1/2 sum_i [log(1 + V/g) + (g + ((1 - a)(z_0 - mu_k))^2) / (g + V) - 1].
        """
        total, jump = self.variances + noise, left * noise / (noise - left)
        variance = self.variances * noise / total
        weight = (noise / total).square() / (jump + variance)
        lengths = (self.rotated.square() * weight).sum(1) + (z.square() * weight).sum(1, True)
        error = torch.addmm(lengths, z * weight, self.rotated.T, alpha=-2)
        known = torch.log1p(variance / jump).sum() - (variance / (jump + variance)).sum()
        joint = self._log_joint(z, noise)
        kl = known / 2 - _logsumexp(torch.log_softmax(joint, 1) - error / 2)
        kinds = functional.one_hot(self.kinds, KINDS).to(z)
        return Step(kl.clamp(min=0), torch.softmax(joint.detach(), 1) @ kinds)

    def energy(self, vectors: Tensor, noise: float) -> Tensor:
        """Mahalanobis distance (N,) to the likeliest component under noise, mean over dimensions.

        Minus twice the log-density a dimension, without its constant. Differentiable.
        """
        rotated = self.rotate(vectors)
        residual = rotated - self.rotated[self._component(rotated, noise)]
        return (residual.square() / (self.variances + noise)).mean(1)

    def _back(self, rotated: Tensor) -> Tensor:
        return rotated @ self.basis.T * self.scale + self.mean

    def _log_joint(self, rotated: Tensor, noise: float) -> Tensor:
        """log(pi_k N(y; mu_k, L + n)) (N, K) without what all components share."""
        weight = 1 / (self.variances + noise)
        lengths = (self.rotated.square() * weight).sum(1)
        return rotated * weight @ self.rotated.T - lengths / 2

    def _component(self, rotated: Tensor, noise: float) -> Tensor:
        """The likeliest centre of each rotated vector; a choice, so it has no gradient."""
        return self._log_joint(rotated.detach(), noise).argmax(1)


def kinds_of(rotated: Tensor, variances: Tensor) -> Tensor:
    """The kind (K,) of each centre (K, C) in the eigenbasis: at most KINDS, by Ward's clustering.

    In units of how much the vectors vary, with as much noise: what two centres differ in no more
    than vectors of one centre do parts no kinds.
    """
    if len(rotated) == 1:
        return torch.zeros(1, dtype=torch.long)
    from scipy.cluster.hierarchy import fcluster, ward  # only a training needs it

    scaled = (rotated / (variances + 1).sqrt()).double().numpy()
    return torch.from_numpy(fcluster(ward(scaled), KINDS, "maxclust").astype(np.int64) - 1)


def nearest_centres(x: Tensor, centres: Tensor, rows: int = 4096) -> Tensor:
    """The index (N,) of the centre (K, C) that is nearest to each of x (N, C)."""
    lengths = centres.square().sum(1)
    parts = [torch.addmm(lengths, part, centres.T, alpha=-2).argmin(1) for part in x.split(rows)]
    return torch.cat(parts)


def _widest(x: Tensor) -> Tensor:
    """The WIDEST directions (C, D) in which centred vectors (N, C) vary most: k-means there takes
    a quarter of the time, and what is left out tells vectors of one centre from one another."""
    if x.shape[1] <= WIDEST:
        return torch.eye(x.shape[1], device=x.device)
    _, basis = torch.linalg.eigh((x.T @ x / len(x)).double())
    found: Tensor = basis[:, -WIDEST:].float()
    return found


def _means(x: Tensor, nearest: Tensor, otherwise: Tensor) -> Tensor:
    """The mean of the vectors (N, C) of each centre, or what it was where it has none."""
    count = torch.bincount(nearest, minlength=len(otherwise))[:, None]
    sums = x.new_zeros(len(otherwise), x.shape[1]).index_add_(0, nearest, x)
    return torch.where(count > 0, sums / count.clamp(min=1), otherwise)


def _logsumexp(x: Tensor) -> Tensor:
    """Of each row (N, K): (N,). As `Tensor.logsumexp`, by `log_softmax`, which is ten times faster
    on CPUs."""
    highest, where = x.max(1, keepdim=True)
    return (highest - torch.log_softmax(x, 1).gather(1, where))[:, 0]


def _spread(x: Tensor, count: int, seed: int) -> Tensor:
    """First centres (count, C): vectors drawn by their squared distance to those drawn before.

    As k-means++ (Arthur and Vassilvitskii 2007), an eighth of the centres at a time.
    """
    generator = torch.Generator().manual_seed(seed)
    distance = torch.ones(len(x))
    drawn: list[Tensor] = []
    for turn in range(8):
        size = count * (turn + 1) // 8 - count * turn // 8
        if size:
            chosen = torch.multinomial(distance + 1e-9, size, generator=generator)
            drawn.append(x[chosen])
            found = (x - drawn[-1][nearest_centres(x, drawn[-1])]).square().sum(1)
            distance = torch.minimum(distance, found) if len(drawn) > 1 else found
    return torch.cat(drawn)
