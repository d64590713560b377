"""The losses of the diffusion process: KL, variational bound, hybrid loss, bits per dimension.

Shapes and units as in `ddad.diffusion.scheduler`; information is in nats unless a name says bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ddad.diffusion.scheduler import Gaussian, PosteriorDDPMScheduler


class Bound(NamedTuple):
    """Bits per dimension of a batch: total (B,), the T step terms (B, T), and L_T (B,)."""

    total: Tensor
    terms: Tensor
    prior: Tensor


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
