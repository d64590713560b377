"""How what was before and what is now differ, in a word or two: "equal ..." where they do not."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

NEAR = 1e-6
"""Of maps and scores."""


def near(before: list[np.ndarray], now: list[np.ndarray], allowed: float) -> str:
    """Of arrays: equal bit for bit, within what is allowed, or off."""
    pairs = list(zip(before, now, strict=True))
    if any(one.shape != two.shape for one, two in pairs):
        return "other shapes"
    if all(np.array_equal(one, two) for one, two in pairs):
        return "equal, bit for bit"
    worst = max(float(np.abs(np.subtract(*pair, dtype=np.float64)).max()) for pair in pairs)
    return f"equal within {worst:.1e}" if worst <= allowed else f"off by {worst:.2g}"


def tensors(before: Path, now: Path) -> str:
    """Of two safetensors files, but for what their headers say."""
    one, two = load_file(before), load_file(now)
    same = one.keys() == two.keys() and all(np.array_equal(one[k], two[k]) for k in one)
    return "equal, bit for bit" if same else "other tensors"


def files(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by its name; a table without its column of seconds."""
    found = {}
    for file in sorted(f for f in folder.rglob("*") if f.is_file()):
        data = file.read_bytes()
        if file.suffix == ".csv":
            names, *rows = csv.reader(io.StringIO(data.decode()))
            kept = [i for i, name in enumerate(names) if name != "seconds"]
            data = json.dumps([[row[i] for i in kept] for row in (names, *rows)]).encode()
        found[str(file.relative_to(folder))] = data
    return found


def entries(before: dict[str, bytes], now: dict[str, bytes]) -> str:
    """Of files by name."""
    names = sorted(before.keys() | now.keys())
    other = [name for name in names if before.get(name) != now.get(name)]
    return f"{len(other)} differ, such as {', '.join(other[:3])}" if other else "equal"


def text(before: str, now: str) -> str:
    for one, two in zip(before.splitlines(), now.splitlines(), strict=False):
        if one != two:
            return f"{one.strip()!r} is now {two.strip()!r}"
    return "equal" if before == now else "one is longer"


def without_progress(said: str) -> str:
    """What a command says, without its progress bars."""
    return "\n".join(line for line in said.replace("\r", "\n").splitlines() if "it/s" not in line)


def values(before: Any, now: Any) -> str:
    """Of what JSON can hold."""
    return text(*(json.dumps(value, indent=1, sort_keys=True) for value in (before, now)))
