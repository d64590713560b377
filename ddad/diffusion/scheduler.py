"""The diffusion process and its losses: posteriors, KL, variational bound, bits per dimension.

Knows nothing of networks, images or scores. Images are float (B, C, H, W) in [-1, 1]; `t` and `s`
are (B,) int64 tensors of timesteps, 0 <= t < T, and s = -1 stands for the clean image. Information
is in nats unless a name says bits. The network's output has 2C channels: the predicted noise eps,
then v, which places the log-variance between its two bounds (`learned_range`).
"""

from __future__ import annotations

import math
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


class PosteriorDDPMScheduler(DDPMScheduler):  # type: ignore[misc]  # diffusers says no types
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

    def noisy_as(self, variance: float) -> int:
        """The first timestep from 1 whose x_t has at least so much noise; the last if none has."""
        noises = 1 - self.tables
        t = int(torch.searchsorted(noises, noises.new_tensor(variance))) - 1
        return min(max(t, 1), self.steps - 1)

    def earlier(self, t: int, left: float) -> int:
        """The timestep s < t whose noise ratio is nearest to `left`, 0 to 1, of that of t.

        Raises ValueError for t = 0, before which there is only the clean image.
        """
        if not 0 < t < self.steps:
            raise ValueError(f"a jump begins at a timestep from 1 to {self.steps - 1}")
        ratios = 1 / self.tables[1 : t + 1] - 1
        return int((ratios.log() - math.log(left * self.noise_ratio(t))).abs().argmin())

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
        from_x0 = self.share_of_x0(t, s)
        from_x_t = (abar_t / abar_s).sqrt() * (1 - abar_s) / (1 - abar_t)
        mean = _like(from_x0, x0) * x0 + _like(from_x_t, x0) * x_t
        return Gaussian(mean, _like(self.log_var_bounds(t, s)[0], x0))

    def share_of_x0(self, t: Tensor, s: Tensor | None = None) -> Tensor:
        """The factor of x_0 in the mean of q(x_s | x_t, x_0), float64 (B,)."""
        abar_t, abar_s = self._pair(t, s)
        return abar_s.sqrt() * (1 - abar_t / abar_s) / (1 - abar_t)

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
