"""Unpack a ZIP from a stranger: bounded, flat, one row for each file in it.

What lands on disk has a generated name; the name in the archive stays what it is, text. An entry
that cannot be used is a row with one sentence; an archive that is built to do harm, or is larger
than its limits, is refused as a whole and leaves nothing behind.
"""

from __future__ import annotations

import re
import stat
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ddad.data import encodings
from ddad.images.files import IMAGE_SUFFIXES, shown, write_whole
from ddad.images.names import folded

CHUNK = 1 << 20
SMALL = 1 << 20
"""Entries up to this many bytes may shrink as far as they like: a blank mask is no bomb."""
ARCHIVES = frozenset(
    (".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".jar", ".cab", ".iso")
)
UNSURE = (
    "{} name{} in this archive cannot be read for sure, as it does not say their encoding: bytes "
    "are shown as %FF; pack it again with names in UTF-8"
)
_ENTRY = b"PK\1\2"  # begins an entry of the central directory


class ArchiveError(ValueError):
    """An archive that is refused as a whole; the message is one sentence."""


@dataclass(frozen=True)
class Limits:
    """What an archive may hold at most."""

    entries: int = 2000
    total: int = 1 << 30
    """Bytes of all files unpacked."""
    single: int = 256 << 20
    """Bytes of one file unpacked: 40 megapixels of 16-bit RGB."""
    ratio: float = 200
    """Unpacked to packed size of one file; blank pictures stored uncompressed reach hundreds."""
    depth: int = 64
    """Parts of a path: folders and the file."""


@dataclass(frozen=True)
class Extracted:
    """One file of the archive: where it is now, or the sentence that says why it is not."""

    name: str
    """Its path in the archive, with forward slashes: text, never to be opened as a path."""
    path: Path | None
    problem: str = ""


def extract(
    zip_path: str | Path,
    into: str | Path,
    *,
    limits: Limits = Limits(),  # noqa: B008  frozen
    suffixes: Iterable[str] = IMAGE_SUFFIXES,
) -> list[Extracted]:
    """Unpack the files with these suffixes into a folder, in the archive's order.

    Names that the archive does not declare are read by `ddad.data.encodings`; where that is not
    sure, a last row says so of the whole. Folders and the leavings of file managers (`__MACOSX`,
    hidden files, Thumbs.db) are passed over. Sizes are counted as they are unpacked, whatever the
    archive says. Raises ArchiveError for a file that is no whole ZIP, has entries that overlap, or
    exceeds `limits.entries` or `limits.total`; OSError where it cannot be read or the disk is full.
    """
    zip_path, into = Path(zip_path), Path(into)
    label = shown(Path(zip_path.name))
    _check_entries(zip_path, label, limits)
    into.mkdir(parents=True, exist_ok=True)
    rows: list[Extracted] = []
    try:
        with zipfile.ZipFile(zip_path) as archive:
            _check_whole(archive, label, limits)
            _unpack(archive, into, label, limits, {s.lower() for s in suffixes}, rows)
    except BaseException as error:
        for row in rows:
            if row.path is not None:
                row.path.unlink(missing_ok=True)
        if isinstance(error, ArchiveError | OSError) or not isinstance(error, Exception):
            raise
        if isinstance(error, UnicodeDecodeError):
            problem = "says that its names are in UTF-8, and one is not: pack it again"
        else:
            problem = "is not a ZIP archive that can be read"
        raise ArchiveError(f"{label} {problem}") from error
    return rows


def _check_entries(zip_path: Path, label: str, limits: Limits) -> None:
    """Bound the entries before zipfile makes an object of each; its record of them can lie."""
    count, tail = 0, b""
    with zip_path.open("rb") as file:
        while chunk := file.read(CHUNK):
            count += (tail + chunk).count(_ENTRY)
            tail = chunk[-len(_ENTRY) + 1 :]
            if count > limits.entries:
                raise ArchiveError(
                    f"{label} has more than {limits.entries} entries: split it into smaller ones"
                )


def _check_whole(archive: zipfile.ZipFile, label: str, limits: Limits) -> None:
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    ends = [i.header_offset + 30 + len(i.orig_filename) + i.compress_size for i in infos]
    starts = [i.header_offset for i in infos[1:]] + [archive.start_dir]
    if any(end > start for end, start in zip(ends, starts, strict=False)):
        raise ArchiveError(f"{label} has entries that overlap, as bombs do: it was not unpacked")
    total = sum(info.file_size for info in infos)
    if total > limits.total:
        raise ArchiveError(
            f"{label} unpacks to {_size(total)}, the limit is {_size(limits.total)}: "
            "split it into smaller ones"
        )


def _unpack(
    archive: zipfile.ZipFile,
    into: Path,
    label: str,
    limits: Limits,
    suffixes: set[str],
    rows: list[Extracted],
) -> None:
    seen: set[str] = set()
    left = limits.total
    infos = archive.infolist()
    names, unsure = encodings.names(infos)
    for index, (info, written) in enumerate(zip(infos, names, strict=True)):
        name = _tidy(written)
        if name.endswith("/") or _leaving(name):
            continue
        suffix = PurePosixPath(name).suffix.lower()
        key = folded(name)
        problem = _name_problem(name, limits) or _entry_problem(info, suffix, suffixes, limits)
        if not problem and key in seen:
            problem = "it is in the archive more than once: the first was used"
        seen.add(key)
        target = into / f"{index:05}{suffix}"
        if not problem:
            try:
                with archive.open(info) as source:
                    left -= copy(source, target, min(limits.single, left))
            except OSError:
                raise
            except Exception as error:  # zipfile and zlib raise anything on hostile input
                problem = str(error) if isinstance(error, ArchiveError) else "it is damaged"
        if problem:
            rows.append(Extracted(shown(Path(name))[:300], None, problem))
        else:
            rows.append(Extracted(name, target))
    if unsure and rows:
        rows.append(Extracted(label, None, UNSURE.format(unsure, "s" * (unsure > 1))))


def _tidy(name: str) -> str:
    """With forward slashes, without the parts that mean nothing."""
    first, *parts = name.replace("\\", "/").split("/")
    kept = [part for part in parts[:-1] if part not in ("", ".")] + parts[-1:]
    return "/".join(kept if first == "." else [first, *kept])


def copy(source: IO[bytes], target: Path, limit: int) -> int:
    """Copy a stream into a new file, whole or not at all; returns the bytes copied.

    Raises ArchiveError once there are more than `limit`.
    """
    size = 0
    with write_whole(target) as part, part.open("wb") as file:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > limit:
                raise ArchiveError(f"it unpacks to more than {_size(limit)}")
            file.write(chunk)
    return size


def _name_problem(name: str, limits: Limits) -> str:
    parts = name.split("/")
    if name.startswith("/") or re.match(r"[A-Za-z]:/", name):
        return "its path is absolute: paths in an archive must be relative"
    if ".." in parts:
        return "its path leads out of the archive (..)"
    if any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name):
        return "its name has control characters"
    if any(len(part) > 255 for part in parts) or len(name) > 1000:
        return "its name is longer than 255 characters, or its path than 1000"
    if len(parts) > limits.depth:
        return f"it lies {len(parts)} levels deep, the limit is {limits.depth}"
    return ""


