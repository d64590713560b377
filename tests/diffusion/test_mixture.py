from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp, softmax
from scipy.stats import multivariate_normal, norm

from ddad.diffusion.mixture import KINDS, NormalMixture, kinds_of


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


def plain(centres, variances):
    """A mixture whose eigenvectors are the axes, in units of its own."""
    centres, variances = np.asarray(centres), np.asarray(variances)
    size = len(variances)
    values = (np.zeros(size), [1.0], centres, np.eye(size), variances)
    kinds = torch.arange(len(centres)) % 2
    return NormalMixture(*(torch.tensor(np.array(v)).double() for v in values), kinds)


@pytest.mark.parametrize("noise", [0.01, 0.3, 4.0])
def test_one_gaussian_has_its_posterior_in_closed_form(vectors, noise):
    """E and Var[f | f + n] by numpy in float64, from covariance matrices."""
    x = vectors[0][:4000]
    mixture = NormalMixture.fit(x, 1)
    y = x[:50] + 0.3 * torch.randn(50, 8, generator=torch.Generator().manual_seed(1))
    data = x.double().numpy()
    mean, covariance = data.mean(0), np.cov(data.T, bias=True)
    variance = noise * float(mixture.scale) ** 2
    gain = covariance @ np.linalg.inv(covariance + variance * np.eye(8))
    found = mixture.posterior(y, noise)
    expected = mean + (y.double().numpy() - mean) @ gain.T
    np.testing.assert_allclose(found.mean, expected, rtol=1e-3, atol=2e-3)
    left = (covariance - gain @ covariance) / float(mixture.scale) ** 2
    assert (mixture.basis * found.variance[0] @ mixture.basis.T).numpy() == pytest.approx(
        left, abs=2e-3 * left.max()
    )


@pytest.mark.parametrize("noise", [0.05, 0.3, 2.0])
def test_the_posterior_of_a_mixture_is_that_of_all_components(noise):
    """Against scipy's densities and sums over every component, in float64."""
    rng, variances = np.random.default_rng(4), np.geomspace(1e-3, 4, 12)
    basis = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    centres, mean, scale = rng.normal(size=(30, 12)), 3 * rng.normal(size=12), 2.5
    covariance = basis * (variances + noise) @ basis.T
    y = centres[rng.integers(30, size=400)]
    y = y + rng.multivariate_normal(np.zeros(12), covariance, 400)
    log_p = np.stack([multivariate_normal(c, covariance).logpdf(y) for c in centres], 1)
    share = softmax(log_p, axis=1)
    wiener = basis * variances @ basis.T @ np.linalg.inv(covariance)
    means = centres + (y[:, None] - centres) @ wiener.T
    exact = (share[..., None] * means).sum(1)
    square = (share[..., None] * (means @ basis) ** 2).sum(1) - (exact @ basis) ** 2

    values = (mean, [scale], centres, basis, variances)
    kinds = torch.zeros(30, dtype=torch.long)
    mixture = NormalMixture(*(torch.tensor(np.array(v)).double() for v in values), kinds)
    vectors = torch.from_numpy(y * scale + mean)
    np.testing.assert_allclose(mixture.responsibilities(vectors, noise), share, atol=1e-9)
    found = mixture.posterior(vectors, noise)
    np.testing.assert_allclose((found.mean.numpy() - mean) / scale, exact, atol=1e-9)
    within = variances * noise / (variances + noise)
    np.testing.assert_allclose(found.variance, within + square, atol=1e-9)
    constant = 12 * np.log(2 * np.pi) + np.log(variances + noise).sum()
    distance = (-2 * log_p.max(1) - constant) / 12
    np.testing.assert_allclose(mixture.energy(vectors, noise), distance, rtol=1e-6)


def step(z0, noise, left):
    """Mean and variance of q(z_s | z_t, z_0), and c of it, at eps = 0; by the chain's own terms."""
    abar_t, abar_s = 1 / (1 + noise), 1 / (1 + left)
    z_t = np.sqrt(abar_t) * z0
    beta = 1 - abar_t / abar_s
    from_z0 = np.sqrt(abar_s) * beta / (1 - abar_t)
    from_z_t = np.sqrt(abar_t / abar_s) * (1 - abar_s) / (1 - abar_t)
    return from_z_t * z_t + from_z0 * z0, beta * (1 - abar_s) / (1 - abar_t), from_z0


