"""A mixture of Gaussians with one shared covariance, and its exact denoiser.

Knows vectors, nothing of images or networks. It is fitted to feature vectors of normal parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor


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
        centres = _spread(x, max(1, min(components, len(x) // 16)), seed)
        for _ in range(sweeps):
            nearest = _nearest(x, centres)
            sums = torch.zeros_like(centres).index_add_(0, nearest, x)
            count = torch.bincount(nearest, minlength=len(centres))[:, None]
            centres = torch.where(count > 0, sums / count.clamp(min=1), centres)
        nearest = _nearest(x, centres)
        count = torch.bincount(nearest, minlength=len(centres))
        residual = (x - centres[nearest]) * count[nearest].rsqrt()[:, None]
        covariance = residual.T @ residual / (count > 0).sum()
        variances, basis = torch.linalg.eigh(covariance.double())
        return cls(mean, scale, centres, basis.float(), variances.clamp(min=1e-6).float())

    def to(self, device: torch.device) -> NormalMixture:
        return NormalMixture(*(getattr(self, field.name).to(device) for field in fields(self)))

    @cached_property
    def rotated(self) -> Tensor:
        """The centres (K, C) in the eigenbasis."""
        with torch.inference_mode(False):  # it is kept, and gradients may want it later
            return self.centres @ self.basis

    def denoise(self, vectors: Tensor, noise: float) -> Tensor:
        """E[clean | vectors] for noise of variance `noise`, in units of the mean channel variance.

        The component is the likeliest one: among hundreds of dimensions its responsibility is 1
        but for a hair. Around it the answer is the Wiener filter.
        """
        rotated = self._rotate(vectors)
        residual = rotated - self.rotated[self._component(rotated, noise)]
        gain = self.variances / (self.variances + noise)
        clean = (rotated - residual + residual * gain) @ self.basis.T
        return clean * self.scale + self.mean

    def error(self, vectors: Tensor, noise: float) -> Tensor:
        """Root mean square (N,) of vectors minus `denoise`, in units of `scale`."""
        return next(self.errors(vectors, [noise]))

    def errors(self, vectors: Tensor, noises: Sequence[float]) -> Iterator[Tensor]:
        """`error` (N,) at each noise in turn; the vectors are rotated once."""
        rotated = self._rotate(vectors)
        for noise in noises:
            residual = rotated - self.rotated[self._component(rotated, noise)]
            yield (residual * (noise / (self.variances + noise))).square().mean(1).sqrt()

    def energy(self, vectors: Tensor, noise: float) -> Tensor:
        """Mahalanobis distance (N,) to the likeliest component under noise, mean over dimensions.

        Minus twice the log-density a dimension, without its constant. Differentiable.
        """
        rotated = self._rotate(vectors)
        residual = rotated - self.rotated[self._component(rotated, noise)]
        return (residual.square() / (self.variances + noise)).mean(1)

    def _rotate(self, vectors: Tensor) -> Tensor:
        return (vectors - self.mean) / self.scale @ self.basis

    def _component(self, rotated: Tensor, noise: float) -> Tensor:
        """The likeliest centre of each rotated vector; a choice, so it has no gradient."""
        weight = self.variances + noise
        return _nearest(
            rotated.detach(), self.rotated / weight, (self.rotated.square() / weight).sum(1)
        )


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
            found = (x - drawn[-1][_nearest(x, drawn[-1])]).square().sum(1)
            distance = torch.minimum(distance, found) if len(drawn) > 1 else found
    return torch.cat(drawn)


def _nearest(x: Tensor, centres: Tensor, lengths: Tensor | None = None, rows: int = 4096) -> Tensor:
    lengths = centres.square().sum(1) if lengths is None else lengths
    parts = [torch.addmm(lengths, part, centres.T, alpha=-2).argmin(1) for part in x.split(rows)]
    return torch.cat(parts)
