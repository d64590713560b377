"""What a training run is and how it survives: settings, state on disk, log, stop signals."""

from __future__ import annotations

import hashlib
import json
import math
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DModel
from diffusers.training_utils import EMAModel
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ddad.diffusion.networks import FeatureHead, predict, predict_features
from ddad.images.files import write_json, write_text, write_whole


@dataclass(frozen=True)
class TrainConfig:
    """What a training run depends on besides its images."""

    size: int = 128
    """Images are resized to about size x size pixels in area."""
    crop: int = 0
    """Side of the random square crops, pixels at that size; 0: as large as fits in every image."""
    flips: bool = False
    """Random mirroring on both axes: for parts and textures without a handedness."""
    start: str = ""
    """Checkpoint whose U-Net (and head) the run begins with; empty: random weights."""
    channels: tuple[int, ...] = (16, 32, 64, 128)
    """Channels of the U-Net, one a resolution; this and the next two where there is no start."""
    layers: int = 1
    """Residual blocks a resolution."""
    patch: int = 1
    """Pixels a side of the blocks that are one position of the finest resolution."""
    features: float = 0.0
    """Weight of the feature head's mean squared error in the loss; 0: no head."""
    batch: int = 8
    """Images a step, over all processes."""
    steps: int = 0
    """Stop after this many steps; 0: `minutes` decides."""
    minutes: float = 0
    """Stop after this much training time, if `steps` is 0."""
    lr: float = 1e-3
    """Peak learning rate of AdamW; linear warm-up, then cosine decay to zero."""
    warmup: int = 100
    """Warm-up steps."""
    weight_decay: float = 0.0
    clip: float = 1.0
    """Largest gradient norm."""
    ema: float = 0.998
    """Decay of the averaged weights, which everything after training uses."""
    vlb_weight: float = 0.001
    """Multiplies T times the bound's step term in nats a dimension."""
    held_out: float = 0.2
    """Share of the normal images kept from training for calibration."""
    seed: int = 0
    save_every: float = 60
    """Seconds between saves."""
    precision: str = "auto"
    """auto (bf16 where the hardware has it), bf16 or no."""

    def __post_init__(self) -> None:
        if (self.steps > 0) == (self.minutes > 0):
            raise ValueError("say how long to train: either steps or minutes")
        if self.size < 16 or self.batch < 1 or self.crop < 0:
            raise ValueError("size must be at least 16 pixels, batch at least 1, crop not negative")
        if self.patch < 1 or self.features < 0:
            raise ValueError("patch must be at least 1 pixel, the features' weight not negative")
        if self.precision not in ("auto", "bf16", "no"):
            raise ValueError(f"precision must be auto, bf16 or no, not {self.precision}")


TINY = TrainConfig(
    size=32, channels=(8, 16), batch=8, steps=400, lr=2e-3, warmup=10, ema=0.95, precision="no"
)
CPU = TrainConfig(size=256, start="base", minutes=2, lr=3e-4, warmup=20, ema=0.98)
GPU = TrainConfig(
    size=256, channels=(64, 128, 128, 192, 256), layers=2, batch=32, minutes=30, lr=2e-4, ema=0.999
)
PRESETS = {"tiny": TINY, "cpu": CPU, "gpu": GPU}


class Network(nn.Module):
    """What is trained: the U-Net and, where there is one, its feature head."""

    def __init__(self, unet: UNet2DModel, head: FeatureHead | None = None) -> None:
        super().__init__()
        self.unet, self.head = unet, head

    def forward(
        self, x_t: Tensor, t: Tensor, grid: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None]:
        """eps and v of x_t, and the scaled features on a grid; see `ddad.diffusion.networks`."""
        if self.head is None:
            return predict(self.unet, x_t, t), None
        return predict_features(self.unet, self.head, x_t, t, grid)


