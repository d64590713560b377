"""Train the base network, which every pixel branch starts from, on pictures free to use.

    python -m benchmarks.base --out checkpoints/base --minutes 120

Pictures: the photographs that come with scikit-image and scikit-learn, procedural textures, and
drawn parts; none of the defect data sets. The U-Net learns L_mse + L_vlb and, through its head, to
predict the clean picture's features of the bundled extractor. The same command resumes; with
`accelerate launch --num_processes 2` in place of `python` two processes share the batch, which
two slow cores like better than two threads.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from benchmarks.distill import crop, pictures, texture
from benchmarks.objects import single
from ddad.data.datasets import Sample
from ddad.diffusion.extractor import Extractor
from ddad.images.files import write_png
from ddad.model.allocator import keep_freed_memory
from ddad.model.checkpoint import BUNDLED, HEAD
from ddad.training.run import TrainConfig
from ddad.training.train import train

SIDE, WINDOW = 288, 256
SHARES = {"photograph": 0.45, "texture": 0.25, "object": 0.3}


@cache
def photographs() -> list[np.ndarray]:
    return pictures()


def picture(index: int) -> np.ndarray:
    """Picture number `index`, uint8 (SIDE, SIDE, 3); depends on the number alone."""
    rng = np.random.default_rng((19, index))
    kind = rng.choice(list(SHARES), p=list(SHARES.values()))
    if kind == "photograph":
        view = crop(photographs(), rng, SIDE)
        return np.asarray(((view + 1) * 127.5).round().byte().permute(1, 2, 0))
    if kind == "texture":
        return texture(rng, SIDE)
    return single(SIDE, rng)


def write_picture(path: Path) -> None:
    if not path.exists():
        write_png(picture(int(path.stem)), path)


def write_pictures(folder: Path, count: int) -> list[Path]:
    """The pictures as files, written by the first process; those that are there stay."""
    paths = [folder / f"{index:05}.png" for index in range(count)]
    folder.mkdir(parents=True, exist_ok=True)
    if os.environ.get("RANK", "0") == "0":
        with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
            list(pool.map(write_picture, paths, chunksize=20))
    while not all(path.exists() for path in paths):
        time.sleep(1)
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--pictures", type=int, default=3500)
    parser.add_argument("--features", type=float, default=0.3, help="weight of the head's loss")
    parser.add_argument("--start", default="", help="a checkpoint to go on from")
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--run", type=Path, default=Path("runs/base"))
    args = parser.parse_args()
    keep_freed_memory(all_of_it=True)
    paths = write_pictures(args.run / "pictures", args.pictures)
    samples = [Sample(path, "train", "good", None, path.stem) for path in paths]
    config = TrainConfig(
        **{"size": SIDE, "crop": WINDOW, "flips": True, "channels": (64, 96, 128), "patch": 4},
        **{"batch": 8, "minutes": args.minutes, "lr": args.lr, "warmup": 200, "ema": 0.999},
        **{"features": args.features, "start": args.start, "save_every": 300},
    )
    found = train(
        *(samples[64:], samples[:64], args.run, config),
        extractor=Extractor.load(BUNDLED),
        on_log=lambda row: print(json.dumps(row), flush=True) if "held_out_mse" in row else None,
    )
    if os.environ.get("RANK", "0") != "0":
        return
    found.unet.half().save_pretrained(args.out / "unet")
    assert found.head is not None
    weights = {k: v.half().contiguous() for k, v in found.head.state_dict().items()}
    save_file(weights, args.out / HEAD)
    found.scheduler.save_pretrained(args.out / "scheduler")
    size = sum(f.stat().st_size for f in args.out.rglob("*.safetensors")) / 1e6
    print(f"{found.record['steps']} steps, {found.record['seconds'] / 60:.0f} min, {size:.1f} MB")


if __name__ == "__main__":
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", torch.get_num_threads())))
    main()
