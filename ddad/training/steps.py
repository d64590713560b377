"""One step of the optimiser at a time, and what the log says of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from accelerate import Accelerator
from torch import Tensor
from torch.nn.functional import mse_loss

from ddad.diffusion.extractor import GRID, Extractor
from ddad.diffusion.losses import hybrid_loss
from ddad.diffusion.scheduler import linear_chain
from ddad.training.batches import draw_batch
from ddad.training.run import Network, Run, TrainConfig


@dataclass(frozen=True)
class Images:
    """What is trained on and what is held out, uint8 (3, h, w), and the (h, w) of the windows."""

    trained_on: Sequence[Tensor]
    held_out: Sequence[Tensor]
    window: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Of a window's features."""
        return self.window[0] // GRID, self.window[1] // GRID


class Steps:
    """Takes them, and sums the losses since the last log row."""

    def __init__(
        self,
        accelerator: Accelerator,
        run: Run,
        config: TrainConfig,
        images: Images,
        extractor: Extractor | None,
    ) -> None:
        self.accelerator, self.run, self.config = accelerator, run, config
        self.images, self.scheduler = images, linear_chain()
        self.extractor = None if extractor is None else extractor.to(accelerator.device)
        self.model, self.optimizer = accelerator.prepare(run.network, run.optimizer)
        self.mine = slice(accelerator.process_index, None, accelerator.num_processes)
        self._since = (run.step, run.seconds)
        self._sums = torch.zeros(3, dtype=torch.float64)

    def take(self) -> None:
        run, config = self.run, self.config
        batch = draw_batch(
            *(self.images.trained_on, self.images.window, config, run.step, self.scheduler.steps)
        )
        x0, t, eps = (v[self.mine].to(self.accelerator.device) for v in batch)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * _lr_factor(run.step, run.fraction(config), config.warmup)
        losses = self._losses(self.model, x0, t, eps)
        self.accelerator.backward(losses.sum())
        self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        run.ema.step(run.network.parameters())
        run.step += 1
        self._sums += losses.detach().cpu().double()

    def row(self) -> dict[str, float]:
        """The log row of the steps since the last one: means over all processes."""
        (step, seconds), run = self._since, self.run
        sums = self.accelerator.reduce(self._sums.float(), "mean")
        speed = (run.step - step) * self.config.batch / max(run.seconds - seconds, 1e-9)
        found = {
            "step": run.step,
            "seconds": round(run.seconds, 2),
            "done": round(run.fraction(self.config), 5),
            **self._named(sums / (run.step - step)),
            "images_per_second": round(speed, 2),
        }
        self._since, self._sums = (run.step, run.seconds), torch.zeros(3, dtype=torch.float64)
        return found

    @torch.no_grad()
    def held_out(self) -> dict[str, float]:
        """The losses of the averaged weights on held-out normals, the noise always the same."""
        held, config = self.images.held_out, self.config
        fixed = replace(config, batch=min(32, max(8, len(held))), seed=config.seed + 1)
        batch = draw_batch(held, self.images.window, fixed, 0, self.scheduler.steps)
        rows = zip(*(v.to(self.accelerator.device).split(8) for v in batch), strict=True)
        with self.run.averaged() as network:
            parts = [(len(x0), self._losses(network, x0, t, eps)) for x0, t, eps in rows]
        mean = torch.stack([n * losses for n, losses in parts]).sum(0) / fixed.batch
        return {f"held_out_{name}": value for name, value in self._named(mean).items()}

    def _losses(self, model: Network, x0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
        """L_mse, the weighted L_vlb and the weighted loss of the head: (3,), batch means."""
        x_t, grid, config = self.scheduler.q_sample(x0, t, eps), self.images.grid, self.config
        out, found = model(x_t, t, grid)
        mse, vlb = hybrid_loss(
            self.scheduler, out.float(), x0, x_t, t, eps, vlb_weight=config.vlb_weight
        )
        features = torch.zeros_like(mse.mean())
        if found is not None and self.extractor is not None:
            assert self.run.network.head is not None
            with torch.no_grad(), self.accelerator.autocast():
                wanted = self.run.network.head.scaled(self.extractor(x0))
            features = config.features * mse_loss(found.float(), wanted)
        return torch.stack([mse.mean(), vlb.mean(), features])

    def _named(self, losses: Tensor) -> dict[str, float]:
        names = ("mse", "vlb", "features") if self.config.features else ("mse", "vlb")
        return dict(zip(names, losses.tolist(), strict=False))


def _lr_factor(step: int, done: float, warmup: int) -> float:
    return min(1.0, (step + 1) / max(1, warmup)) * (1 + math.cos(math.pi * done)) / 2