def _entry_problem(info: zipfile.ZipInfo, suffix: str, suffixes: set[str], limits: Limits) -> str:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind == stat.S_IFLNK:
        return "it is a symbolic link"
    if kind not in (0, stat.S_IFREG):
        return "it is not a regular file"
    if info.flag_bits & 0x2041:
        return "it is encrypted: pack it without a password"
    if suffix in ARCHIVES and suffix not in suffixes:
        return "it is an archive inside the archive: unpack it first"
    if suffix not in suffixes:
        return f"it is none of {', '.join(sorted(suffixes))}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "it is compressed in an unusual way: use an ordinary ZIP (deflate)"
    if info.file_size > limits.single:
        return f"it unpacks to {_size(info.file_size)}, the limit is {_size(limits.single)}"
    if info.file_size > SMALL and info.file_size > limits.ratio * info.compress_size:
        return f"it unpacks to more than {limits.ratio:g} times its size, as bombs do"
    return ""


def _leaving(name: str) -> bool:
    """What file managers and version control leave in folders: hidden files, Thumbs.db."""
    parts = name.split("/")
    hidden = any(part.startswith(".") and part.strip(".") for part in parts)
    return hidden or parts[0] == "__MACOSX" or parts[-1].lower() in ("thumbs.db", "desktop.ini")


def _size(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MiB" if size >= 10 << 20 else f"{size:,} bytes"
