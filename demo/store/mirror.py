"""A copy of every decision in a data-set repository on the Hub, where one is set up.

A Space's disk is emptied when it restarts. With the variables DDAD_MIRROR_REPO (such as
"someone/reviews") and HF_TOKEN, each decision's mask and facts go to `<root>/mirror` as well, and
that folder is committed there every few minutes; without both nothing is imported, made or sent.
Pictures and sessions' ids never go there. What is in the repository does not expire.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ddad.images.files import write_json, write_png
from demo.store.records import Item

MINUTES = 10


def settings(root: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """What `huggingface_hub.CommitScheduler` is made with, or None where no mirror is set up."""
    repository, token = environment.get("DDAD_MIRROR_REPO"), environment.get("HF_TOKEN")
    if not repository or not token:
        return None
    return {
        "repo_id": repository,
        "repo_type": "dataset",
        "folder_path": root / "mirror",
        "every": MINUTES,
        # Items by their ids: no file that is just being written, whose name begins with a dot.
        "allow_patterns": ["[0-9a-f]*.json", "[0-9a-f]*.png"],
        "private": True,
        "token": token,
    }


def start(root: Path, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Begin mirroring; returns the folder whose files are mirrored, or None where there is none.

    Makes the repository, private, where it does not exist. A Hub that refuses or cannot be reached
    costs the mirror, not the page.
    """
    chosen = settings(root, environment)
    if chosen is None:
        return None
    from huggingface_hub import CommitScheduler

    folder: Path = chosen["folder_path"]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        CommitScheduler(**chosen)  # its thread keeps it
    except Exception as error:
        print(f"decisions are not mirrored: {error}", file=sys.stderr)
        return None
    return folder


def keep(folder: Path, item: Item, mask: np.ndarray) -> None:
    """Put an item's decision and final mask, bool (H, W), into the mirrored folder."""
    if item.review is None:
        return
    write_png(mask.astype(np.uint8) * 255, folder / f"{item.id}.png")
    facts = asdict(item.review) | {"name": item.name, "score": item.score}
    write_json(facts, folder / f"{item.id}.json")