@dataclass
class Run:
    """A run in progress: everything that a resumed run needs, and nothing that a model ships."""

    network: Network
    optimizer: torch.optim.Optimizer
    ema: EMAModel
    step: int = 0
    seconds: float = 0.0
    ended: bool = False
    """Whether it was asked to stop early: then it is done, whatever its length was to be."""

    @classmethod
    def begin(cls, network: Network, config: TrainConfig) -> Run:
        """A fresh run of a network."""
        optimizer = torch.optim.AdamW(
            network.parameters(), config.lr, weight_decay=config.weight_decay
        )
        return cls(network, optimizer, EMAModel(network.parameters(), decay=config.ema))

    def fraction(self, config: TrainConfig) -> float:
        """Share of the run that is done, 0 to 1."""
        if self.ended:
            return 1.0
        share = self.step / config.steps if config.steps else self.seconds / (60 * config.minutes)
        return min(1.0, share)

    @contextmanager
    def averaged(self) -> Iterator[Network]:
        """The network with its averaged weights, for as long as the block lasts."""
        self.ema.store(self.network.parameters())
        self.ema.copy_to(self.network.parameters())
        try:
            yield self.network
        finally:
            self.ema.restore(self.network.parameters())

    def save(self, path: Path) -> None:
        """Write one safetensors file under a temporary name, then rename it."""
        tensors: dict[str, Tensor] = {}
        for (name, weight), mean in zip(
            self.network.named_parameters(), self.ema.shadow_params, strict=True
        ):
            tensors |= {f"network.{name}": weight.detach(), f"ema.{name}": mean}
            tensors |= {f"adam.{k}.{name}": v for k, v in self.optimizer.state[weight].items()}
        header = {
            "step": str(self.step),
            "seconds": repr(self.seconds),
            "ema_step": str(self.ema.optimization_step),
            "ended": str(int(self.ended)),
        }
        with write_whole(path) as part:
            save_file({k: v.contiguous() for k, v in tensors.items()}, part, header)

    def restore(self, path: Path) -> None:
        """Read what `save` wrote, in place."""
        with safe_open(path, "pt") as file:
            header = file.metadata()
            for index, (name, weight) in enumerate(self.network.named_parameters()):
                weight.data.copy_(file.get_tensor(f"network.{name}"))
                self.ema.shadow_params[index].copy_(file.get_tensor(f"ema.{name}"))
                keys = ("step", "exp_avg", "exp_avg_sq")
                moments = {k: file.get_tensor(f"adam.{k}.{name}") for k in keys}
                self.optimizer.state[weight] = {
                    k: v if k == "step" else v.to(weight.device) for k, v in moments.items()
                }
        self.step = int(header["step"])
        self.seconds = float(header["seconds"])
        self.ema.optimization_step = int(header["ema_step"])
        self.ended = header.get("ended") == "1"


def claim(
    out: Path, config: TrainConfig, images: Sequence[Tensor], held: Sequence[Tensor], writes: bool
) -> dict[str, Any]:
    """Record what this run is, or check that `out` holds the same run."""
    digest = hashlib.sha256()
    for image in (*images, *held):
        digest.update(image.numpy().tobytes())
    record = {
        "config": json.loads(json.dumps(asdict(config))),
        "images": {
            "trained_on": len(images),
            "held_out": len(held),
            "digest": digest.hexdigest()[:32],
        },
    }
    path = out / "run.json"
    if path.exists():
        before = json.loads(path.read_text("utf-8"))
        changed = [k for k, v in record["config"].items() if before["config"].get(k) != v]
        if before["images"] != record["images"]:
            changed.append("the images")
        if changed:
            raise ValueError(
                f"{out} holds a run with other settings ({', '.join(changed)}): "
                "repeat those to go on, or choose another folder"
            )
    elif writes:
        out.mkdir(parents=True, exist_ok=True)
        write_json(record, path)
    return record


def cut_log(path: Path, step: int) -> None:
    """Drop log rows after `step`: the steps since the last save are done again."""
    if path.exists():
        rows = [r for r in path.read_text("utf-8").splitlines() if _row_step(r) <= step]
        write_text("".join(f"{row}\n" for row in rows), path)


def _row_step(row: str) -> float:
    try:
        return float(json.loads(row)["step"])
    except (ValueError, KeyError):  # a line cut short by a kill
        return math.inf


@contextmanager
def stop_flag() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets; the second acts as usual."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def stop(number: int, frame: object) -> None:
        stopped.set()
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in signals:
        signal.signal(number, stop)
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
