"""The checkpoint directory: JSON and safetensors that diffusers opens as a `DDPMPipeline`.

model_index.json  unet/  scheduler/    stock diffusers components (no unet: feature branch alone)
head.safetensors                       the U-Net's feature head; absent where it has none
features/extractor/                    the backbone, as transformers reads it; no directory where
                                       ddad.json names the bundled one by its digest
features/mixture.safetensors           what it says of normal images; no features/: pixels alone
features/mixture_SIZE.safetensors      the same of each closer look
ddad.json                              format, score settings, what it was trained on; white of
                                       deep pictures, where it was trained on such
calibration.json                       absent: the model is not calibrated
calibration_0.json                     the same without its closer looks, _1 with one of them, ...
README.md  metrics.json  examples/     for people; optional
normals/   small copies of training photographs, where the trainer agreed; see `appearance`
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file
from torch import Tensor

from ddad import CHECKPOINTS
from ddad.diffusion.extractor import Extractor
from ddad.diffusion.mixture import NormalMixture
from ddad.diffusion.networks import FeatureHead
from ddad.diffusion.scheduler import PosteriorDDPMScheduler
from ddad.images.levels import Levels
from ddad.score.calibration import Calibration
from ddad.score.config import ScoreConfig, detail
from ddad.score.feature import FeatureModel
from ddad.score.scorer import Scorer

FORMAT = 4
HEAD = "head.safetensors"
BUNDLED = CHECKPOINTS / "extractor"
"""The feature extractor that comes with the project."""


class CheckpointError(ValueError):
    """A checkpoint is missing, damaged, of another format, or not calibrated."""


@dataclass(frozen=True)
class Checkpoint:
    """What a directory holds."""

    name: str
    scorer: Scorer
    calibrations: tuple[Calibration, ...]
    """With no closer look, with one, ..., with all; empty where it is not calibrated."""
    training: dict[str, Any]
    card: str
    levels: Levels = Levels()


def write(
    path: Path,
    scorer: Scorer,
    calibrations: Sequence[Calibration],
    training: dict[str, Any],
    levels: Levels | None = None,
) -> None:
    """Write the files beside their places and rename them one by one, `ddad.json` last.

    `calibrations` are as in `Checkpoint`.
    """
    path.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path, prefix=".saving-") as name:
        parts = Path(name)
        # As the stock class, so that any diffusers user can open and sample the directory.
        stock = DDPMScheduler.from_config(scorer.scheduler.config)
        if scorer.unet is None:
            stock.save_pretrained(parts / "scheduler")
        else:
            DDPMPipeline(unet=scorer.unet, scheduler=stock).save_pretrained(parts)
        meta: dict[str, Any] = {"format": FORMAT, "score": settings(scorer.config)}
        meta["training"] = training
        if levels is not None and levels.white is not None:
            meta["levels"] = asdict(levels)
        if scorer.features is not None:
            extractor = scorer.features.extractor
            (parts / "features").mkdir()
            if extractor.digest == Extractor.load(BUNDLED).digest:
                meta["bundled_extractor"] = extractor.digest
            else:
                extractor.save(parts / "features" / "extractor")
            suffixes = ("", *(f"_{size}" for size in scorer.config.looks))
            for suffix, mixture in zip(suffixes, scorer.features.mixtures, strict=True):
                save_file(_tensors(mixture), parts / "features" / f"mixture{suffix}.safetensors")
        if scorer.head is not None:
            weights = {k: v.cpu().contiguous() for k, v in scorer.head.state_dict().items()}
            save_file(weights, parts / HEAD)
        names = _calibrations(scorer.config) if calibrations else []
        for name, calibration in zip(names, calibrations, strict=True):
            (parts / name).write_text(calibration.to_json(), "utf-8")
        (parts / "ddad.json").write_text(json.dumps(meta, indent=2) + "\n", "utf-8")
        for config_file in parts.rglob("config.json"):
            _forget_origin(config_file)
        files = [f for f in parts.rglob("*") if f.is_file()]
        for file in sorted(files, key=lambda f: f.name == "ddad.json"):
            target = path / file.relative_to(parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, target)
        for stale in {file.name for file in path.glob("calibration*.json")} - {*names}:
            (path / stale).unlink()  # of a model that was here before


def _forget_origin(config_file: Path) -> None:
    """Drop the folder that the weights were once read from: it is a path of this machine."""
    values = json.loads(config_file.read_text("utf-8"))
    if values.pop("_name_or_path", None) is not None:
        config_file.write_text(json.dumps(values, indent=2) + "\n", "utf-8")


def read(path: str | Path) -> Checkpoint:
    """Open a directory, or a shipped model by name, and check that its parts belong together.

    Raises CheckpointError, one sentence, for anything but a whole checkpoint of this format.
    """
    folder = find_checkpoint(path)
    try:
        found = _read(folder)
    except CheckpointError:
        raise
    except Exception as error:  # whatever a damaged file makes the readers below us raise
        what = reason(error)
        if isinstance(error, TypeError):  # Python's words for null where a number belongs
            what = "a setting in its JSON files is of the wrong kind"
        raise CheckpointError(f"the checkpoint {folder} is damaged: {what}") from error
    if found.calibrations and found.calibrations[-1].fingerprint != fingerprint(found.scorer):
        raise CheckpointError(
            f"the calibration in {folder} belongs to other weights or settings: "
            "run `python -m ddad calibrate` again"
        )
    return found


def reason(error: Exception) -> str:
    """The first line of what a library says, or else the error's kind."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def find_checkpoint(path: str | Path) -> Path:
    """The directory of a checkpoint given as a path or as the name of a shipped model, whatever
    its detail."""
    path, _ = detail_of(path)
    folder = Path(path)
    if not (folder / "ddad.json").is_file() and re.fullmatch(r"[\w-]+", str(path)):
        folder = CHECKPOINTS / folder
    if not (folder / "ddad.json").is_file():
        known = list_checkpoints()
        near = get_close_matches(str(path).lower(), known, 1)
        what = f" (did you mean {near[0]}?)" if near else ""
        if Path(path).is_file():
            what = " (a file: `unpack` opens the ZIP of one)"
        raise CheckpointError(
            f"no checkpoint at {path}{what}: give a directory that holds ddad.json, or one of "
            f"{', '.join(known) or '(no shipped model)'}"
        )
    return folder


