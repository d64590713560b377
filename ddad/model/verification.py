"""A stranger's checkpoint, checked before anything is built of it.

Settings and weights must agree, tensor by tensor, what it would cost is estimated from networks
without memory, and the model must score a plain image.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ddad.model.checkpoint import BUNDLED, CheckpointError, reason, score_config
from ddad.model.detector import Detector
from ddad.score.config import ScoreConfig

if TYPE_CHECKING:
    from torch import nn

JSON_BYTES = 4 << 20
NUMBERS = 300_000_000
"""Most weights of a network: more than half as many again as the largest that the paper's authors
trained."""
TENSORS = 2000
"""Most of a network: each takes time to build, whatever its size."""
LAYERS = 256
"""Most layers, all that settings name together."""
OPERATIONS = 1.2e12
"""Most floating-point operations to score an image: some fifteen seconds on two cores."""
MEMORY = 4e9
"""Most bytes for it, as estimated."""
CODE = re.compile(r"auto_map|custom_|_attn_|trust_remote|_internal|quantization|kernel_config")
"""Settings by which libraries fetch or choose code."""


def check_parts(folder: Path) -> None:
    """Settings, tensors and cost must be in bounds and agree before any network is built.

    Raises CheckpointError, one sentence.
    """
    for file in folder.rglob("*.json"):
        if file.stat().st_size > JSON_BYTES:
            raise CheckpointError(f"{file.name} is too large for settings")
    meta = _settings(folder / "ddad.json")
    config = score_config(meta, folder)
    operations = memory = 0.0
    if (folder / "unet").is_dir():
        network = _compare(folder / "unet", "diffusion_pytorch_model.safetensors", _unet)
        evaluations = len(config.timesteps) * config.draws
        one, most = _cost(network, _unet_call, config.size)
        operations, memory = one * evaluations, most
    extractor = folder / "features" / "extractor"
    if extractor.is_dir() or meta.get("bundled_extractor"):
        where = extractor if extractor.is_dir() else BUNDLED
        network = _compare(where, "model.safetensors", _backbone)
        for size in config.sizes.values():
            steps = config.feature_timesteps if size == config.feature_size else ()
            one, most = _cost(network, _backbone_call, size)
            operations += one * max(1, len(steps or config.look_timesteps))
            memory = max(memory, most)
    for file in folder.glob("features/*.safetensors"):
        held = _shapes(file)
        centres = held.get("centres", (0, 0))[0]
        for size in config.sizes.values() if centres else ():
            operations += 2.0 * (size / 8) ** 2 * centres * held["centres"][-1]
    _affordable(config, operations, memory)


def _affordable(config: ScoreConfig, operations: float, memory: float) -> None:
    if operations > OPERATIONS:
        raise CheckpointError(
            f"this model would take {operations / 1e9:,.0f} billion operations an image, the limit "
            f"is {OPERATIONS / 1e9:,.0f}: it looks at {max(config.size, *config.sizes.values())} "
            "pixels a side with networks too large for that"
        )
    if memory > MEMORY:
        raise CheckpointError(
            f"this model would need about {memory / 1e9:.1f} GB of memory, the limit is "
            f"{MEMORY / 1e9:.0f} GB"
        )


def _settings(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file.name} cannot be read: {str(error)[:120]}") from error
    if not isinstance(found, dict):
        raise CheckpointError(f"{file.name} holds no settings")
    return found


def _unet(settings: dict[str, Any]) -> nn.Module:
    from diffusers import UNet2DModel

    network: nn.Module = UNet2DModel.from_config(settings)
    return network


def _backbone(settings: dict[str, Any]) -> nn.Module:
    import torch
    from transformers import AutoBackbone, AutoConfig, AutoModel

    config = AutoConfig.for_model(settings.pop("model_type"), **settings)
    plain = not (config.architectures or [""])[0].endswith("Backbone")
    build = AutoModel if plain else AutoBackbone
    network: nn.Module = build.from_config(config, dtype=torch.float32, trust_remote_code=False)
    return network


def _compare(folder: Path, weights: str, build: Callable[[dict[str, Any]], nn.Module]) -> nn.Module:
    """The network of a config.json, built without memory, has the tensors that the file holds."""
    import torch

    held = _shapes(folder / weights)
    count = sum(math.prod(shape) for shape in held.values())
    if count > NUMBERS or len(held) > TENSORS:
        raise CheckpointError(
            f"{folder.name}/{weights} holds {count / 1e6:,.0f} million weights in {len(held)} "
            f"tensors, the limit is {NUMBERS / 1e6:,.0f} million in {TENSORS}"
        )
    try:
        settings = _settings(folder / "config.json")
        _in_range(settings)
        with torch.device("meta"):
            network = build(settings).eval()
        wanted = {k: tuple(v.shape) for k, v in network.state_dict().items()}
    except Exception as error:  # whatever made-up settings make the builders raise
        raise CheckpointError(
            f"{folder.name}/config.json describes no network: {reason(error)}"
        ) from error
    wrong = [k for k, shape in held.items() if wanted.get(k) != shape]
    if wrong:
        raise CheckpointError(
            f"{folder.name}/{weights} does not fit its config.json: {wrong[0]!r} has another shape "
            "or no place"
        )
    if missing := sorted(set(wanted) - set(held)):
        raise CheckpointError(
            f"{folder.name}/{weights} lacks {len(missing)} tensors of its config.json, such as "
            f"{missing[0]!r}"
        )
    return network


def _in_range(settings: dict[str, Any]) -> None:
    """Raises ValueError for settings that would be slow to build even without memory."""
    if len(json.dumps(settings)) > 20_000:  # such as a thousand names of blocks
        raise ValueError("too many settings")
    if code := next((name for name in settings if CODE.search(name)), None):
        raise ValueError(f"{code} chooses code, which no model may")
    layers = 0.0
    for name, value in _numbers(settings):
        many = re.search("layers|depth|repeats", name)
        layers += abs(value) if many else 0
        if not abs(value) <= (64 if many else 10_000) or layers > LAYERS:
            raise ValueError(f"{name} = {value} is out of range")
    for name, value in settings.items():
        if isinstance(value, list) and len(value) > (8 if "block" in name else 64):
            raise ValueError(f"{name} has {len(value)} entries")


def _numbers(value: Any, name: str = "") -> list[tuple[str, float]]:
    """Every number in nested settings, with the name of the setting it belongs to."""
    if isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [(name, value)]
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in _numbers(each, str(key))]
    return [p for each in value for p in _numbers(each, name)] if isinstance(value, list) else []


def _unet_call(network: Any, size: int) -> Any:
    import torch

    channels = network.config.in_channels
    side = max(1, size // math.isqrt(max(1, channels // 3)))
    stride = 2 ** (len(network.config.block_out_channels) - 1)
    side = -(-side // stride) * stride
    x = torch.empty(1, channels, side, side, device="meta")
    return network(x, torch.zeros(1, dtype=torch.long, device="meta"))


def _backbone_call(network: Any, size: int) -> Any:
    import torch

    x = torch.empty(1, 3, size // 16 * 16, size // 16 * 16, device="meta")
    return network(x, output_hidden_states=True)


def _cost(network: nn.Module, call: Callable[[Any, int], Any], size: int) -> tuple[float, float]:
    """Floating-point operations of one pass over a square of so many pixels a side, and bytes:
    those of the weights, and six times the largest output of a layer."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    largest = 0

    def see(module: nn.Module, given: Any, out: Any) -> None:
        nonlocal largest
        largest = max(largest, out.numel() if isinstance(out, torch.Tensor) else 0)

    hooks = [each.register_forward_hook(see) for each in network.modules()]
    try:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            call(network, size)
    except Exception as error:  # whatever ill-fitting layers make torch raise
        raise CheckpointError(f"the model cannot score an image: {reason(error)}") from error
    finally:
        for hook in hooks:
            hook.remove()
    weights = sum(each.numel() for each in network.parameters())
    return float(counter.get_total_flops()), 4.0 * (weights + 6 * largest)


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
    """Score a grey square at small sizes: parts that do not fit together fail here, in a
    sentence."""
    whole = detector.config
    looks = tuple(336 + 16 * number for number in range(len(whole.looks)))
    small = replace(
        whole, size=min(whole.size, 256), feature_size=min(whole.feature_size, 320), looks=looks
    )
    try:
        (raw,) = replace(detector, config=small).maps([np.full((64, 64, 3), 128, np.uint8)])
        sound = all(np.isfinite(maps).all() for maps in raw.values())
    except Exception as error:  # whatever ill-fitting tensors make torch raise
        raise CheckpointError(f"the model cannot score an image: {reason(error)}") from error
    if not sound:
        raise CheckpointError("the model scores a plain image as not a number")
    detector.calibration  # noqa: B018  an uncalibrated model is of no use to whoever opens the ZIP
