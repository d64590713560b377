"""What a score depends on besides the image and the weights."""

from __future__ import annotations

from dataclasses import dataclass

CHAIN = 1000
"""T of the chain that timesteps count on."""


@dataclass(frozen=True)
class ScoreConfig:
    """What a score depends on besides the image and the weights."""

    size: int = 128
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
    feature_timesteps: tuple[int, ...] = (100, 160, 260, 400)
    """Noise scales of the feature branch, of the same chain."""
    feature_blur: float = 0.0
    """Smoothing of its maps: standard deviation in cells of its grid."""
    pixel_weight: float = 0.1
    """Weight of the pixel branch where a model has both; the feature branch has the rest."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.timesteps or self.draws < 1 or self.jump < 1 or self.size < 16:
            raise ValueError("a score needs timesteps, draws >= 1, jump >= 1 and size >= 16")
        if min(self.timesteps) < self.jump:
            raise ValueError(
                f"timestep {min(self.timesteps)} is smaller than the jump of {self.jump}: "
                "the KL needs t - jump >= 0"
            )
        for steps in (self.timesteps, self.feature_timesteps):
            if len(set(steps)) < len(steps):
                raise ValueError("each timestep may be named once")
            if steps and not 0 <= min(steps) <= max(steps) < CHAIN:
                raise ValueError(f"timesteps lie between 0 and {CHAIN - 1}")
        if not self.feature_timesteps or self.feature_size < 64 or not 0 <= self.pixel_weight <= 1:
            raise ValueError(
                "a feature score needs timesteps, a size of at least 64 and a weight within 0..1"
            )