def detail_of(path: str | Path) -> tuple[str | Path, int | None]:
    """A checkpoint, and how many of its closer looks are meant, None for all: see `detail`."""
    base, kind = detail(path)
    if not kind or Path(path).exists():
        return path, None
    return base, 0 if kind == "@fast" else int(kind[1:])


def read_calibration(path: str | Path) -> Calibration:
    """That of a checkpoint, without its weights. Raises ValueError where it is none, OSError where
    it is not there."""
    base, count = detail_of(path)
    folder = find_checkpoint(base)
    name = "calibration.json" if count is None else f"calibration_{count}.json"
    if count is not None and not (folder / name).exists():
        raise CheckpointError(f"the model {folder.name} has no closer look, so no other detail")
    return Calibration.from_json((folder / name).read_text("utf-8"))


def list_checkpoints(root: Path = CHECKPOINTS) -> list[str]:
    """Names of the checkpoints in a directory, sorted."""
    return sorted(f.parent.name for f in root.glob("*/ddad.json"))


def fingerprint(scorer: Scorer) -> str:
    """Digest of everything a calibration depends on: weights, schedule, score settings."""
    digest = hashlib.sha256()
    weights: dict[str, Tensor] = {}
    for part, module in (("", scorer.unet), ("head.", scorer.head)):
        if module is not None and {"pixel", "head"} & set(scorer.weights):
            weights |= {f"{part}{name}": weight for name, weight in module.state_dict().items()}
    if scorer.features is not None:
        digest.update(scorer.features.extractor.digest.encode())
        weights |= _tensors(scorer.features.mixture)
        for mixture, size in zip(scorer.features.closer, scorer.config.looks, strict=True):
            weights |= {f"{size}.{name}": value for name, value in _tensors(mixture).items()}
    for name, tensor in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(tensor.float().cpu().contiguous().numpy().tobytes())
    digest.update(scorer.scheduler.tables.numpy().tobytes())
    digest.update(json.dumps(settings(scorer.config), sort_keys=True).encode())
    return digest.hexdigest()[:32]


def settings(config: ScoreConfig) -> dict[str, Any]:
    """As they are kept: without those of closer looks where there are none, as earlier versions
    knew of none."""
    every = asdict(config)
    return every if config.looks else {k: v for k, v in every.items() if not k.startswith("look")}


def _calibrations(config: ScoreConfig) -> list[str]:
    """The files of a model's calibrations, that with the fewest looks first."""
    coarser = [f"calibration_{count}.json" for count in range(len(config.looks))]
    return [*coarser, "calibration.json"]


def _tensors(mixture: NormalMixture) -> dict[str, Tensor]:
    return {f.name: getattr(mixture, f.name).cpu().contiguous() for f in fields(mixture)}


