"""Images of one name told apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from demo.store.records import Item


def twins(items: Iterable[Item]) -> dict[str, int]:
    """By id, of those whose name others have too, which of them it is: 1 is the first to come.

    `items` are in the order in which they came.
    """
    called: dict[str, list[str]] = defaultdict(list)
    for item in items:
        called[item.name].append(item.id)
    alike = [ids for ids in called.values() if len(ids) > 1]
    return {item: number for ids in alike for number, item in enumerate(ids, 1)}
