"""A copy of every decision in a data-set repository on the Hub, where an operator sets one up.

A Space's disk is emptied when it restarts. With the variables DDAD_MIRROR_REPO (such as
"someone/reviews") and HF_TOKEN, each decision's mask and figures go to `<root>/mirror` as well, and
that folder is committed there every few minutes; without both nothing is imported, made or sent,
and with them the page says so. Pictures and sessions' ids never go there; names of files and of
reviewers only with DDAD_MIRROR_NAMES=1. What expires or is deleted here is deleted there.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from ddad.images.files import write_json, write_png, write_text
from demo.store.records import Item

MINUTES = 10
PERSONAL = ("reviewer", "name")


class Mirror:
    """A folder that is mirrored, and how what was mirrored is taken back."""

    def __init__(
        self,
        folder: Path,
        repository: str = "",
        *,
        names: bool = False,
        delete: Callable[[list[str]], None] = lambda paths: None,
    ) -> None:
        """`delete` takes files out of the repository; it may raise."""
        self.folder, self.repository, self.names, self._delete = folder, repository, names, delete
        self._lock = threading.Lock()

    def keep(self, item: Item, mask: np.ndarray) -> None:
        """Put an item's decision and final mask, bool (H, W), into the folder."""
        if item.review is None:
            return
        write_png(mask.astype(np.uint8) * 255, self.folder / f"{item.id}.png")
        facts = asdict(item.review) | {"name": item.name, "score": item.score}
        if not self.names:
            facts = {key: value for key, value in facts.items() if key not in PERSONAL}
        write_json(facts, self.folder / f"{item.id}.json")

    def forget(self, items: Sequence[str]) -> None:
        """Take items out of the folder at once, out of the repository in a thread.

        What cannot be taken out now is noted, and tried again by `retry`.
        """
        held = [item for item in items if (self.folder / f"{item}.json").exists()]
        if not held:
            return
        with self._lock:
            self._note([*self._noted(), *held])
        for item in held:
            for suffix in ("json", "png"):
                (self.folder / f"{item}.{suffix}").unlink(missing_ok=True)
        self.retry()

    def retry(self) -> None:
        """Take out of the repository what is noted, in a thread."""
        if self._noted():
            threading.Thread(target=self._take_out, name="mirror", daemon=True).start()

    def _take_out(self) -> None:
        items = self._noted()
        try:
            self._delete([f"{item}.{suffix}" for item in items for suffix in ("json", "png")])
        except Exception as error:
            print(f"{len(items)} decisions stay mirrored for now: {error}", file=sys.stderr)
            return
        with self._lock:  # others may have been noted meanwhile
            self._note([item for item in self._noted() if item not in items])

    def _noted(self) -> list[str]:
        try:
            return (self.folder / "forgotten").read_text("utf-8").split()
        except OSError:
            return []

    def _note(self, items: Sequence[str]) -> None:
        write_text("".join(f"{item}\n" for item in dict.fromkeys(items)), self.folder / "forgotten")


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


def start(root: Path, environment: Mapping[str, str] = os.environ) -> Mirror | None:
    """Begin mirroring, or None where there is none.

    Makes the repository, private, where it does not exist. A Hub that refuses or cannot be reached
    costs the mirror, not the page.
    """
    chosen = settings(root, environment)
    if chosen is None:
        return None
    from huggingface_hub import CommitScheduler, HfApi

    folder: Path = chosen["folder_path"]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        CommitScheduler(**chosen)  # its thread keeps it
    except Exception as error:
        print(f"decisions are not mirrored: {error}", file=sys.stderr)
        return None
    api, repository = HfApi(token=chosen["token"]), str(chosen["repo_id"])

    def delete(paths: list[str]) -> None:
        there = set(api.list_repo_files(repository, repo_type="dataset"))
        if found := [path for path in paths if path in there]:
            api.delete_files(
                repository, found, repo_type="dataset", commit_message="Expired or deleted"
            )

    return Mirror(
        folder, repository, names=environment.get("DDAD_MIRROR_NAMES") == "1", delete=delete
    )
