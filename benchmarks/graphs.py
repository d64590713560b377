"""Whether a compiled or exported graph of our networks pays: a part of `benchmarks.speed`."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import UNet2DModel

from benchmarks.timing import compare, say
from ddad.diffusion.extractor import MARGIN, Extractor
from ddad.diffusion.networks import predict
from ddad.model.detector import Detector


class Stages(torch.nn.Module):
    """The extractor's network alone, as a graph is made of it."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__()
        self.extractor = extractor

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        return self.extractor.stages(x)


class Prediction(torch.nn.Module):
    """The U-Net, likewise."""

    def __init__(self, unet: UNet2DModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, x_t: torch.Tensor, t: torch.Tensor) -> list[torch.Tensor]:
        return [predict(self.unet, x_t, t)]


Inputs = tuple[torch.Tensor, ...]


def inductor(network: torch.nn.Module, inputs: Inputs) -> Callable[[], Any]:
    compiled = torch.compile(network)
    compiled(*inputs)
    return lambda: compiled(*inputs)


def onnx(network: torch.nn.Module, inputs: Inputs) -> Callable[[], Any]:
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        torch.onnx.export(network, inputs, path, dynamo=True, verbose=False)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(path, options)
    names = [value.name for value in session.get_inputs()]
    feed = {name: x.numpy() for name, x in zip(names, inputs, strict=True)}
    return lambda: session.run(None, feed)


def openvino(network: torch.nn.Module, inputs: Inputs) -> Callable[[], Any]:
    import openvino

    model = openvino.convert_model(torch.export.export(network, inputs))
    options = {"INFERENCE_NUM_THREADS": torch.get_num_threads()}
    options |= {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", options)
    return lambda: list(compiled([x.numpy() for x in inputs]).values())


def graphs(args: argparse.Namespace) -> None:
    """Whether a compiled or exported graph pays; onnxruntime, OpenVINO where they are installed."""
    whole = Detector.load("cookie")
    assert whole.features is not None and whole.unet is not None
    side = whole.config.feature_size + 2 * MARGIN
    rows = whole.config.draws
    extractor, unet = Stages(whole.features.extractor).eval(), Prediction(whole.unet).eval()
    x = torch.randn(1, 3, side, side)
    x_t = torch.randn(rows, 3, whole.config.size, whole.config.size)
    # OpenVINO 2026.4.1 dies of a segmentation fault while it compiles the U-Net.
    for network, inputs, makers in (
        (extractor, (x,), (inductor, openvino, onnx)),
        (unet, (x_t, torch.full((rows,), 100)), (inductor, onnx)),
    ):
        with torch.no_grad():
            for make in makers:
                _graph(args.rounds, network, inputs, make)


def _graph(
    rounds: int, network: torch.nn.Module, inputs: Inputs, make: Callable[..., Callable[[], Any]]
) -> None:
    label, started = f"{type(network).__name__} by {make.__name__}", time.perf_counter()
    try:
        run = make(network, inputs)
    except ImportError as error:
        print(f"{label}: {error}")
        return
    making = time.perf_counter() - started
    far = max(
        float((torch.as_tensor(ours) - eager).abs().max() / eager.abs().max())
        for ours, eager in zip(run(), network(*inputs), strict=True)
    )
    found = compare(rounds, graph=run, eager=lambda: network(*inputs))
    label = f"{label}, made in {making:.0f} s, differs by {far:.0e}"
    say(label, found, "less than 1 pays")
