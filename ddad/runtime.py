"""Decides device, precision and allocator; the only place that looks at the machine."""

from __future__ import annotations

import ctypes
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import nn

A = TypeVar("A")
B = TypeVar("B")
N = TypeVar("N", bound=nn.Module)


def pick_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def bf16_is_fast(device: torch.device) -> bool:
    """Whether bfloat16 runs in hardware; elsewhere it is emulated and slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    capabilities: dict[str, object] = getattr(
        torch.cpu, "get_capabilities", dict
    )()  # torch >= 2.11
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def arrange(network: N) -> N:
    """The network, its filters laid out as its convolutions like them best: channels last.

    Changes the layout in memory and so the order of sums, not the numbers. A fifth less time for
    the extractor, a sixth for the pixel network, both on AVX2.
    """
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def side_by_side(call: Callable[[A], B], items: Sequence[A]) -> Iterator[B]:
    """`call` of each item, in their order: as many at once as torch has threads, each on one.

    For many images: one is read or written while another is scored, and no thread waits for its
    half of a convolution. A single item keeps all threads. What has begun when the caller stops is
    finished, the rest dropped.
    """
    threads = torch.get_num_threads()
    if min(threads, len(items)) < 2:
        yield from map(call, items)
        return
    pool = ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,))
    waiting: deque[Future[B]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(call, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)


def keep_freed_memory() -> None:
    """Tell glibc to reuse large blocks instead of returning them to the kernel.

    Networks allocate and free the same activations each step; with the defaults a third of the
    CPU time goes to page faults. Does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no block of its own mapping
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
        mallopt(-2, 256 * 2**20)  # M_TOP_PAD
