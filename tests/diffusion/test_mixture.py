from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import softmax
from scipy.stats import multivariate_normal

from ddad.diffusion.mixture import NormalMixture


@pytest.fixture
def vectors():
    """Two clouds of 8 channels with one shared covariance, and that covariance."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(8, 8)) * np.geomspace(2, 0.05, 8)
    centres = rng.normal(size=(2, 8)) * 40
    x = np.concatenate([c + rng.normal(size=(4000, 8)) @ mixing.T for c in centres])
    return torch.from_numpy(x).float(), mixing @ mixing.T


def test_fit_recovers_centres_and_covariance(vectors):
    x, covariance = vectors
    mixture = NormalMixture.fit(x, 2)
    assert len(mixture.centres) == 2
    centres = mixture.centres * mixture.scale + mixture.mean
    halves = torch.stack([x[:4000].mean(0), x[4000:].mean(0)])
    assert torch.cdist(centres, halves).min(1).values.max() < 0.1
    fitted = mixture.basis @ torch.diag(mixture.variances) @ mixture.basis.T
    np.testing.assert_allclose(fitted * mixture.scale**2, covariance, atol=0.03 * covariance.max())


@pytest.mark.parametrize("noise", [0.01, 0.3, 4.0])
def test_one_gaussian_is_denoised_by_its_posterior_mean(vectors, noise):
    """E[f | f + n] of a Gaussian in closed form, by numpy in float64."""
    x = vectors[0][:4000]
    mixture = NormalMixture.fit(x, 1)
    y = x[:50] + 0.3 * torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    data = x.double().numpy()
    mean, covariance = data.mean(0), np.cov(data.T, bias=True)
    variance = noise * float(mixture.scale) ** 2
    gain = covariance @ np.linalg.inv(covariance + variance * np.eye(8))
    expected = mean + (y.double().numpy() - mean) @ gain.T
    np.testing.assert_allclose(mixture.denoise(y, noise), expected, rtol=1e-3, atol=2e-3)
    error = np.sqrt(((y.numpy() - expected) ** 2).mean(1)) / float(mixture.scale)
    np.testing.assert_allclose(mixture.error(y, noise), error, rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("noise", [0.05, 0.3])
def test_one_component_says_what_all_do_where_they_are_not_in_doubt(noise):
    """Against the posterior mean over every component, with scipy's densities in float64.

    The centres lie close along the strong directions, so the nearest one is often another.
    """
    rng, variances = np.random.default_rng(4), np.geomspace(1e-3, 4, 12)
    basis = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    centres, mean, scale = rng.normal(size=(30, 12)), 3 * rng.normal(size=12), 2.5
    covariance = basis * (variances + noise) @ basis.T
    y = centres[rng.integers(30, size=400)]
    y = y + rng.multivariate_normal(np.zeros(12), covariance, 400)

    log_p = np.stack([multivariate_normal(c, covariance).logpdf(y) for c in centres], 1)
    share = softmax(log_p, axis=1)
    residual = y[:, None] - centres
    wiener = basis * variances @ basis.T @ np.linalg.inv(covariance)
    exact = (share[..., None] * (centres + residual @ wiener.T)).sum(1)
    sure = share.max(1) > 0.999
    nearest = np.square(residual).sum(2).argmin(1)
    assert sure.mean() > 0.4 and (nearest != log_p.argmax(1))[sure].mean() > 0.05

    values = (mean, [scale], centres, basis, variances)
    mixture = NormalMixture(*(torch.tensor(np.array(v)).float() for v in values))
    vectors = torch.from_numpy(y * scale + mean).float()
    found = (mixture.denoise(vectors, noise).numpy() - mean) / scale
    np.testing.assert_allclose(found[sure], exact[sure], atol=5e-3)
    rms = np.sqrt(np.square(y - exact).mean(1))
    np.testing.assert_allclose(mixture.error(vectors, noise)[sure], rms[sure], atol=5e-3)
    constant = 12 * np.log(2 * np.pi) + np.log(variances + noise).sum()
    distance = (-2 * log_p.max(1) - constant) / 12
    np.testing.assert_allclose(mixture.energy(vectors, noise), distance, rtol=1e-3)


def test_what_lies_off_the_normal_vectors_has_the_larger_error(vectors):
    x, _ = vectors
    mixture = NormalMixture.fit(x, 2)
    weak = mixture.basis[:, 0] * mixture.scale  # the direction that normal vectors hardly leave
    for noise in (0.001, 0.1, 1.0):
        assert mixture.error(x[:100] + 20 * weak, noise).min() > mixture.error(x, noise).max()


def test_fit_depends_on_its_seed_alone(vectors):
    x, _ = vectors
    one, same, other = (NormalMixture.fit(x, 16, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.centres, same.centres) and torch.equal(one.basis, same.basis)
    assert not torch.equal(one.centres, other.centres)


def test_few_vectors_get_few_centres():
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    assert len(NormalMixture.fit(x, 1000).centres) == 4
    assert torch.isfinite(NormalMixture.fit(torch.ones(20, 4), 3).error(torch.zeros(2, 4), 1)).all()


def test_a_small_part_keeps_centres_beside_a_plain_ground():
    """1 % of the vectors, in 20 clouds of their own: each has a centre near by."""
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(20, 8)) * 10
    part = np.repeat(clouds, 10, axis=0) + 0.1 * rng.normal(size=(200, 8))
    ground = 0.1 * rng.normal(size=(19_800, 8))
    x = torch.from_numpy(np.concatenate([ground, part])).float()
    mixture = NormalMixture.fit(x, 100, sweeps=2)
    centres = mixture.centres * mixture.scale + mixture.mean
    assert torch.cdist(torch.from_numpy(clouds).float(), centres).min(1).values.max() < 0.5