def read_network(path: str | Path) -> tuple[UNet2DModel, FeatureHead | None]:
    """The U-Net of a directory, or of a shipped one by name, and its head if it has one."""
    folder = Path(path)
    if not (folder / "unet").is_dir() and re.fullmatch(r"[\w-]+", str(path)):
        folder = CHECKPOINTS / folder
    if not (folder / "unet").is_dir():
        raise CheckpointError(f"no network at {path}: give a directory that holds unet/")
    unet, found = UNet2DModel.from_pretrained(
        folder / "unet",
        local_files_only=True,
        use_safetensors=True,
        low_cpu_mem_usage=False,
        output_loading_info=True,
    )
    if missing := sorted(found["missing_keys"]):  # diffusers would draw them at random
        raise CheckpointError(f"{folder}/unet lacks {len(missing)} tensors, such as {missing[0]}")
    head = folder / HEAD
    return unet.float(), FeatureHead.with_weights(load_file(head)) if head.exists() else None


def _read(folder: Path) -> Checkpoint:
    meta = json.loads((folder / "ddad.json").read_text("utf-8"))
    config = score_config(meta, folder)
    unet = head = features = None
    if (folder / "unet").is_dir():
        unet, head = read_network(folder)
    if (folder / "features").is_dir():
        names = ("mixture", *(f"mixture_{size}" for size in config.looks))
        mixtures = [
            NormalMixture(**load_file(folder / "features" / f"{name}.safetensors"))
            for name in names
        ]
        features = FeatureModel(_extractor(meta, folder), mixtures[0], tuple(mixtures[1:]))
    if unet is None and features is None:
        raise CheckpointError(f"the checkpoint {folder} has neither unet/ nor features/")
    scheduler = PosteriorDDPMScheduler.from_pretrained(folder / "scheduler", local_files_only=True)
    scheduler.noise_std(0)  # refuses another parametrisation now rather than at the first score
    card, stored = folder / "README.md", [folder / name for name in _calibrations(config)]
    return Checkpoint(
        folder.name,
        Scorer(unet, scheduler, config, features=features, head=head),
        tuple(Calibration.from_json(file.read_text("utf-8")) for file in stored)
        if stored[-1].exists()
        else (),
        dict(meta.get("training") or {}),
        without_header(card.read_text("utf-8")) if card.exists() else "",
        Levels(**dict(meta.get("levels") or {})),
    )


def _extractor(meta: dict[str, Any], folder: Path) -> Extractor:
    digest = meta.get("bundled_extractor")
    if digest is None:
        return Extractor.load(folder / "features" / "extractor")
    extractor = Extractor.load(BUNDLED)
    if extractor.digest != digest:
        raise CheckpointError(
            f"the checkpoint {folder} was made with another version of the bundled extractor: "
            "train it again"
        )
    return extractor


def score_config(meta: Any, folder: Path) -> ScoreConfig:
    if not isinstance(meta, dict) or meta.get("format") != FORMAT:
        found = meta.get("format") if isinstance(meta, dict) else None
        raise CheckpointError(
            f"{folder}/ddad.json has format {found!r}, this version reads format {FORMAT}"
        )
    score = meta.get("score")
    if not isinstance(score, dict):
        raise CheckpointError(f"{folder}/ddad.json has no settings of a score")
    unknown = set(score) - {field.name for field in fields(ScoreConfig)}
    if unknown:
        raise CheckpointError(
            f"{folder}/ddad.json has unknown settings: {', '.join(sorted(unknown))}"
        )
    for field in fields(ScoreConfig):
        value = score.get(field.name, field.default)
        values = value if isinstance(value, list | tuple) else (value,)
        several = isinstance(field.default, tuple)
        kind = int | float if isinstance(field.default, float) or "shares" in field.name else int
        sound = all(isinstance(v, kind) and type(v) is not bool and abs(v) < 2**63 for v in values)
        if not sound or several != isinstance(value, list | tuple):
            raise CheckpointError(
                f"the checkpoint {folder} is damaged: a setting ({field.name}) is of the wrong kind"
            )
    lists = {k: tuple(v) for k, v in score.items() if isinstance(v, list)}
    try:
        return ScoreConfig(**(score | lists))
    except ValueError as error:
        raise CheckpointError(f"{folder}/ddad.json cannot be used: {error}") from error


def without_header(card: str) -> str:
    """A model card's text without its YAML header."""
    return re.sub(r"\A---\n.*?\n---\n", "", card, flags=re.DOTALL).strip()
