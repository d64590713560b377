"""Masks that were brought and wait: a person is to say which image each is of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import numpy as np

from ddad.images.regions import RegionLabel
from demo.store.files import put_png, read_png, size_of
from demo.store.records import StoreError, plain
from demo.store.rows import Rows

Role = Literal["truth", "draft"]
"""What a mask that was brought becomes: to measure with, or to correct."""


@dataclass(frozen=True)
class Waiting:
    """A mask that was brought, of which a person is to say whose it is."""

    id: int
    name: str
    """Of its file: any text at all."""
    why: str
    """Why that is not sure, one sentence."""
    how: str
    """How its file was read."""
    role: Role
    candidates: tuple[str, ...]
    """Items that it may be for."""
    labels: tuple[RegionLabel, ...]
    thumb: str
    """A small picture of it, a data URL."""
    area: int
    """Pixels that it marks."""
    width: int
    height: int
    file: str

    @classmethod
    def of(cls, row: Any) -> Waiting:
        """From a row of the table."""
        values = {each.name: getattr(row, each.name) for each in fields(cls)}
        labels = tuple(RegionLabel(**region) for region in json.loads(row.labels))
        return cls(**values | {"candidates": tuple(json.loads(row.candidates)), "labels": labels})


class WaitingMasks:
    """Holds no state but where things lie."""

    def __init__(self, rows: Rows) -> None:
        self._rows, self._table = rows, rows.tables.waiting

    def hold(
        self,
        mask: np.ndarray,
        *,
        name: str,
        why: str,
        how: str,
        role: Role,
        thumb: str,
        candidates: Sequence[str] = (),
        labels: Sequence[RegionLabel] = (),
    ) -> None:
        """Let a mask, bool (H, W), wait. Raises StoreError where the session is full."""
        file = put_png(self._rows.folder / "masks", "mask", np.asarray(mask, bool))
        texts = {"name": plain(name), "why": plain(why), "how": plain(how), "thumb": thumb}
        texts |= {"candidates": json.dumps(list(candidates))}
        texts |= {"labels": json.dumps([asdict(label) for label in labels])}
        size = size_of(file) + sum(map(len, texts.values()))
        height, width = mask.shape
        shape = {"width": width, "height": height, "area": int(np.count_nonzero(mask))}
        own = {"session": self._rows.session, "file": file.name, "role": role, "bytes": size}
        try:
            with self._rows.tables.transaction():
                self._rows.make_room(size)
                self._table.create(**own, **texts, **shape)
        except BaseException:
            file.unlink(missing_ok=True)
            raise

    def all(self, **which: Any) -> list[Waiting]:
        """In the order in which they came; those alone with `latest=True` of the last import."""
        table = self._table
        with self._rows.tables.reading():
            rows = list(table.select().where(self._rows.mine(table, **which)).order_by(table.id))
        return [Waiting.of(row) for row in rows]

    def mask(self, waiting: Waiting) -> np.ndarray:
        """bool (H, W). Raises StoreError where it waits no longer."""
        try:
            return read_png(self._rows.folder / "masks" / waiting.file)
        except FileNotFoundError:
            raise StoreError("this mask waits no longer: import it again") from None

    def drop(self, waiting: Iterable[Waiting]) -> None:
        """These no longer wait."""
        gone, table = list(waiting), self._table
        with self._rows.tables.transaction():
            for each in gone:
                table.delete().where(self._rows.mine(table, id=each.id)).execute()
        for each in gone:
            (self._rows.folder / "masks" / each.file).unlink(missing_ok=True)

    def age(self) -> None:
        """Within a transaction: those that wait are no longer of the last import."""
        table = self._table
        table.update(latest=False).where(self._rows.mine(table)).execute()
