"""Time side by side: ours against its bare networks, against PatchCore, against the paper's cost.

    python -m benchmarks.speed DATA [--parts forwards patchcore paper training graphs quality]

With `--cpu`, CPU time on one thread: for a machine that has other work as well.
Whatever is compared takes turns within one run; the figures are medians, and the ratio is the
median of each round's ratio. `quality` (minutes) adds what the settings reach on the test sets.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from operator import methodcaller
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from diffusers import UNet2DModel
from torch.nn.functional import pad

from benchmarks import timing
from benchmarks.graphs import graphs
from benchmarks.peers import POOL, SHARE, patchcore_map
from benchmarks.timing import compare, say
from ddad.cli import main as ddad
from ddad.data import datasets as data
from ddad.diffusion.extractor import MARGIN, Extractor
from ddad.diffusion.losses import hybrid_loss
from ddad.diffusion.networks import UNetConfig, image_unet, predict
from ddad.diffusion.scheduler import linear_chain
from ddad.export import graph, runner
from ddad.images.decode import load_image
from ddad.images.geometry import feature_shape, model_shape, to_model
from ddad.model.allocator import keep_freed_memory
from ddad.model.checkpoint import BUNDLED
from ddad.model.detector import Detector
from ddad.model.runtime import arrange, side_by_side
from ddad.score.feature import jump
from ddad.training.run import TrainConfig
from ddad.training.train import train
from ddad.work.batch import score_files

SETTINGS: dict[str, list[str]] = {
    "default": [],
    "one noise scale": ["--feature-timesteps", "367"],
    "256 pixels": ["--feature-size", "256"],
}
"""Settings of the feature branch whose quality stands beside their time."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder of mvtec_bottle and mvtec_pill")
    parts = {
        "forwards": forwards,
        "patchcore": patchcore,
        "paper": paper,
        "training": training,
        "graphs": graphs,
        "quality": quality,
    }
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--openvino", action="store_true", help="time it too, where installed")
    parser.add_argument("--cpu", action="store_true", help="CPU time on one thread")
    parser.add_argument("--out", type=Path, default=Path("runs/speed"))
    args = parser.parse_args()
    if args.cpu:
        timing.on_one_thread()
    keep_freed_memory()  # as our commands and the page do
    print(f"{torch.get_num_threads()} threads, {'CPU' if args.cpu else 'wall'} time", flush=True)
    for name in args.parts:
        parts[name](args)


FOLDER = 8
"""Files of the folder that `forwards` scores."""


