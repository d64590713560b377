"""Any text as a file name that is safe and unique on every system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")  # no file names on Windows


def safe_stem(name: str) -> str:
    """Any text as a file stem for every system: letters, digits, dot, dash, underscore.

    It never begins with a dash: that is an option to a shell and a formula to a spreadsheet.
    """
    stem = re.sub(r"[^\w.-]+", "_", _as_written(name)).strip("._")
    stem = stem.encode()[:100].decode(errors="ignore").strip("._") or "image"
    return f"_{stem}" if _DEVICES.match(stem) or stem[0] == "-" else stem


def _as_written(name: str) -> str:
    base = unicodedata.normalize("NFC", name.replace("\\", "/")).rstrip("/").split("/")[-1]
    return base.rsplit(".", 1)[0] if "." in base[1:] else base


def folded(name: str) -> str:
    """What two names share that are one file where capitals or normal forms do not count."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def tag(name: str) -> str:
    """Six hexadecimal digits that a stem carries where it does not say alone whose it is."""
    text = unicodedata.normalize("NFC", name)
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:6]


class Stems:
    """Gives each name a stem of its own, `folded`; the same for the same sequence.

    A stem that is not as the name has it, or is taken, ends in `~` and the name's `tag`: so it is
    never another image's plain name, and files that come back find theirs. So do all of the
    `coming` names that share a stem. Without `tags` it is numbered where it is taken.
    """

    def __init__(self, coming: Iterable[str] = (), *, tags: bool = True) -> None:
        self._taken: set[str] = set()
        self._tags = tags
        self._wanted = Counter(folded(safe_stem(name)) for name in coming)

    def unique(self, name: str) -> str:
        stem = safe_stem(name)
        shared = folded(stem) in self._taken or self._wanted[folded(stem)] > 1
        if self._tags and (shared or stem != _as_written(name)):
            stem = f"{stem}~{tag(name)}"
        first, number = stem, 1
        while folded(stem) in self._taken:
            number += 1
            stem = f"{first}_{number}"
        self._taken.add(folded(stem))
        return stem
