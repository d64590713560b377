"""The diffusion maths against independent oracles."""

from __future__ import annotations

import math

import pytest
import torch
from diffusers import DDPMScheduler
from noised import batch

from ddad.diffusion.scheduler import PosteriorDDPMScheduler, linear_chain

T = 1000


def test_tables_agree_with_diffusers(scheduler):
    ours = scheduler.tables[1:]
    assert ours.dtype == torch.float64
    torch.testing.assert_close(ours.float(), scheduler.alphas_cumprod, rtol=2e-4, atol=1e-7)


def test_q_sample_equals_add_noise(scheduler):
    x0, t, eps, _ = batch([0, 7, 500, 999])
    torch.testing.assert_close(
        scheduler.q_sample(x0, t, eps), scheduler.add_noise(x0, eps, t), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("t", "s"), [(1, 0), (2, 1), (50, 49), (999, 998), (20, 10), (401, 201)])
def test_q_posterior_is_the_product_of_two_gaussians(scheduler, t, s):
    """Bayes in float64: q(x_s | x_0) times q(x_t | x_s), read as a function of x_s."""
    x0, ts, eps, _ = batch([t])
    x0, eps = x0.double(), eps.double()
    abar_t, abar_s = scheduler.tables[t + 1], scheduler.tables[s + 1]
    x_t = scheduler.q_sample(x0, ts, eps)
    alpha = abar_t / abar_s
    precision = 1 / (1 - abar_s) + alpha / (1 - alpha)
    mean = (abar_s.sqrt() * x0 / (1 - abar_s) + alpha.sqrt() * x_t / (1 - alpha)) / precision
    q = scheduler.q_posterior(x0, x_t, ts, torch.tensor([s]))
    torch.testing.assert_close(q.mean, mean, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(q.log_var.squeeze(), -precision.log(), rtol=1e-8, atol=1e-8)


def test_posteriors_are_batched_in_t(scheduler):
    ts, ss = [1, 20, 400, 999], [0, 3, 300, 998]
    x0, t, eps, out = batch(ts)
    x_t, s = scheduler.q_sample(x0, t, eps), torch.tensor(ss)
    p, x0_hat = scheduler.p_posterior(out, x_t, t, s, clip=True)
    for row in range(len(ts)):
        one = slice(row, row + 1)
        alone, hat = scheduler.p_posterior(out[one], x_t[one], t[one], s[one], clip=True)
        assert torch.equal(p.mean[one], alone.mean)
        assert torch.equal(p.log_var[one], alone.log_var.expand_as(p.log_var[one]))
        assert torch.equal(x0_hat[one], hat)


@pytest.mark.parametrize("t", [1, 2, 20, 400, 999])
def test_p_posterior_agrees_with_diffusers_step(t):
    """diffusers' own `step` is right for t >= 1: its sample is mean + sqrt(variance) * noise."""
    ours = PosteriorDDPMScheduler(variance_type="learned_range")
    theirs = DDPMScheduler(variance_type="learned_range")
    x0, ts, eps, out = batch([t])
    x_t = ours.q_sample(x0, ts, eps)
    p, x0_hat = ours.p_posterior(out, x_t, ts, clip=True)
    step = theirs.step(out, t, x_t, generator=torch.Generator().manual_seed(1))
    noise = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(1))
    sample = p.mean + torch.exp(0.5 * p.log_var) * noise
    torch.testing.assert_close(step.pred_original_sample, x0_hat, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(step.prev_sample, sample, rtol=1e-3, atol=2e-4)


def test_variance_bounds_and_their_clip(scheduler):
    t = torch.arange(T)
    lower, upper = scheduler.log_var_bounds(t)
    assert lower[0] == lower[1]
    assert torch.isfinite(lower).all()
    assert (upper > lower).all()
    x0, ts, eps, out = batch([300])
    x_t = scheduler.q_sample(x0, ts, eps)
    for v, bound in ((-1.0, lower), (1.0, upper)):
        out[:, 3:] = v
        p, _ = scheduler.p_posterior(out, x_t, ts, clip=True)
        torch.testing.assert_close(p.log_var, bound[300].float().expand_as(x0))


def test_stepping_the_scheduler_does_not_change_posteriors():
    ours = PosteriorDDPMScheduler(variance_type="learned_range")
    x0, t, eps, _ = batch([200, 201])
    x_t = ours.q_sample(x0, t, eps)
    before = ours.q_posterior(x0, x_t, t)
    ours.set_timesteps(50)
    after = ours.q_posterior(x0, x_t, t)
    assert torch.equal(before.mean, after.mean)
    assert torch.equal(before.log_var, after.log_var)


def test_wrong_schedulers_and_jumps_are_refused():
    with pytest.raises(ValueError, match="learned_range"):
        PosteriorDDPMScheduler(variance_type="fixed_small").noise_std(3)
    with pytest.raises(ValueError, match="epsilon"):
        PosteriorDDPMScheduler(variance_type="learned_range", prediction_type="sample").noise_std(3)
    ours = PosteriorDDPMScheduler(variance_type="learned_range")
    x0, t, eps, out = batch([20])
    for s in (-1, 20, 25):
        with pytest.raises(ValueError, match=r"s < t|s >= 0"):
            ours.q_posterior(x0, eps, t, torch.tensor([s]))
    with pytest.raises(ValueError, match="channels"):
        ours.p_posterior(out[:, :3], x0, t, clip=True)


@pytest.mark.parametrize("t, left", [(1, 0.5), (49, 0.1), (258, 0.5), (999, 0.01)])
def test_an_earlier_timestep_has_the_share_of_the_noise_that_is_nearest(t, left):
    chain = linear_chain()
    s = chain.earlier(t, left)
    assert 0 <= s < t

    def off(step):
        return abs(math.log(chain.noise_ratio(step) / (left * chain.noise_ratio(t))))

    assert off(s) == min(map(off, range(t)))


@pytest.mark.parametrize("variance", [0.0, 0.002, 0.5, 0.99])
def test_a_variance_names_the_first_timestep_with_so_much_noise(variance):
    chain = linear_chain()
    noisy = [t for t in range(1, 1000) if chain.noise_std(t) ** 2 >= variance]
    assert chain.noisy_as(variance) == noisy[0]


def test_more_noise_than_the_chain_ends_on_is_its_last_timestep():
    assert linear_chain().noisy_as(1 - (1 - 0.99**2) ** 5) == 999


def test_nothing_is_earlier_than_the_first_timestep():
    with pytest.raises(ValueError, match="from 1 to 999"):
        linear_chain().earlier(0, 0.5)
