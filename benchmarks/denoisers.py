"""What should denoise the features? Four answers at equal training time, in one harness.

    python -m benchmarks.denoisers DATA... --extractor BACKBONE [--minutes 4]

head: the paper's, a 1x1 convolution on a decoder block of the pixel U-Net, which predicts the clean
image's features from x_t; trained jointly with the noise prediction. tokens: a residual network on
each position's feature vector under its own noise. unet: the same with a U-Net over all positions.
mixture: ours, the exact KL of a mixture of Gaussians, whatever time that takes. All see the
same noise chain, and the same 256 pixel features, in units of their root mean variance. Scores are
one-step squared errors at the same four timesteps (a pair +noise, -noise where noise is drawn),
each over its mean in held-out normal images. Test images are scored once, for the report.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from tqdm import tqdm

from ddad.data import datasets as data
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.losses import hybrid_loss
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.networks import UNetConfig, image_unet
from ddad.diffusion.precision import bf16_is_fast
from ddad.diffusion.scheduler import PosteriorDDPMScheduler, linear_chain
from ddad.images.decode import load_image
from ddad.images.geometry import model_shape, to_image, to_model
from ddad.measure.evaluation import truth
from ddad.measure.metrics import Evaluation
from ddad.model.allocator import keep_freed_memory
from ddad.score.feature import jump
from ddad.score.noise import seeded_generator

TIMESTEPS = (100, 160, 260, 400)
SIZE, PIXELS, BATCH = 256, 128, 8
COLUMNS = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
Predict = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(image at PIXELS, noise of its shape or of the features', timestep) to clean features."""


class Tokens(nn.Module):
    """Residual network on single vectors, conditioned on the timestep."""

    def __init__(self, channels: int, width: int = 512, blocks: int = 4) -> None:
        super().__init__()
        self.enter, self.leave = nn.Linear(channels, width), nn.Linear(width, channels)
        self.steps = nn.Embedding(1000, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(width),
                nn.Linear(width, 2 * width),
                nn.SiLU(),
                nn.Linear(2 * width, width),
            )
            for _ in range(blocks)
        )
        nn.init.zeros_(self.steps.weight)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        hidden = self.enter(x) + self.steps(t)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.leave(hidden)


