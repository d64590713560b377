"""Two figures of the paper on examples of the shipped models, as docs/scales.webp and docs/kl.webp.

    python -m benchmarks.figures

scales.webp, after Lu et al. 2023, Fig. 2: what is left of a defect as noise grows; for each t the
noised image, the model's one-step idea of the clean one, and the KL map. kl.webp, after Fig. 6: the
KL map beside the difference to a reconstruction in many steps, at the same number of forwards.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter
from torch import Tensor

from ddad import CHECKPOINTS
from ddad.diffusion.losses import kl
from ddad.export.render import heat
from ddad.images.decode import load_image
from ddad.images.geometry import model_shape, to_model
from ddad.images.masks import load_mask
from ddad.model.detector import Detector
from ddad.score.noise import scale_noise, seeded_generator

TIMESTEPS = (5, 20, 50, 100, 200, 400)
EXAMPLES = (("brick", "foreign"), ("brick", "scratch"), ("cookie", "stain"), ("cookie", "hole"))
START, STRIDE = 200, 25
"""The reconstruction goes from this timestep down in strides of so many: as many forwards as KL."""
TILE = 128


def main() -> None:
    scales, compared = [], []
    for model, kind in EXAMPLES:
        detector = Detector.load(model)
        (path,) = (CHECKPOINTS / model / "examples").glob(f"?_{kind}.png")
        pixels = load_image(path).pixels
        mask = load_mask(path.with_name(path.stem + "_mask.png"))
        x = to_model(pixels, model_shape(pixels.shape, detector.config.size, 8))[None]
        steps = [one_step(detector, x, t) for t in TIMESTEPS]
        maps = [gaussian_filter(m, 2, mode="nearest") for _, _, m in steps]
        if kind in ("foreign", "stain"):
            scales.append([picture(x), *(picture(noised) for noised, _, _ in steps)])
            scales.append([None, *(picture(clean) for _, clean, _ in steps)])
            scales.append([heat_of(mask.astype(float)), *(heat_of(m) for m in maps)])
        difference = (x - many_steps(detector, x)).abs().mean(1)[0].numpy()
        standard = [(m - np.median(m)) / m.std() for m in maps[1:5]]
        compared.append(
            [
                *(picture(x), heat_of(mask.astype(float)), heat_of(difference)),
                *(heat_of(gaussian_filter(difference, 2)), heat_of(np.mean(standard, axis=0))),
            ]
        )
    sheet(scales, ["image", *(f"t = {t}" for t in TIMESTEPS)], "scales.webp")
    names = ["image", "true mask", "RGB difference", "the same, smoothed", "KL, four scales"]
    sheet(compared, names, "kl.webp")


@torch.inference_mode()
def one_step(detector: Detector, x: Tensor, t: int) -> tuple[Tensor, Tensor, np.ndarray]:
    """x_t, the predicted clean image, and the KL map in nats, mean of an antithetic pair."""
    step = torch.tensor([t])
    maps = []
    for eps in scale_noise(detector.config, t, x.shape[1:]):
        x_t = detector.scheduler.q_sample(x, step, eps[None])
        out = detector.unet(x_t, step).sample
        p, clean = detector.scheduler.p_posterior(out, x_t, step, clip=True)
        maps.append(kl(detector.scheduler.q_posterior(x, x_t, step), p).sum(1)[0])
    return x_t, clean, torch.stack(maps).mean(0).numpy()


@torch.inference_mode()
def many_steps(detector: Detector, x: Tensor) -> Tensor:
    """The image noised to START and sampled back (partial diffusion, as AnoDDPM does)."""
    generator = seeded_generator(detector.config.seed)
    x_t = detector.scheduler.q_sample(
        x, torch.tensor([START]), torch.randn(x.shape, generator=generator)
    )
    for t in range(START, 0, -STRIDE):
        step, less = torch.tensor([t]), torch.tensor([max(t - STRIDE, 0)])
        p, clean = detector.scheduler.p_posterior(
            detector.unet(x_t, step).sample, x_t, step, less, clip=True
        )
        x_t = p.mean + (p.log_var / 2).exp() * torch.randn(x.shape, generator=generator)
    return clean


def picture(x: Tensor) -> np.ndarray:
    return ((x[0].permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()


def heat_of(values: np.ndarray) -> np.ndarray:
    return heat(values, float(np.quantile(values, 0.5)), float(values.max()))


def sheet(rows: list[list[np.ndarray | None]], names: list[str], name: str) -> None:
    """Tiles in rows under their names, on white."""
    page = Image.new("RGB", (len(names) * (TILE + 6) + 6, len(rows) * (TILE + 6) + 24), "white")
    draw = ImageDraw.Draw(page)
    for column, text in enumerate(names):
        draw.text((column * (TILE + 6) + 8, 6), text, fill="black", font_size=12)
        for line, row in enumerate(rows):
            if row[column] is not None:
                tile = Image.fromarray(row[column])
                share = TILE / max(tile.size)
                tile = tile.resize((round(tile.width * share), round(tile.height * share)))
                page.paste(tile, (column * (TILE + 6) + 6, line * (TILE + 6) + 24))
    page.save(CHECKPOINTS.parent / "docs" / name, quality=90)


if __name__ == "__main__":
    main()
