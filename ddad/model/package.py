"""A checkpoint as one file, to keep, to send and to open again; and up to the Hub.

A ZIP from anyone may be opened: only known names of known kinds are taken out of it, weights are
safetensors whose sizes are checked against their settings before anything is built, and the model
must load and score before it takes its place.
"""

from __future__ import annotations

import os
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from ddad.data.archive import Limits, extract
from ddad.images.files import write_whole
from ddad.model.checkpoint import CheckpointError, reason
from ddad.model.detector import Detector
from ddad.model.verification import check_parts, try_out

KNOWN = re.compile(
    r"(ddad|calibration(_\d)?|metrics|model_index)\.json|README\.md"
    r"|unet/(config\.json|diffusion_pytorch_model\.safetensors)"
    r"|scheduler/scheduler_config\.json"
    r"|features/\w{1,40}\.safetensors"
    r"|features/extractor/(config\.json|preprocessor_config\.json|model\.safetensors)"
    r"|(examples|maps)/[\w][\w -]{0,79}\.png"
    r"|normals/\d{4,6}\.webp"
)
"""Every file that a checkpoint has; nothing else is packed or taken out."""
LIMITS = Limits(entries=200, total=1 << 30, single=512 << 20, ratio=100, depth=4)
SUFFIXES = (".json", ".safetensors", ".md", ".png", ".webp")


def checkpoint_zip(folder: Path, to: Path) -> Path:
    """Pack the files of a checkpoint, and nothing else that lies in its folder.

    Raises CheckpointError where the folder holds no checkpoint.
    """
    if not (folder / "ddad.json").is_file():
        raise CheckpointError(f"no checkpoint at {folder}: expected a folder that holds ddad.json")
    with (
        write_whole(to) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    ):
        for file in files(folder):
            archive.write(file, file.relative_to(folder).as_posix())
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
        rows = extract(source, loose, limits=LIMITS, suffixes=SUFFIXES)
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
        check_parts(folder)
        detector = Detector.load(folder)
        try_out(detector)
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
        raise ValueError(f"the Hub did not take {repo}: {reason(error)}") from error
    return str(address)


def _top(names: Any) -> str:
    """The one folder that everything lies in, with its slash; empty where there is none."""
    tops = {name.split("/", 1)[0] if "/" in name else "" for name in names}
    if len(tops) == 1 and (top := tops.pop()) and top not in ("unet", "scheduler", "features"):
        return f"{top}/"
    return ""
