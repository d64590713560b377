"""What a score, and a restoration, depend on besides the image and the model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

CHAIN = 1000
"""T of the chain that timesteps count on."""
LARGEST_LOOK = 16_384
"""Pixels: the largest size at which a look sees a picture."""
LARGEST = 4096
"""Pixels: the largest size at which the branches see the whole of one."""
MOST = 64
"""Noise scales, draws, closer looks: of each at most so many."""
METHODS = ("gradient", "inpaint", "partial", "one-step")
ENERGIES = ("score", "feature")
STARTS = ("inpaint", "partial", "image")


@dataclass(frozen=True)
class ScoreConfig:
    """What a score depends on besides the image and the weights."""

    size: int = 256
    """The image is resized to about size x size pixels in area."""
    timesteps: tuple[int, ...] = (20, 50, 100, 200)
    """Noise scales, of a chain of 1000 steps."""
    draws: int = 2
    """Noise draws a scale; every second one is the negative of the one before (antithetic)."""
    jump: int = 1
    """The KL is that of x_{t - jump} given x_t."""
    blur: float = 2.0
    """Gaussian smoothing of each map: standard deviation in pixels at model size."""
    feature_size: int = 320
    """The feature branch sees the image at about this many pixels squared; see `feature_shape`."""
    feature_timesteps: tuple[int, ...] = (258, 367)
    """Noise scales of the feature branch, of the same chain."""
    feature_left: float = 0.3
    """The KL is that of the step to where this share of the noise ratio is left, 0 to 1."""
    feature_blur: float = 0.0
    """Smoothing of its maps: standard deviation in cells of its grid."""
    looks: tuple[int, ...] = ()
    """Sizes of closer looks, as `feature_size`, each larger than the one before. They see the same
    photograph with more detail, and what is around a place by the look at the whole part."""
    look_shares: tuple[float, ...] = ()
    """Share of each closer look in the feature branch's score; the whole part has the rest."""
    look_timesteps: tuple[int, ...] = (100,)
    """Noise scales of closer looks."""
    look_blur: float = 1.0
    """Smoothing of their maps: standard deviation in cells of their grids."""
    pixel_weight: float = 0.0
    """Weight of the pixel branch where a model has both; the feature branch has the rest. With
    none it is not run for a score, and draws normal versions alone."""
    head_weight: float = 0.0
    """Weight of the U-Net's feature head, for a model that has one beside both branches."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.timesteps or self.draws < 1 or self.jump < 1 or self.size < 16:
            raise ValueError("a score needs timesteps, draws >= 1, jump >= 1 and size >= 16")
        if self.size > LARGEST or self.feature_size > LARGEST:
            raise ValueError(f"a score sees the whole image at {LARGEST} pixels at most")
        counts = (self.draws, *map(len, (self.timesteps, self.feature_timesteps, self.looks)))
        if max(*counts, len(self.look_timesteps)) > MOST:
            raise ValueError(f"a score has at most {MOST} timesteps, draws and closer looks")
        blurs = self.blur, self.feature_blur, self.look_blur
        if not 0 <= min(blurs) <= max(blurs) <= MOST or not 0 <= self.seed < 2**63:
            raise ValueError(f"blurs lie within 0..{MOST}, and a seed is a whole number from 0")
        if min(self.timesteps) < self.jump:
            raise ValueError(
                f"timestep {min(self.timesteps)} is smaller than the jump of {self.jump}: "
                "the KL needs t - jump >= 0"
            )
        if not 0 < self.feature_left < 1 or min(self.feature_timesteps, default=1) < 1:
            raise ValueError(
                "a feature score's steps begin at t >= 1 and leave 0 to 1 of the noise"
            )
        for steps in (self.timesteps, self.feature_timesteps, self.look_timesteps):
            if len(set(steps)) < len(steps):
                raise ValueError("each timestep may be named once")
            if steps and not 0 <= min(steps) <= max(steps) < CHAIN:
                raise ValueError(f"timesteps lie between 0 and {CHAIN - 1}")
        if not self.feature_timesteps or self.feature_size < 64:
            raise ValueError("a feature score needs timesteps and a size of at least 64")
        sizes = (self.feature_size, *self.looks)
        if sorted(set(sizes)) != [*sizes] or min(self.look_timesteps, default=0) < 1:
            raise ValueError("closer looks need timesteps >= 1, and each is larger than the last")
        if len(self.look_shares) != len(self.looks) or max(sizes) > LARGEST_LOOK:
            raise ValueError(f"closer looks have a share each, and {LARGEST_LOOK} pixels at most")
        if sum(self.look_shares) >= 1:
            raise ValueError("closer looks leave the one at the whole part a share")
        for shares in ((self.pixel_weight, self.head_weight), self.look_shares):
            if min(shares, default=0) < 0 or sum(shares) > 1:
                raise ValueError("weights and shares lie within 0..1, also all together")

    @property
    def sizes(self) -> dict[str, int]:
        """The sizes at which the feature branch sees an image, by what each look is called as a
        branch: the whole part first, then closer looks."""
        return {"feature": self.feature_size} | {f"feature_{size}": size for size in self.looks}

    def closer(self, looks: Sequence[int], shares: Sequence[float] = ()) -> ScoreConfig:
        """The same with these closer looks, all looks with equal shares unless others are given."""
        equal = [1 / (len(looks) + 1)] * len(looks)
        return replace(self, looks=tuple(looks), look_shares=tuple(shares or equal))


def detail(model: object) -> tuple[str, str]:
    """A model's name, and what stands behind it where fewer closer looks are meant than it has:
    @fast for none, @1 for the first of them; nothing for all."""
    name = str(model)  # a path, or whatever a request names
    meant = re.search(r"(?<=.)@(fast|\d)$", name)
    return (name[: meant.start()], meant[0]) if meant else (name, "")


@dataclass(frozen=True)
class RestoreConfig:
    """What a restoration depends on besides the image and the model."""

    method: str = "gradient"
    """gradient; or what it is compared with: inpaint (the marked region drawn anew, after
    Lugmayr et al. 2022), partial (noised to t and denoised, after Wyatt et al. 2022), one-step
    (the clean image predicted from x_t, mean over draws)."""
    evaluations: int = 135
    """Most network evaluations: forwards or backwards, of U-Net or extractor."""
    energy: str = "score"
    """What the gradient descends: score, the model's own map (feature error and KL) above the
    level of good parts; or feature, the energy of the Gaussian mixture of normal features."""
    start: str = "inpaint"
    """The gradient's: inpaint or partial, a third of the budget, or image, as in the paper."""
    step: float = 0.02
    """s of the update x <- sqrt(1 - s^2) x + s g."""
    every: int = 5
    """N_d: a reverse diffusion step follows so many updates."""
    sample: bool = False
    """Whether the reverse step draws from p_theta instead of taking its mean. The mean is the
    default: at the paper's hundred rounds what one draw adds the next ones take out, at the few
    that fit into seconds it would stay in the picture as grain."""
    t: int = 400
    """Timestep from which inpaint, partial and one-step start."""
    reach: float = 0.01
    """How far the image may change around what is marked: share of its shorter side."""
    level: float = 0.8
    """Where marking begins: share of the way from a quiet pixel's value to the threshold."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name, values in (("method", METHODS), ("energy", ENERGIES), ("start", STARTS)):
            if getattr(self, name) not in values:
                raise ValueError(
                    f"no {name} '{getattr(self, name)}' of a restoration: use {', '.join(values)}"
                )
        if not 0 < self.step < 1 or self.every < 1 or self.t < 1 or self.evaluations < 1:
            raise ValueError(
                "a restoration needs a step between 0 and 1, and every, t and evaluations >= 1"
            )
        if not 0 <= self.reach <= 1 or not 0 <= self.level < 1:
            raise ValueError("a restoration needs a reach within 0..1 and a level within 0..1")
