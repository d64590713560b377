"""The losses against independent oracles."""

from __future__ import annotations

import math

import pytest
import torch
from noised import batch
from scipy.integrate import quad
from scipy.stats import norm
from torch.distributions import Normal, kl_divergence

from ddad.diffusion.losses import bits_per_dim, decoder_nll, hybrid_loss, kl, vlb_terms
from ddad.diffusion.scheduler import Gaussian, PosteriorDDPMScheduler

T = 1000


def test_kl_equals_torch_distributions():
    generator = torch.Generator().manual_seed(0)
    m1, l1, m2, l2 = torch.randn(4, 100, generator=generator, dtype=torch.float64)
    expected = kl_divergence(Normal(m1, (l1 / 2).exp()), Normal(m2, (l2 / 2).exp()))
    torch.testing.assert_close(kl(Gaussian(m1, l1), Gaussian(m2, l2)), expected)
    assert (kl(Gaussian(m1, l1), Gaussian(m1, l1)) == 0).all()


@pytest.mark.parametrize("level", [0, 1, 77, 254, 255])
@pytest.mark.parametrize(("mean", "log_var"), [(0.0, -2.0), (-0.9, -4.0), (0.6, -1.0)])
def test_decoder_nll_by_numeric_integration(level, mean, log_var):
    x0 = level / 127.5 - 1
    std = math.exp(log_var / 2)
    low = -math.inf if level == 0 else x0 - 1 / 255
    high = math.inf if level == 255 else x0 + 1 / 255
    probability, _ = quad(norm(mean, std).pdf, low, high, epsabs=0, epsrel=1e-10, limit=200)
    p = Gaussian(torch.tensor([mean]), torch.tensor([log_var]))
    ours = decoder_nll(torch.tensor([x0], dtype=torch.float32), p)
    assert float(ours) == pytest.approx(-math.log(probability), rel=1e-4)


def test_decoder_probabilities_sum_to_one():
    x0 = torch.arange(256).float() / 127.5 - 1
    for mean, log_var in ((0.3, -6.0), (-1.2, -3.0), (0.99, -9.0)):
        nll = decoder_nll(x0, Gaussian(torch.full((256,), mean), torch.full((256,), log_var)))
        assert float(torch.exp(-nll).sum()) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("t", [0, 1, 999])
@pytest.mark.parametrize("scale", [0.0, 4.0, 60.0])
def test_gradients_are_finite_for_wild_outputs(scheduler, t, scale):
    x0, ts, eps, out = batch([t, t])
    out = (out * scale).requires_grad_()
    x_t = scheduler.q_sample(x0, ts, eps)
    mse, vlb = hybrid_loss(scheduler, out, x0, x_t, ts, eps, vlb_weight=0.001)
    (gradient,) = torch.autograd.grad((mse + vlb).sum(), out)
    assert torch.isfinite(mse + vlb).all()
    assert torch.isfinite(gradient).all()


def test_the_bound_trains_the_variance_alone(scheduler):
    x0, t, eps, out = batch([0, 40, 600])
    out.requires_grad_()
    x_t = scheduler.q_sample(x0, t, eps)
    _, vlb = hybrid_loss(scheduler, out, x0, x_t, t, eps, vlb_weight=1.0)
    (gradient,) = torch.autograd.grad(vlb.sum(), out)
    assert (gradient[:, :3] == 0).all()
    assert (gradient[:, 3:] != 0).any()


def test_what_the_weight_of_the_bound_multiplies(scheduler):
    """T times the step's mean term in nats: 0.001 at T = 1000 is the term itself."""
    x0, t, eps, out = batch([0, 40, 600])
    x_t = scheduler.q_sample(x0, t, eps)
    terms = vlb_terms(scheduler, out, x0, x_t, t, clip=False).flatten(1).mean(1)
    mse, vlb = hybrid_loss(scheduler, out, x0, x_t, t, eps, vlb_weight=0.001)
    torch.testing.assert_close(vlb, terms)
    torch.testing.assert_close(mse, ((out[:, :3] - eps) ** 2).flatten(1).mean(1))


def test_bound_terms_are_the_kl_or_at_zero_the_likelihood(scheduler):
    x0, t, eps, out = batch([0, 1, 600])
    x_t = scheduler.q_sample(x0, t, eps)
    p, _ = scheduler.p_posterior(out, x_t, t, clip=True)
    terms = vlb_terms(scheduler, out, x0, x_t, t, clip=True)
    q = scheduler.q_posterior(x0, x_t, t)
    torch.testing.assert_close(terms[1:], kl(q, p)[1:])
    torch.testing.assert_close(terms[0], decoder_nll(x0, p)[0])


def test_bits_per_dim_of_a_known_distribution():
    """For x_0 ~ N(0, s^2 I) the best eps is known, and the bound is then nearly the entropy."""
    scheduler = PosteriorDDPMScheduler(variance_type="learned_range")
    std, generator = 0.25, torch.Generator().manual_seed(0)
    x0 = torch.randn(16, 3, 8, 8, generator=generator) * std
    x0 = (x0.clamp(-1, 1) * 127.5 + 127.5).round() / 127.5 - 1

    def predict(x_t, t):
        abar = scheduler.tables[t + 1].float().view(-1, 1, 1, 1)
        eps = x_t * (1 - abar).sqrt() / (abar * std**2 + 1 - abar)
        return torch.cat([eps, torch.full_like(eps, 1.0)], dim=1)

    bound = bits_per_dim(predict, scheduler, x0, generator)
    entropy = 0.5 * math.log2(2 * math.pi * math.e * (std * 127.5) ** 2)
    assert bound.terms.shape == (16, T)
    assert float(bound.total.mean()) == pytest.approx(entropy, abs=0.15)
    torch.testing.assert_close(bound.total, bound.terms.sum(1) + bound.prior)
    assert 0 <= float(bound.prior.max()) < 1e-3
