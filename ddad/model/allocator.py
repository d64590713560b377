"""How the C library's allocator keeps memory. Without torch, so that it can come first."""

from __future__ import annotations

import ctypes
import sys


def keep_freed_memory(*, all_of_it: bool = False) -> None:
    """Tell glibc to reuse large blocks instead of returning them to the kernel.

    Networks allocate and free the same activations each time; with the defaults a tenth of a
    score's CPU time and a third of a training's goes to page faults. For scoring, blocks up to
    32 MB are reused, at most 64 MB are kept in each of two arenas, and what is larger goes back:
    a photograph of 36 megapixels leaves nothing behind. A training keeps all of it. For a process
    of ours (`python -m ddad`, the page): a program that imports the library decides for itself.
    Does nothing where the C library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    if all_of_it:
        mallopt(-4, 0)  # M_MMAP_MAX: no block of its own mapping
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
        mallopt(-2, 256 * 2**20)  # M_TOP_PAD
    else:
        mallopt(-3, 32 * 2**20)  # M_MMAP_THRESHOLD, at its largest
        mallopt(-1, 64 * 2**20)  # M_TRIM_THRESHOLD
        mallopt(-8, 2)  # M_ARENA_MAX: a server's many threads would keep as much each
