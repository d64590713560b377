"""A checkpoint as one file, to keep, to send and to open again; and up to the Hub.

A ZIP from anyone may be opened: only known names of known kinds are taken out of it, weights are
safetensors whose sizes are checked against their settings before anything is built, and the model
must load and score before it takes its place.
"""

from __future__ import annotations

import json
import os
import re
import struct
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from ddad.data.archive import ArchiveError, Limits, extract
from ddad.model.checkpoint import CheckpointError
from ddad.model.detector import Detector

KNOWN = re.compile(
    r"(ddad|calibration|metrics|model_index)\.json|README\.md"
    r"|unet/(config\.json|diffusion_pytorch_model\.safetensors)"
    r"|scheduler/scheduler_config\.json"
    r"|features/\w{1,40}\.safetensors"
    r"|features/extractor/(config\.json|preprocessor_config\.json|model\.safetensors)"
    r"|(examples|maps)/[\w][\w -]{0,79}\.png"
)
"""Every file that a checkpoint has; nothing else is packed or taken out."""
LIMITS = Limits(entries=200, total=1 << 30, single=512 << 20, ratio=100, depth=4)
SUFFIXES = (".json", ".safetensors", ".md", ".png")
JSON_BYTES = 4 << 20


def checkpoint_zip(folder: Path, to: Path) -> Path:
    """Pack the files of a checkpoint, and nothing else that lies in its folder.

    Raises CheckpointError where the folder holds no checkpoint.
    """
    if not (folder / "ddad.json").is_file():
        raise CheckpointError(f"no checkpoint at {folder}: expected a folder that holds ddad.json")
    part = to.with_name(to.name + ".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in files(folder):
            archive.write(file, file.relative_to(folder).as_posix())
    os.replace(part, to)
    return to


def load_checkpoint_zip(source: Path, into: Path) -> Detector:
    """Unpack a checkpoint into a new folder, which appears only once the model has scored.

    Raises ArchiveError or CheckpointError, one sentence, for anything but a whole, sound
    checkpoint, and ValueError where the folder exists already. Nothing is left behind then.
    """
    if into.exists():
        raise ValueError(f"{into.name} exists already: choose another name")
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix=".unpacking-") as name:
        loose, folder = Path(name) / "loose", Path(name) / into.name
        rows = extract(
            source, loose, limits=LIMITS, suffixes=(".json", ".safetensors", ".md", ".png")
        )
        top = _top(row.name for row in rows)
        for row in rows:
            wanted = row.name.removeprefix(top)
            if not KNOWN.fullmatch(wanted):
                raise CheckpointError(f"{wanted[:80]!r} is no file of a checkpoint: not unpacked")
            if row.path is None:
                raise CheckpointError(f"{wanted} cannot be unpacked: {row.problem}")
            target = folder / wanted
            target.parent.mkdir(parents=True, exist_ok=True)
            row.path.rename(target)
        _check(folder)
        detector = Detector.load(folder)
        _try(detector)
        os.replace(folder, into)
    return detector


def files(folder: Path) -> list[Path]:
    """The files of a checkpoint in a folder, sorted; links are not followed."""
    return sorted(
        f
        for f in folder.rglob("*")
        if f.is_file() and not f.is_symlink() and KNOWN.fullmatch(f.relative_to(folder).as_posix())
    )


def push(
    folder: Path,
    repo: str,
    token: str | None,
    *,
    private: bool = True,
    endpoint: str | None = None,
) -> str:
    """Upload a checkpoint to a model repository of the Hub, made if need be; returns its address.

    Pictures of a model trained here are the trainer's own photographs: they go along. Raises
    ValueError, one sentence, without a token, for a bad name, and for whatever the Hub refuses.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if not token:
        raise ValueError("uploading needs a token with write access: set HF_TOKEN")
    if not (folder / "ddad.json").is_file():
        raise CheckpointError(f"no checkpoint at {folder}: expected a folder that holds ddad.json")
    api = HfApi(endpoint=endpoint, token=token)
    names = [f.relative_to(folder).as_posix() for f in files(folder)]
    try:
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=folder,
            allow_patterns=names,
            commit_message="Checkpoint from ddad",
        )
    except (HFValidationError, HfHubHTTPError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"the Hub did not take {repo}: {reason}") from error
    return str(address)


def _top(names: Any) -> str:
    """The one folder that everything lies in, with its slash; empty where there is none."""
    tops = {name.split("/", 1)[0] if "/" in name else "" for name in names}
    if len(tops) == 1 and (top := tops.pop()) and top not in ("unet", "scheduler", "features"):
        return f"{top}/"
    return ""


def _check(folder: Path) -> None:
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
        settings = json.loads((folder / "config.json").read_text())
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


def _try(detector: Detector) -> None:
    """Score a grey square: parts that do not fit together fail here, in a sentence."""
    try:
        (raw,) = detector.raw_maps([np.full((64, 64, 3), 128, np.uint8)])
        sound = all(np.isfinite(maps).all() for maps in raw.values())
    except Exception as error:  # whatever ill-fitting tensors make torch raise
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"the model cannot score an image: {reason}") from error
    if not sound:
        raise CheckpointError("the model scores a plain image as not a number")
    detector.calibration  # noqa: B018  an uncalibrated model is of no use to whoever opens the ZIP


__all__ = ["ArchiveError", "CheckpointError", "checkpoint_zip", "load_checkpoint_zip", "push"]
