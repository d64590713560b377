"""A GPU for the length of a call, where the page runs on a ZeroGPU Space; elsewhere nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def lent(seconds: int) -> Callable[[Function], Function]:
    """Decorate an event's function: it is given a GPU for at most so many seconds.

    Needs the package `spaces`, which a ZeroGPU Space lists in requirements.txt; without it the
    function stays as it is.
    """
    try:
        import spaces
    except ImportError:
        return lambda function: function
    decorate: Callable[[Function], Function] = spaces.GPU(duration=seconds)
    return decorate