def bare(detector: Detector, pixels: np.ndarray) -> Callable[[], None]:
    """The networks that a score needs and nothing else: backbone, denoiser of features, U-Net."""
    config, feature = detector.config, detector.features
    unet = detector.unet if "pixel" in detector.weights else None
    runs: list[Callable[[], Any]] = []
    if feature is not None:
        x = to_model(pixels, feature_shape(pixels.shape, config.feature_size))[None]
        inputs = pad(x, (MARGIN,) * 4, mode="reflect")
        tokens = torch.randn(x[0, 0].numel() // 64, len(feature.mixture.mean))
        steps = [jump(detector.scheduler, t, config.feature_left) for t in config.feature_timesteps]
        runs = [
            lambda: feature.extractor.model(inputs),
            lambda: list(feature.mixture.steps(tokens, steps)),
        ]
    if unet is not None:
        shape = detector.shape("pixel", pixels)
        x_t = torch.randn(config.draws, 3, *shape)
        runs += [
            lambda t=t: predict(unet, x_t, torch.full((config.draws,), t)) for t in config.timesteps
        ]

    def forward() -> None:
        with torch.inference_mode():
            for run in runs:
                run()

    return forward


def scorers() -> tuple[Detector, Detector]:
    """The default, which scores by its features, and the same with a share for its U-Net."""
    whole = Detector.load("cookie")
    feature = Detector(None, whole.scheduler, whole.config, features=whole.features)
    return feature, whole.with_config(replace(whole.config, pixel_weight=0.1))


def forwards(args: argparse.Namespace) -> None:
    """(a) From file to files against the networks alone: one file, and a folder of eight."""
    folder = args.data / "mvtec_bottle" / "test" / "broken_large"
    file = sorted(folder.iterdir())[0]
    pixels = load_image(file).pixels
    feature, whole = (each.calibrate([pixels]) for each in scorers())
    for label, detector in {"feature branch": feature, "both branches": whole}.items():
        networks = bare(detector, pixels)
        with tempfile.TemporaryDirectory() as name:

            def files(count: int, d: Detector = detector, out: Path = Path(name)) -> None:
                planned = [(file, PurePosixPath(str(number))) for number in range(count)]
                if score_files(d, planned, out, max_pixels=10**7):
                    raise SystemExit("scoring failed")

            one = compare(
                args.rounds,
                files=partial(files, 1),
                networks=networks,
                detect=lambda d=detector: d.detect([pixels]),
            )
            say(f"{label}, {pixels.shape[1]} x {pixels.shape[0]}, file to files", one, "<= 1.10")
            again, run = [networks] * FOLDER, methodcaller("__call__")
            for how, each in {"in turn": map, "side by side": side_by_side}.items():
                bare_folder = lambda each=each: list(each(run, again))  # noqa: B023, E731
                all_of_them = compare(
                    args.rounds, files=partial(files, FOLDER), networks=bare_folder
                )
                say(f"{label}, {FOLDER} files, networks {how}", all_of_them, "<= 1.10")


def patchcore(args: argparse.Namespace) -> None:
    """(b) The default against PatchCore on the same backbone, arranged alike."""
    normals = sorted((args.data / "mvtec_bottle" / "train" / "good").iterdir())[:1]
    pixels = load_image(normals[0]).pixels
    whole = Detector.load("cookie")
    extractor = arrange(Extractor.load(BUNDLED))
    # Time depends on the size of the memory alone: its vectors may be any.
    memory = torch.randn(round(SHARE * POOL), 384)
    for label, flags in SETTINGS.items():
        detector = Detector(None, whole.scheduler, _config(whole, flags), features=whole.features)
        detector = detector.calibrate([pixels])
        found = compare(
            args.rounds,
            ours=lambda d=detector: d.detect([pixels]),
            patchcore=lambda: patchcore_map(extractor, memory, pixels),
        )
        say(f"feature branch, {label}, against PatchCore", found, "<= 1.5")


def _config(detector: Detector, flags: list[str]) -> Any:
    from ddad.cli import parser
    from ddad.commands.options import override

    args = parser().parse_args(["calibrate", ".", "--checkpoint", "x", *flags])
    return override(detector.config, args)


def paper(args: argparse.Namespace) -> None:
    """(c) One table: ours, PatchCore, ours as an ONNX graph, and the paper's own network, of the
    authors' size with random weights, in turn within one run. Their score takes six forwards, of
    which one is timed."""
    file = sorted((args.data / "mvtec_bottle" / "test" / "good").iterdir())[0]
    pixels = load_image(file).pixels
    feature, whole = (each.calibrate([pixels]) for each in scorers())
    extractor, memory = arrange(Extractor.load(BUNDLED)), torch.randn(round(SHARE * POOL), 384)
    large, x = authors_network(), torch.randn(1, 3, 256, 256)
    count = sum(p.numel() for p in large.parameters()) / 1e6
    with tempfile.TemporaryDirectory() as name:
        graph.write(feature, pixels.shape, Path(name))
        model = runner.Model(Path(name), torch.get_num_threads())
        calls: dict[str, Callable[[], Any]] = {
            "ours, photograph to map": lambda: feature.detect([pixels]),
            "ours, with a share for the U-Net": lambda: whole.detect([pixels]),
            "ours as an ONNX graph, float32, without torch": lambda: model(pixels),
            "PatchCore, its authors' settings, same extractor": lambda: patchcore_map(
                extractor, memory, pixels
            ),
        }
        if args.openvino:
            calls["the same graph in OpenVINO"] = in_openvino(Path(name), model, pixels)
        with torch.inference_mode():
            seconds = compare(args.rounds, **calls)
            forward = compare(1, forward=lambda: large(x, torch.tensor(100)))["forward"]
    del seconds["ratio"]
    ours = seconds["ours, photograph to map"]
    authors = f"the paper's network, {count:.0f} M parameters, one forward"
    rows = seconds | {authors: forward, "the paper's score, six forwards": 6 * forward}
    print("| what | seconds | times ours |\n|---|---|---|")
    for label, took in rows.items():
        print(f"| {label} | {took:.3f} | {took / ours:.2f} |", flush=True)


def authors_network() -> UNet2DModel:
    """Of the size of their configuration: a U-Net of guided diffusion for 256 x 256 pixels."""
    kind = {4: "Attn", 5: "Attn", 3: "Attn"}
    large = UNet2DModel(
        sample_size=256,
        in_channels=3,
        out_channels=6,
        block_out_channels=(256, 256, 512, 512, 1024, 1024),
        layers_per_block=2,
        down_block_types=tuple(f"{kind.get(i, '')}DownBlock2D" for i in range(6)),
        up_block_types=tuple(f"{kind.get(5 - i, '')}UpBlock2D" for i in range(6)),
        attention_head_dim=64,
        resnet_time_scale_shift="scale_shift",
    )
    return arrange(large.eval().requires_grad_(False))


def in_openvino(folder: Path, model: runner.Model, pixels: np.ndarray) -> Callable[[], Any]:
    """What OpenVINO, which is no dependency of ours, makes of the graph; it must say the same."""
    import openvino

    size = model.about["levels"]["height"], model.about["levels"]["width"]
    options = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(folder / "model.onnx", "CPU", options)
    call = lambda: compiled(runner.resized(pixels, size))[1]  # noqa: E731
    apart = float(np.abs(call() - model(pixels).score_map).max())
    print(f"OpenVINO and onnxruntime, the same photograph: at most {apart:.1e} apart", flush=True)
    return call


def training(args: argparse.Namespace) -> None:
    """(e) Images a second in training against forward and backward alone."""
    keep_freed_memory(all_of_it=True)
    source = args.data / "mvtec_bottle"
    samples = [s for s in data.read(source) if s.split == "train"][:24]
    config = TrainConfig(steps=3 * args.rounds, held_out=0.1, save_every=10**6, precision="no")
    pixels = load_image(samples[0].path).pixels
    shape = model_shape(pixels.shape, config.size, 8)
    unet, chain = image_unet(UNetConfig(config.channels, config.layers), shape), linear_chain()
    x, t = torch.randn(config.batch, 3, *shape), torch.arange(config.batch) * 100

    def bare_step() -> None:
        out = unet(x, t).sample
        mse, vlb = hybrid_loss(chain, out, x, x, t, x, vlb_weight=config.vlb_weight)
        (mse + vlb).mean().backward()
        unet.zero_grad()

    rows: list[float] = []
    found = compare(config.steps, step=bare_step, same=bare_step)
    with tempfile.TemporaryDirectory() as name:
        on_log = lambda row: rows.append(row["images_per_second"])  # noqa: E731
        train(samples[:16], samples[16:], Path(name), config, on_log=on_log)
    again = compare(config.steps, step=bare_step, same=bare_step)
    ours = float(np.median(rows))
    alone = config.batch / ((found["step"] + again["step"]) / 2)
    print(
        f"training: {ours:.1f} images/s, forward, loss and backward alone {alone:.1f}; "
        f"ratio {ours / alone:.2f} (target >= 0.9)",
        flush=True,
    )


def quality(args: argparse.Namespace) -> None:
    """(d) What each setting reaches, beside its time: nothing bought by losing accuracy unseen."""
    columns = ("image_auroc", "pixel_auroc", "pixel_ap", "aupro")
    print("\n| setting, set | " + " | ".join(c.replace("_", " ") for c in columns) + " | ms |")
    print("|---" * (len(columns) + 2) + "|")
    for name in ("mvtec_bottle", "mvtec_pill"):
        file = sorted((args.data / name / "test" / "good").iterdir())[0]
        pixels = load_image(file).pixels
        for label, flags in SETTINGS.items():
            out = args.out / f"{name}_{label.replace(', ', '_').replace(' ', '_')}"
            if not (out / "metrics.json").exists():
                if not (out / "ddad.json").exists():
                    ddad(["train", str(args.data / name), "--out", str(out), *flags])
                ddad(
                    ["evaluate", str(args.data / name), "--checkpoint", str(out), "--out", str(out)]
                )
            metrics = json.loads((out / "metrics.json").read_text())
            detector = Detector.load(out)
            took = compare(args.rounds, detect=partial(detector.detect, [pixels]))["detect"]
            row = " | ".join(f"{metrics[c]:.3f}" for c in columns)
            print(f"| {label}, {name} | {row} | {took * 1e3:.0f} |", flush=True)


if __name__ == "__main__":
    main()
