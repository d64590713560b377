"""What a model expects of a photograph once noise has hidden part of it, and how sure it is.

The mean and the variance of the clean image or of its clean features given x_t: what the KL of
either branch is made of, in one form for both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ddad.images.geometry import to_model
from ddad.score.feature import FeatureModel, tokens
from ddad.score.look import described
from ddad.score.noise import scale_noise
from ddad.score.scorer import Scorer

DRAWS = 8
"""Of the noise, for pixels: what one draw makes of the variance is mostly noise itself."""


@dataclass(frozen=True)
class Posterior:
    """p(x_0 | x_t) of one branch."""

    branch: str
    t: int
    seen: Tensor
    """(C, h, w), the clean image in [-1, 1], or its features in the extractor's unit."""
    mean: Tensor
    """(C, h, w), in the same unit."""
    variance: Tensor
    """(C, h, w), its square; of features, along the mixture's eigenvectors and in units of the
    features' mean variance over normal images."""

    @property
    def deviation(self) -> np.ndarray:
        """Root of the mean variance over channels, float32 (h, w): where it is unsure."""
        return np.asarray(self.variance.mean(0).sqrt())

    def colours(self) -> tuple[np.ndarray, np.ndarray]:
        """What is seen and what was expected as pictures, uint8 (h, w, 3), in the same colours.

        Features are shown by the three directions in which what is expected varies most.
        """
        seen, mean = self.seen, self.mean
        if len(seen) != 3:
            flat = mean.flatten(1)
            middle = flat.mean(1, keepdim=True)
            axes = torch.linalg.eigh((flat - middle) @ (flat - middle).T).eigenvectors[:, -3:]
            axes = axes * axes.sum(0).sign()
            shown = [torch.einsum("cj,chw->jhw", axes, x - middle[..., None]) for x in (seen, mean)]
            spread = 2.5 * shown[1].flatten(1).std(1).clamp(min=1e-9)[:, None, None]
            seen, mean = (x / spread for x in shown)
        pictures = ((x.clamp(-1, 1) + 1) * 127.5 for x in (seen, mean))
        first, second = (np.asarray(x.round().byte().permute(1, 2, 0)) for x in pictures)
        return first, second


@torch.inference_mode()
def posterior(scorer: Scorer, pixels: np.ndarray, t: int) -> dict[str, Posterior]:
    """Of each branch that the model has, for an image uint8 (H, W, 3) under the noise of t.

    Of pixels the means over DRAWS draws of the noise, of features at the noise's mean. Raises
    ValueError for a timestep that is not one of 1 to T - 1.
    """
    if not 0 < t < scorer.scheduler.steps:
        raise ValueError(f"a timestep is a whole number from 1 to {scorer.scheduler.steps - 1}")
    found = {}
    if scorer.unet is not None:
        x0 = to_model(pixels, scorer.shape("pixel", pixels))[None].to(scorer.device)
        found["pixel"] = _of_pixels(scorer, x0, t)
    if scorer.features is not None:
        x = to_model(pixels, scorer.shape("feature", pixels))[None].to(scorer.device)
        found["feature"] = _of_features(scorer.features, x, t, scorer.scheduler.noise_ratio(t))
    return found


def _of_pixels(scorer: Scorer, x0: Tensor, t: int) -> Posterior:
    """The variance of x_0 that makes the learned variance of x_s, s = t - jump.

    p(x_s | x_t) has q's variance and c^2 that of x_0, c the share of x_0 in x_s: so much of the
    learned variance is not the process's own.
    """
    chain, step = scorer.scheduler, torch.tensor([t])
    s = torch.tensor([max(0, t - scorer.config.jump)])
    own = chain.log_var_bounds(step, s)[0].exp().to(x0)
    share = chain.share_of_x0(step, s).to(x0)
    means, variances = [], []
    for eps in scale_noise(replace(scorer.config, draws=DRAWS), t, x0.shape[1:]).to(x0):
        x_t = chain.q_sample(x0, step, eps[None])
        out = scorer.predict(x_t, step.to(x0.device))
        p, mean = chain.p_posterior(out, x_t, step, s, clip=True)
        means.append(mean)
        variances.append((p.log_var.exp() - own).clamp(min=0) / share**2)
    mean, variance = (torch.cat(each).mean(0).cpu() for each in (means, variances))
    return Posterior("pixel", t, x0[0].cpu(), mean, variance)


def _of_features(model: FeatureModel, x: Tensor, t: int, noise: float) -> Posterior:
    features = described(model.extractor, x)
    found = model.mixture.posterior(tokens(features), noise)
    shape = features.shape[1:]
    mean, variance = (v.T.reshape(shape).cpu() for v in found)
    return Posterior("feature", t, features[0].cpu(), mean, variance)
