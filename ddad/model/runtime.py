"""Decides device, layout and threads."""

from __future__ import annotations

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


def arrange(network: N) -> N:
    """The network, its filters laid out as its convolutions like them best: channels last.

    Changes the layout in memory and so the order of sums, not the numbers. A fifth less time for
    the extractor, a sixth for the pixel network, both on AVX2.
    """
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def compiled(network: N) -> N:
    """The network, compiled when it is first called: for many images of few sizes, on a GPU above
    all. It takes a minute, a compiler on CPUs, and changes the order of sums, not the numbers.

    In place, so that the names of the weights, by which models are known, stay.
    """
    network.compile(dynamic=False)
    return network


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
