"""Which images a COCO file speaks of, before anything of it is drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ddad.data.coco import MAX_BYTES


def images_in(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The file's images by their names as paths; nothing where it is not as COCO files are."""
    try:
        if path.stat().st_size > MAX_BYTES:
            return
        rows = json.loads(path.read_bytes())["images"]
        for row in rows:
            yield str(row["file_name"]).replace("\\", "/").removeprefix("./"), row
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