class Head(nn.Module):
    """The pixel U-Net with a 1x1 convolution on the decoder block of a quarter of its size."""

    def __init__(self, channels: int, shape: tuple[int, int]) -> None:
        super().__init__()
        self.unet = image_unet(UNetConfig(), shape)
        self.conv = nn.Conv2d(64, channels, 1)
        self.state = torch.empty(0)
        self.unet.up_blocks[1].resnets[-1].register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.state = output

    def forward(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        eps = self.unet(x, t).sample
        return eps, self.conv(self.state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+")
    parser.add_argument("--extractor", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=4)
    args = parser.parse_args()
    keep_freed_memory(all_of_it=True)
    extractor = Extractor.load(args.extractor)
    print("| set, denoiser | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " | steps |")
    print("|---" * (2 + len(COLUMNS)) + "|", flush=True)
    for root in args.data:
        for label, row, steps in study(root, extractor, args.minutes):
            values = " | ".join(f"{row[c]:.3f}" for c in COLUMNS)
            print(f"| {root.name}, {label} | {values} | {steps} |", flush=True)


def study(root: Path, extractor: Extractor, minutes: float):  # type: ignore[no-untyped-def]
    """(denoiser, metrics, training steps), one after the other."""
    samples = data.read(root)
    part, held = data.hold_out([s for s in samples if s.split == "train"], 0.2, seed=0)
    tests = [s for s in samples if s.split == "test"]

    @torch.inference_mode()
    def look(sample: data.Sample) -> tuple[Tensor, Tensor]:
        """The image at PIXELS and its features (C, h, w)."""
        pixels = load_image(sample.path).pixels
        small, large = (to_model(pixels, model_shape(pixels.shape, s, 16)) for s in (PIXELS, SIZE))
        return small, extractor(large[None])[0].half()

    images = [look(s) for s in tqdm(part, desc=root.name, disable=None)]
    clean = [look(s) for s in held[:60]]
    judged = [look(s) for s in tqdm(tests, desc=root.name, disable=None)]
    vectors = _vectors([f for _, f in images], 60_000)
    mean, scale = vectors.mean(0)[:, None, None], float(vectors.var(0).mean().sqrt())
    chain = linear_chain()

    def unit(features: Tensor) -> Tensor:
        return (features.float() - mean) / scale

    def evaluate(maps: Callable[[Tensor, Tensor], np.ndarray]) -> dict[str, float]:
        normal = [maps(*look) for look in clean]
        level = np.mean([m.mean((1, 2)) for m in normal], axis=0)[:, None, None]
        evaluation = Evaluation()
        for sample, view in zip(tests, judged, strict=True):
            fused = gaussian_filter((maps(*view) / level).mean(0), 0.5, mode="nearest")
            shape = load_image(sample.path).pixels.shape[:2]
            defect, mask = truth(sample, shape)
            score_map = to_image(torch.from_numpy(fused)[None], *shape)[0].numpy()
            evaluation.add(float(fused.max()), score_map, mask, defect)
        return evaluation.result()

    for label, train in (("head", head), ("tokens", tokens), ("unet", unet)):
        torch.manual_seed(0)
        steps, predict, in_pixels = train(images, unit, chain, minutes)

        @torch.inference_mode()
        def maps(
            small: Tensor, features: Tensor, predict: Predict = predict, pixels: bool = in_pixels
        ) -> np.ndarray:
            target, found = unit(features), []
            source = small if pixels else target
            for t in TIMESTEPS:
                eps = torch.randn(source.shape, generator=seeded_generator(0, t))
                pair = torch.stack([eps, -eps])
                step = torch.full((2,), t)
                both = source[None].expand_as(pair)
                with torch.autocast(
                    "cpu", torch.bfloat16, enabled=bf16_is_fast(torch.device("cpu"))
                ):
                    out = predict(chain.q_sample(both, step, pair), step, target)
                found.append((out.float() - target).square().mean((0, 1)))
            return torch.stack(found).numpy()

        yield label, evaluate(maps), steps
    mixture = NormalMixture.fit(vectors, 1024)
    steps = [jump(chain, t, 0.1) for t in TIMESTEPS]

    def exact(small: Tensor, features: Tensor) -> np.ndarray:
        flat = features.float().flatten(1).T
        found = [step.kl for step in mixture.steps(flat, steps)]
        return torch.stack(found).view(len(steps), *features.shape[1:]).numpy()

    yield "mixture", evaluate(exact), 0


def loop(
    model: nn.Module, minutes: float, rate: float, loss: Callable[[int], Tensor]
) -> tuple[int, Any]:
    """AdamW with a cosine rate for so many minutes; the weights' running average is returned."""
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)
    )
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    begin, step = time.monotonic(), 0
    while (done := (time.monotonic() - begin) / (60 * minutes)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 50) * (1 + np.cos(np.pi * done)) / 2
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16_is_fast(torch.device("cpu"))):
            value = loss(step)
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update_parameters(model)
        step += 1
    return step, average.module.eval()


Found = tuple[int, Predict, bool]
Views = list[tuple[Tensor, Tensor]]