def step_density(z_s, z0, mixture, noise, left):
    """log p(z_s | z_t) at eps = 0, from the joint density of z_s and z_t under each component."""
    abar_t, abar_s = 1 / (1 + noise), 1 / (1 + left)
    z_t = np.sqrt(abar_t) * z0
    between = np.sqrt(abar_t / abar_s)
    log_p = []
    for centre in mixture.centres.numpy():
        var_s = abar_s * mixture.variances.numpy() + 1 - abar_s
        var_t = abar_t * mixture.variances.numpy() + 1 - abar_t
        cov = between * var_s
        mean = np.sqrt(abar_s) * centre + cov / var_t * (z_t - np.sqrt(abar_t) * centre)
        joint = norm.logpdf(z_t, np.sqrt(abar_t) * centre, np.sqrt(var_t)).sum()
        given = norm.logpdf(z_s, mean, np.sqrt(var_s - cov**2 / var_t)).sum(-1)
        log_p.append((joint, given))
    weights = log_softmax([joint for joint, _ in log_p])
    return logsumexp(np.stack([w + g for w, (_, g) in zip(weights, log_p, strict=True)]), 0)


STEPS = [(0.1, 0.01), (0.3, 0.1), (1.0, 0.1), (2.0, 0.002)]


@pytest.mark.parametrize("noise, left", STEPS)
@pytest.mark.parametrize("size", [1, 2])
def test_the_kl_of_one_component_is_that_of_quadrature(size, noise, left):
    """Numeric integration of q log(q / p) in one and two dimensions."""
    mixture = plain([[0.3] * size], np.geomspace(0.2, 1.5, size))
    for z0 in (np.full(size, 0.3), np.full(size, -1.1)):
        true = quadrature(z0, mixture, noise, left)
        found = float(mixture.kl(torch.tensor(z0)[None], noise, left))
        assert found == pytest.approx(true, rel=1e-6, abs=1e-9)


def quadrature(z0, mixture, noise, left):
    mean, variance, _ = step(z0, noise, left)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    grid = np.stack(np.meshgrid(*[nodes] * len(z0), indexing="ij"), -1).reshape(-1, len(z0))
    weight = np.prod(
        np.stack(np.meshgrid(*[weights / weights.sum()] * len(z0), indexing="ij"), -1), -1
    ).ravel()
    z_s = mean + np.sqrt(variance) * grid
    log_q = norm.logpdf(z_s, mean, np.sqrt(variance)).sum(1)
    return float(weight @ (log_q - step_density(z_s, z0, mixture, noise, left)))


@pytest.mark.parametrize("noise, left", STEPS)
@pytest.mark.parametrize("size", [1, 2])
def test_the_bound_of_a_mixture_is_never_below_quadrature(size, noise, left):
    rng = np.random.default_rng(3)
    mixture = plain(rng.normal(size=(5, size)), np.geomspace(0.05, 0.5, size))
    gaps = []
    for z0 in rng.normal(size=(12, size)) * 1.5:
        true = quadrature(z0, mixture, noise, left)
        found = float(mixture.kl(torch.tensor(z0)[None], noise, left))
        assert found >= true - 1e-6
        gaps.append((found - true) / max(true, 0.05))
    assert np.median(gaps) < 0.6  # a bound, and not an empty one


@pytest.mark.parametrize("noise, left", STEPS)
def test_the_bound_is_never_below_monte_carlo_and_near_it_where_one_component_has_it_all(
    noise, left
):
    """In 24 dimensions, with 20000 draws from q: within four standard errors of their mean."""
    rng = np.random.default_rng(5)
    mixture = plain(rng.normal(size=(40, 24)), np.geomspace(0.01, 0.5, 24))
    for z0 in mixture.centres.numpy()[:4] + rng.normal(size=(4, 24)) * [[0.2], [0.5], [1], [2]]:
        mean, variance, _ = step(z0, noise, left)
        z_s = mean + np.sqrt(variance) * rng.normal(size=(20_000, 24))
        log_q = norm.logpdf(z_s, mean, np.sqrt(variance)).sum(1)
        ratio = log_q - step_density(z_s, z0, mixture, noise, left)
        error = ratio.std() / np.sqrt(len(ratio))
        found = float(mixture.kl(torch.tensor(z0)[None], noise, left))
        assert found >= ratio.mean() - 4 * error
        if float(mixture.responsibilities(torch.tensor(z0)[None], noise).max()) > 0.9999:
            assert found == pytest.approx(ratio.mean(), abs=4 * error + 1e-6)


def test_the_jump_decides_how_much_the_variance_counts():
    """n_s -> n_t weighs all directions of the clean error alike, n_s -> 0 by their variance."""
    mixture = plain([[0.0, 0.0]], [0.01, 4.0])
    noise, error = 0.5, (0.5 / (np.array([0.01, 4.0]) + 0.5)) ** 2
    variance = np.array([0.01, 4.0]) * 0.5 / (np.array([0.01, 4.0]) + 0.5)
    zero, *axes = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]).double()

    def rise(axis, left):
        return float(mixture.kl(axis[None], noise, left) - mixture.kl(zero[None], noise, left))

    ratios = [rise(axes[0], left) / rise(axes[1], left) for left in (0.49999, 1e-9)]
    assert ratios[0] == pytest.approx(error[0] / error[1], rel=1e-3)
    assert ratios[1] == pytest.approx(error[0] / error[1] * variance[1] / variance[0], rel=1e-3)


