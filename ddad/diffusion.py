"""The diffusion process and its losses: posteriors, KL, variational bound, bits per dimension.

Knows nothing of networks, images or scores. Images are float (B, C, H, W) in [-1, 1]; `t` and `s`
are (B,) int64 tensors of timesteps, 0 <= t < T, and s = -1 stands for the clean image. Information
is in nats unless a name says bits. The network's output has 2C channels: the predicted noise eps,
then v, which places the log-variance between its two bounds (`learned_range`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from diffusers import DDPMScheduler
from torch import Tensor


class Gaussian(NamedTuple):
    """Diagonal Gaussian: mean and log-variance, broadcastable to (B, C, H, W)."""

    mean: Tensor
    log_var: Tensor


class Bound(NamedTuple):
    """Bits per dimension of a batch: total (B,), the T step terms (B, T), and L_T (B,)."""

    total: Tensor
    terms: Tensor
    prior: Tensor


class PosteriorDDPMScheduler(DDPMScheduler):
    """DDPMScheduler that exposes q(x_s | x_t, x_0) and p_theta(x_s | x_t), batched in t.

    Reads float64 tables made from its own configuration and never the state that
    `set_timesteps` changes, so sampling with it cannot disturb a score. It adds no configuration:
    what it saves is an ordinary DDPMScheduler file.

    Raises ValueError on use unless prediction_type is epsilon and variance_type learned_range.
    """

    @property
    def steps(self) -> int:
        """T, the length of the training chain."""
        return int(self.config.num_train_timesteps)

    @cached_property
    def tables(self) -> Tensor:
        """alphas_cumprod, float64 (T + 1,): entry t + 1 for timestep t, entry 0 the clean image."""
        config = self.config
        if config.prediction_type != "epsilon" or config.variance_type != "learned_range":
            raise ValueError(
                "this scheduler needs prediction_type 'epsilon' and variance_type 'learned_range', "
                f"not '{config.prediction_type}' and '{config.variance_type}'"
            )
        if config.rescale_betas_zero_snr or config.trained_betas is not None:
            raise ValueError("a scheduler with trained or rescaled betas is not supported")
        if config.beta_schedule == "linear":
            betas = np.linspace(config.beta_start, config.beta_end, self.steps, dtype=np.float64)
        elif config.beta_schedule == "squaredcos_cap_v2":
            edge = (np.arange(self.steps + 1, dtype=np.float64) / self.steps + 0.008) / 1.008
            alpha_bar = np.cos(edge * np.pi / 2) ** 2
            betas = np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
        else:
            raise ValueError(
                f"beta_schedule '{config.beta_schedule}' is not supported: "
                "use 'linear' or 'squaredcos_cap_v2'"
            )
        return torch.from_numpy(np.concatenate([[1.0], np.cumprod(1 - betas)]))

    def noise_std(self, t: int) -> float:
        """Standard deviation of the noise in x_t, sqrt(1 - alphas_cumprod_t)."""
        return math.sqrt(1 - float(self.tables[t + 1]))

    def noise_ratio(self, t: int) -> float:
        """Variance of the noise in x_t in the signal's own units, (1 - abar_t) / abar_t."""
        return 1 / float(self.tables[t + 1]) - 1

    def q_sample(self, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """x_t = sqrt(abar_t) x_0 + sqrt(1 - abar_t) eps. Ho et al. 2020, eq. 4."""
        abar = self.tables[t.cpu() + 1]
        return _like(abar.sqrt(), x0) * x0 + _like((1 - abar).sqrt(), x0) * eps

    def log_var_bounds(self, t: Tensor, s: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Lower and upper log-variance of x_s given x_t, float64 (B,): log betatilde and log beta.

        For a jump, beta is 1 - abar_t / abar_s. At t = 0 the true posterior has no variance; its
        lower bound is then that of t = 1 (Nichol & Dhariwal 2021, their released code).
        """
        abar_t, abar_s = self._pair(t, s)
        first = abar_s == 1.0  # only t = 0, s = -1 gets past _pair
        lower_t = torch.where(first, self.tables[2], abar_t)
        lower_s = torch.where(first, self.tables[1], abar_s)
        lower = (1 - lower_t / lower_s) * (1 - lower_s) / (1 - lower_t)
        return lower.log(), (1 - abar_t / abar_s).log()

    def q_posterior(self, x0: Tensor, x_t: Tensor, t: Tensor, s: Tensor | None = None) -> Gaussian:
        """q(x_s | x_t, x_0); s defaults to t - 1. Ho et al. 2020, eq. 6-7, generalised to s < t.

        Raises ValueError unless -1 <= s < t, or where s = -1 and t > 0 (x_0 itself: no variance).
        """
        abar_t, abar_s = self._pair(t, s)
        from_x0 = abar_s.sqrt() * (1 - abar_t / abar_s) / (1 - abar_t)
        from_x_t = (abar_t / abar_s).sqrt() * (1 - abar_s) / (1 - abar_t)
        mean = _like(from_x0, x0) * x0 + _like(from_x_t, x0) * x_t
        return Gaussian(mean, _like(self.log_var_bounds(t, s)[0], x0))

    def p_posterior(
        self, out: Tensor, x_t: Tensor, t: Tensor, s: Tensor | None = None, *, clip: bool
    ) -> tuple[Gaussian, Tensor]:
        """p_theta(x_s | x_t) and the predicted clean image, from the network's 2C-channel output.

        log-variance = frac log beta + (1 - frac) log betatilde with frac = (v + 1) / 2, not clamped
        (Nichol & Dhariwal 2021, eq. 15). `clip` clamps the predicted image to [-1, 1]: on for
        scores and likelihoods, off in training, where a clamp would stop gradients.
        """
        if out.shape[1] != 2 * x_t.shape[1]:
            raise ValueError(
                f"the network gives {out.shape[1]} channels where learned variance of "
                f"{x_t.shape[1]}-channel images needs {2 * x_t.shape[1]}"
            )
        eps, v = out.chunk(2, dim=1)
        abar = self.tables[t.cpu() + 1]
        x0_hat = _like((1 / abar).sqrt(), x_t) * x_t - _like((1 / abar - 1).sqrt(), x_t) * eps
        if clip:
            x0_hat = x0_hat.clamp(-1, 1)
        lower, upper = (_like(bound, x_t) for bound in self.log_var_bounds(t, s))
        frac = (v + 1) / 2
        mean = self.q_posterior(x0_hat, x_t, t, s).mean
        return Gaussian(mean, frac * upper + (1 - frac) * lower), x0_hat

    def _pair(self, t: Tensor, s: Tensor | None) -> tuple[Tensor, Tensor]:
        t = t.cpu()
        s = t - 1 if s is None else s.cpu()
        if bool((t >= self.steps).any() or (s < -1).any() or (s >= t).any()):
            raise ValueError(f"timesteps must satisfy -1 <= s < t < {self.steps}")
        if bool(((s == -1) & (t > 0)).any()):
            raise ValueError("a jump must stop at s >= 0: the clean image itself has no variance")
        return self.tables[t + 1], self.tables[s + 1]


def _like(values: Tensor, x: Tensor) -> Tensor:
    """(B,) float64 table values as x's dtype and device, shaped to multiply it."""
    return values.to(x.device, x.dtype).view(-1, *[1] * (x.ndim - 1))


def linear_chain() -> PosteriorDDPMScheduler:
    """The chain of the paper: 1000 steps, linear betas, learned variance."""
    return PosteriorDDPMScheduler(variance_type="learned_range")


def kl(q: Gaussian, p: Gaussian) -> Tensor:
    """KL(q || p) per element, nats, >= 0. Shapes broadcast."""
    delta = p.log_var - q.log_var
    error = (q.mean - p.mean) ** 2 * torch.exp(-p.log_var)
    return 0.5 * (delta - 1 + torch.exp(-delta) + error)


def decoder_nll(x0: Tensor, p: Gaussian) -> Tensor:
    """-log p(x_0 | x_1) per element, nats, for 8-bit images. Ho et al. 2020, eq. 13.

    Each of the 256 grey levels owns the interval of width 2/255 around it, the outermost two the
    whole tails. Worked in logs on the smaller tail, so it and its gradients stay finite however
    far the model is off.
    """
    inverse_std = torch.exp(-0.5 * p.log_var.double())
    error = (x0 - p.mean).double()
    # The interval is mirrored into the left tail, where log_ndtr keeps its relative precision.
    log_upper = _log_ndtr((1 / 255 - error.abs()) * inverse_std)
    log_lower = _log_ndtr((-1 / 255 - error.abs()) * inverse_std)
    inside = log_upper + torch.log(-torch.expm1((log_lower - log_upper).clamp(max=-1e-12)))
    left = _log_ndtr((1 / 255 + error) * inverse_std)
    right = _log_ndtr((1 / 255 - error) * inverse_std)
    log_p = torch.where(x0 < -0.999, left, torch.where(x0 > 0.999, right, inside))
    return -log_p.to(x0.dtype)


def _log_ndtr(z: Tensor) -> Tensor:
    """log of the normal distribution function; torch's own has wrong gradients far below zero."""
    tail = z.clamp(max=-100)
    asymptote = -(tail**2) / 2 - torch.log(-tail * math.sqrt(2 * math.pi)) - 1 / tail**2
    return torch.where(z < -100, asymptote, torch.special.log_ndtr(z.clamp(min=-100)))


def vlb_terms(
    scheduler: PosteriorDDPMScheduler,
    out: Tensor,
    x0: Tensor,
    x_t: Tensor,
    t: Tensor,
    *,
    clip: bool,
) -> Tensor:
    """The bound's term of each row's t, per element, nats: L_0 where t = 0, else L_{t-1}.

    Nichol & Dhariwal 2021, eq. 4-7.
    """
    p, _ = scheduler.p_posterior(out, x_t, t, clip=clip)
    terms = kl(scheduler.q_posterior(x0, x_t, t), p)
    first = t == 0
    if bool(first.any()):
        terms = terms.clone()
        terms[first] = decoder_nll(x0[first], Gaussian(p.mean[first], p.log_var[first]))
    return terms


def hybrid_loss(
    scheduler: PosteriorDDPMScheduler,
    out: Tensor,
    x0: Tensor,
    x_t: Tensor,
    t: Tensor,
    eps: Tensor,
    *,
    vlb_weight: float,
) -> tuple[Tensor, Tensor]:
    """L_mse and vlb_weight * T * L_vlb-term, each (B,); their sum is the loss of the paper.

    The weight multiplies T times the sampled step's term in nats per dimension, which is for
    uniform t an unbiased estimate of L_vlb without its constant L_T: 0.001 here is the 0.001 of
    Nichol & Dhariwal 2021, eq. 16. The mean is detached inside the bound, so the bound trains the
    variance alone.
    """
    eps_hat, v = out.chunk(2, dim=1)
    mse = ((eps_hat - eps) ** 2).flatten(1).mean(1)
    frozen = torch.cat([eps_hat.detach(), v], dim=1)
    terms = vlb_terms(scheduler, frozen, x0, x_t, t, clip=False).flatten(1).mean(1)
    return mse, vlb_weight * scheduler.steps * terms


def bits_per_dim(
    predict: Callable[[Tensor, Tensor], Tensor],
    scheduler: PosteriorDDPMScheduler,
    x0: Tensor,
    generator: torch.Generator,
    on_step: Callable[[int], None] = lambda done: None,
) -> Bound:
    """The whole variational bound of 8-bit images x0 (B, C, H, W), in bits per dimension.

    L_T + sum of L_{t-1} + L_0 over all T steps, one noise draw a step. `predict(x_t, t)` is the
    network. Nichol & Dhariwal 2021, section 3.
    """
    columns = []
    for step in reversed(range(scheduler.steps)):
        t = torch.full((len(x0),), step, dtype=torch.long, device=x0.device)
        eps = torch.randn(x0.shape, generator=generator).to(x0)
        x_t = scheduler.q_sample(x0, t, eps)
        terms = vlb_terms(scheduler, predict(x_t, t), x0, x_t, t, clip=True)
        columns.append(terms.flatten(1).mean(1))
        on_step(scheduler.steps - step)
    abar = scheduler.tables[-1]
    at_T = Gaussian(abar.sqrt().to(x0) * x0, (1 - abar).log().to(x0))
    prior = kl(at_T, Gaussian(torch.zeros_like(x0), torch.zeros_like(x0))).flatten(1).mean(1)
    terms = torch.stack(columns[::-1], dim=1)
    return Bound(*(part / math.log(2) for part in (terms.sum(1) + prior, terms, prior)))