def head(
    images: Views, unit: Callable[[Tensor], Tensor], chain: PosteriorDDPMScheduler, minutes: float
) -> Found:
    """Lu et al. 2023: features of the clean image from a decoder block that sees x_t."""
    model = Head(images[0][1].shape[0], (images[0][0].shape[1], images[0][0].shape[2]))
    rng = np.random.default_rng(0)

    def loss(step: int) -> Tensor:
        chosen = _alike(images, rng)
        x0 = torch.stack([images[i][0] for i in chosen])
        target = torch.stack([unit(images[i][1]) for i in chosen])
        t, eps = torch.from_numpy(rng.integers(0, 1000, len(x0))), torch.randn_like(x0)
        x_t = chain.q_sample(x0, t, eps)
        out, features = model(x_t, t)
        mse, vlb = hybrid_loss(chain, out.float(), x0, x_t, t, eps, vlb_weight=0.001)
        return (mse + vlb).mean() + mse_loss(features.float(), target)

    steps, best = loop(model, minutes, 1e-3, loss)
    return steps, lambda x_t, t, like: best(x_t, t)[1], True


def tokens(
    images: Views, unit: Callable[[Tensor], Tensor], chain: PosteriorDDPMScheduler, minutes: float
) -> Found:
    """Each position for itself."""
    vectors = unit(_vectors([f for _, f in images], 100_000).T[..., None])[..., 0].T
    model = Tokens(vectors.shape[1])
    rng = np.random.default_rng(0)

    def loss(step: int) -> Tensor:
        x0 = vectors[torch.from_numpy(rng.integers(0, len(vectors), 4096))]
        t, eps = torch.from_numpy(rng.integers(0, 1000, len(x0))), torch.randn_like(x0)
        x_t = chain.q_sample(x0, t, eps)
        return mse_loss(_clean(chain, x_t, model(x_t, t), t), x0)

    steps, best = loop(model, minutes, 1e-3, loss)

    def predict(x_t: Tensor, t: Tensor, like: Tensor) -> Tensor:
        flat = x_t.flatten(2).transpose(1, 2)
        each = t[:, None].expand(flat.shape[:2])
        clean = _clean(chain, flat.flatten(0, 1), best(flat, each).flatten(0, 1), each.flatten())
        return clean.view_as(flat).transpose(1, 2).view_as(x_t)

    return steps, predict, False


def unet(
    images: Views, unit: Callable[[Tensor], Tensor], chain: PosteriorDDPMScheduler, minutes: float
) -> Found:
    """All positions together."""
    channels = images[0][1].shape[0]
    model = UNet2DModel(
        in_channels=channels,
        out_channels=channels,
        block_out_channels=(128, 192, 256),
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * 3,
        up_block_types=("UpBlock2D",) * 3,
        norm_num_groups=8,
    )
    rng = np.random.default_rng(0)

    def loss(step: int) -> Tensor:
        x0 = torch.stack([unit(images[i][1]) for i in _alike(images, rng)])
        t, eps = torch.from_numpy(rng.integers(0, 1000, len(x0))), torch.randn_like(x0)
        x_t = chain.q_sample(x0, t, eps)
        return mse_loss(_clean(chain, x_t, model(x_t, t).sample, t), x0)

    steps, best = loop(model, minutes, 1e-3, loss)
    return steps, lambda x_t, t, like: _clean(chain, x_t, best(x_t, t).sample, t), False


def _vectors(features: list[Tensor], most: int) -> Tensor:
    """About `most` vectors (N, C) from random places, as many from every image."""
    each, rng = -(-most // len(features)), np.random.default_rng(0)
    flat = (f.flatten(1).T for f in features)
    return torch.cat([f[torch.from_numpy(rng.permutation(len(f))[:each])] for f in flat]).float()


def _clean(chain: PosteriorDDPMScheduler, x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """The clean signal from a network's v = sqrt(abar) eps - sqrt(1 - abar) x_0."""
    abar = chain.tables[t + 1].float().view(-1, *(1,) * (x_t.ndim - 1))
    return abar.sqrt() * x_t - (1 - abar).sqrt() * v.float()


def _alike(images: Views, rng: np.random.Generator) -> list[int]:
    """BATCH indices of images of one shape."""
    shape = images[rng.integers(len(images))][0].shape
    same = [i for i, (small, _) in enumerate(images) if small.shape == shape]
    return [same[i] for i in rng.integers(0, len(same), BATCH)]


if __name__ == "__main__":
    main()