def test_kl_has_the_gradient_of_finite_differences_and_ignores_its_neighbours(vectors):
    x, _ = vectors
    mixture = NormalMixture.fit(x, 16)
    names = ("mean", "scale", "centres", "basis", "variances")
    double = NormalMixture(*(getattr(mixture, name).double() for name in names), mixture.kinds)
    z = x[:3].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: double.kl(v, 0.3, 0.03), z, atol=1e-4)
    many = mixture.kl(x, 0.3, 0.03)
    torch.testing.assert_close(mixture.kl(x[:1], 0.3, 0.03), many[:1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("noise", [0.3, 3.0])
def test_single_precision_is_exact_to_a_hundredth_of_a_nat(noise):
    """As wide as real features are and far off: products of large numbers stand for distances."""
    rng = np.random.default_rng(4)
    variances, centres = np.geomspace(5, 1e-3, 704), rng.normal(size=(60, 704))
    exact = plain(centres, variances)
    z = torch.from_numpy(centres[rng.integers(0, 60, 200)] + rng.normal(size=(200, 704)))
    z = z * torch.linspace(1, 3, 200)[:, None]
    single = NormalMixture(
        *(getattr(exact, n).float() for n in ("mean", "scale", "centres", "basis", "variances")),
        exact.kinds,
    )
    wanted = exact.kl(z, noise, 0.3 * noise)
    torch.testing.assert_close(
        single.kl(z.float(), noise, 0.3 * noise).double(), wanted, atol=1e-2, rtol=1e-5
    )
    assert wanted.min() > 10


def test_what_lies_off_the_normal_vectors_has_the_larger_kl(vectors):
    x, _ = vectors
    mixture = NormalMixture.fit(x, 2)
    weak = mixture.basis[:, 0] * mixture.scale  # the direction that normal vectors hardly leave
    for noise in (0.001, 0.1, 1.0):
        far, near = (mixture.kl(v, noise, noise / 10) for v in (x[:100] + 20 * weak, x))
        assert far.min() > near.max()


def test_fit_depends_on_its_seed_alone(vectors):
    x, _ = vectors
    one, same, other = (NormalMixture.fit(x, 16, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(one.centres, same.centres) and torch.equal(one.basis, same.basis)
    assert not torch.equal(one.centres, other.centres)


def test_few_vectors_get_few_centres():
    x = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    assert len(NormalMixture.fit(x, 1000).centres) == 4
    alike = NormalMixture.fit(torch.ones(20, 4), 3)
    assert torch.isfinite(alike.kl(torch.zeros(2, 4), 1, 0.1)).all()


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


def test_kinds_are_clusters_of_centres_and_steps_say_how_much_of_each_there_is(vectors):
    x, _ = vectors
    mixture = NormalMixture.fit(x, 8)
    found = next(mixture.steps(x, [(0.3, 0.1)]))
    torch.testing.assert_close(found.kl, mixture.kl(x, 0.3, 0.1))
    assert found.kinds.shape == (8000, KINDS)
    assert found.kinds.min() >= 0 and found.kinds.sum(1).max() <= 1 + 1e-4
    assert found.kinds.sum(1).min() > 0.999
    clouds = found.kinds.view(2, 4000, -1).mean(1)  # no kind is of both clouds
    assert (clouds.min(0).values < 1e-3).all()
    whole = mixture.responsibilities(x[:50], 0.3)
    by_kind = torch.zeros(50, KINDS).index_add_(1, mixture.kinds, whole)
    torch.testing.assert_close(found.kinds[:50], by_kind, atol=1e-3, rtol=0)


def test_mixtures_of_other_vectors_can_call_their_kinds_alike():
    """Six clouds, the first the largest; the same centres in another order, a little off."""
    rng = np.random.default_rng(0)
    clouds = rng.normal(size=(6, 8)) * 20
    sizes = 100 * np.arange(6, 0, -1)
    x = np.concatenate([c + rng.normal(size=(n, 8)) for c, n in zip(clouds, sizes, strict=True)])
    x = torch.from_numpy(x).float()
    one = NormalMixture.fit(x, 6)
    amounts = next(one.steps(x, [(0.3, 0.1)])).kinds.mean(0)
    renamed = []
    for seed in range(1, 6):
        order = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
        moved = one.centres[order] + 0.01
        other = replace(one, centres=moved, kinds=kinds_of(moved @ one.basis, one.variances))
        again = other.with_kinds_of(one)
        renamed.append(not torch.equal(other.kinds, again.kinds))
        assert torch.equal(again.kinds, one.kinds[order])
        found = next(again.steps(x, [(0.3, 0.1)])).kinds.mean(0)
        torch.testing.assert_close(found, amounts, atol=0.01, rtol=0)
    assert any(renamed)
