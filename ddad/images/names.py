"""Any text as a file name that is safe and unique on every system."""

from __future__ import annotations

import re
import unicodedata

_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # no file names on Windows


def safe_stem(name: str) -> str:
    """Any text as a file stem for every system: letters, digits, dot, dash, underscore.

    It never begins with a dash: that is an option to a shell and a formula to a spreadsheet.
    """
    base = unicodedata.normalize("NFC", name.replace("\\", "/")).rstrip("/").split("/")[-1]
    stem = base.rsplit(".", 1)[0] if "." in base[1:] else base
    stem = re.sub(r"[^\w.-]+", "_", stem).strip("._")
    stem = stem.encode()[:100].decode(errors="ignore").strip("._") or "image"
    return f"_{stem}" if _DEVICES.match(stem) or stem[0] == "-" else stem


def folded(name: str) -> str:
    """What two names share that are one file where capitals or normal forms do not count."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


class Stems:
    """Gives each name a stem of its own, `folded`; the same for the same sequence."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def unique(self, name: str) -> str:
        first = stem = safe_stem(name)
        number = 1
        while folded(stem) in self._taken:
            number += 1
            stem = f"{first}_{number}"
        self._taken.add(folded(stem))
        return stem
