"""A stranger's checkpoint, checked before anything is built of it.

Settings and weights must agree, tensor by tensor, and the model must score a plain image.
"""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np

from ddad.model.checkpoint import CheckpointError
from ddad.model.detector import Detector

JSON_BYTES = 4 << 20


def check_parts(folder: Path) -> None:
    """Settings and tensor shapes must agree before any tensor or network is built."""
    for file in folder.rglob("*.json"):
        if file.stat().st_size > JSON_BYTES:
            raise CheckpointError(f"{file.name} is too large for settings")
    if (folder / "unet").is_dir():
        from diffusers import UNet2DModel

        _compare(folder / "unet", "diffusion_pytorch_model.safetensors", UNet2DModel.from_config)
    extractor = folder / "features" / "extractor"
    if extractor.is_dir():
        import torch
        from transformers import AutoBackbone, AutoConfig, AutoModel

        def build(settings: dict[str, Any]) -> Any:
            config = AutoConfig.for_model(settings.pop("model_type"), **settings)
            plain = not (config.architectures or [""])[0].endswith("Backbone")
            return (AutoModel if plain else AutoBackbone).from_config(config, dtype=torch.float32)

        _compare(extractor, "model.safetensors", build)
    for file in folder.glob("features/*.safetensors"):
        _shapes(file)


def _compare(folder: Path, weights: str, build: Any) -> None:
    """The network of a config.json, built without memory, has the tensors that the file holds."""
    import torch

    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        # A network of a thousand layers takes long to build even without memory.
        if not isinstance(settings, dict) or len(json.dumps(settings)) > 20_000:
            raise ValueError("too many settings")
        for name, value in _numbers(settings):
            if abs(value) > (64 if re.search("layers|depth", name) else 10_000):
                raise ValueError(f"{name} = {value} is out of range")
        with torch.device("meta"):
            wanted = {k: tuple(v.shape) for k, v in build(settings).state_dict().items()}
    except Exception as error:  # whatever made-up settings make the builders raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(
            f"{folder.name}/config.json describes no network: {reason}"
        ) from error
    held = _shapes(folder / weights)
    wrong = [k for k, shape in held.items() if wanted.get(k) != shape]
    if wrong or len(held) > len(wanted):
        raise CheckpointError(
            f"{folder.name}/{weights} does not fit its config.json: "
            f"{(wrong or sorted(set(held) - set(wanted)))[0]!r} has another shape or no place"
        )


def _numbers(value: Any, name: str = "") -> list[tuple[str, float]]:
    """Every number in nested settings, with the name of the setting it belongs to."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [(name, value)]
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _numbers(each, str(key))]
    return [p for each in value for p in _numbers(each, name)] if isinstance(value, list) else []


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes from a safetensors header, which must account for the whole file."""
    try:
        with file.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > JSON_BYTES:
                raise ValueError("its header is too large")
            header = json.loads(stream.read(length))
        tensors = {k: v for k, v in header.items() if k != "__metadata__"}
        end = max((v["data_offsets"][1] for v in tensors.values()), default=0)
        if 8 + length + end != file.stat().st_size:
            raise ValueError("its size is not what its header says")
        return {k: tuple(int(n) for n in v["shape"]) for k, v in tensors.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise CheckpointError(f"{file.name} is no sound safetensors file: {error}") from error


def try_out(detector: Detector) -> None:
    """Score a grey square: parts that do not fit together fail here, in a sentence."""
    try:
        (raw,) = detector.maps([np.full((64, 64, 3), 128, np.uint8)])
        sound = all(np.isfinite(maps).all() for maps in raw.values())
    except Exception as error:  # whatever ill-fitting tensors make torch raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"the model cannot score an image: {reason}") from error
    if not sound:
        raise CheckpointError("the model scores a plain image as not a number")
    detector.calibration  # noqa: B018  an uncalibrated model is of no use to whoever opens the ZIP
