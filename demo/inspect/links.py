"""Permalinks: what the page's address asks for, none of it trusted."""

from __future__ import annotations

from demo.inspect.scoring import Wanted
from demo.page import problem
from demo.shared.models import Models


def linked(models: Models, query: dict[str, str]) -> tuple[Wanted | None, str | None, str]:
    """What to inspect, which model to choose; page text if the link is wrong."""
    name = query.get("model")
    if name is None:
        return None, None, ""
    try:
        return _wanted(models, name, query), name, ""
    except ValueError as error:
        return None, name if name in models.names else None, problem(error)


def _wanted(models: Models, name: str, query: dict[str, str]) -> Wanted | None:
    """Raises ValueError, one sentence, for a link that asks for what is not there."""
    if name not in models.names:
        raise ValueError(f"the link names a model, {name!r}, that is not here")
    try:
        threshold = float(query["threshold"]) if "threshold" in query else None
        seed = int(query["seed"]) if "seed" in query else None
    except ValueError:
        raise ValueError("the link's threshold or seed is not a number") from None
    if threshold is not None and not abs(threshold) < 1e9:
        raise ValueError("the link's threshold is not a number")
    stem = query.get("example")
    if stem is None:
        return None
    paths = [e.path for e in models.examples(name) if e.path.stem == stem]
    if not paths:
        raise ValueError(f"{name} has no example called {stem!r}")
    return Wanted(name, paths[0], stem, threshold, seed)
