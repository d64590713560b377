"""Calls that take turns within one run, and how their times are said; what a process holds."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

REST = 0.05
"""Seconds before each call: the threads of the one before spin for a while and hold the cores."""
clock = time.perf_counter
"""Seconds; `on_one_thread` makes it CPU time."""


def on_one_thread() -> None:
    """CPU time on one thread: for a machine that has other work as well."""
    global clock
    torch.set_num_threads(1)
    clock = time.process_time


def compare(rounds: int, **calls: Callable[[], Any]) -> dict[str, float]:
    """Median seconds of each call, and as `ratio` that of the first to the second."""
    times = []
    for call in calls.values():
        call()
    for _ in range(rounds):
        row = []
        for call in calls.values():
            time.sleep(REST)
            started = clock()
            call()
            row.append(clock() - started)
        times.append(row)
    table = np.array(times)
    medians = dict(zip(calls, map(float, np.median(table, 0)), strict=True))
    ratio = float(np.median(table[:, 0] / table[:, 1])) if len(calls) > 1 else 0.0
    return medians | {"ratio": ratio}


def say(label: str, found: dict[str, float], target: str) -> None:
    times = ", ".join(f"{k} {v * 1e3:.0f} ms" for k, v in found.items() if k != "ratio")
    print(f"{label}: {times}; ratio {found['ratio']:.2f} (target {target})", flush=True)


def memory(pid: int | str = "self") -> tuple[float, float]:
    """MB resident now and at most (Linux). Not `ru_maxrss`, which a process inherits."""
    status = Path(f"/proc/{pid}/status").read_text()
    now, most = (int(re.findall(rf"{key}:\s+(\d+)", status)[0]) for key in ("VmRSS", "VmHWM"))
    return now / 1024, most / 1024
