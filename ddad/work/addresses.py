"""Files here and at addresses that pyarrow or fsspec knows (s3://, gs://, file://, ...)."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ddad.images.files import IMAGE_SUFFIXES, write_whole


def is_address(name: str) -> bool:
    return "://" in name


def copy(source: str, to: str) -> None:
    """Copy a file between this machine and any store; whole or not at all where it is local."""
    from pyarrow import fs

    (there, path), (here, target) = (_place(fs, name) for name in (source, to))
    with there.open_input_stream(path) as read:
        if is_address(to):
            if isinstance(here, fs.LocalFileSystem):  # object stores have no folders to make
                here.create_dir(str(PurePosixPath(target).parent), recursive=True)
            with here.open_output_stream(target) as write:
                shutil.copyfileobj(read, write, 1 << 20)
        else:
            with write_whole(to) as part, part.open("wb") as file:
                shutil.copyfileobj(read, file, 1 << 20)


def pictures_at(address: str) -> Iterator[tuple[str, str]]:
    """The images below an address, sorted, each with its path below it; one file with its stem.

    Raises ValueError for an address that cannot be opened or where nothing is.
    """
    from pyarrow import fs

    store, root = _place(fs, address)
    kind = store.get_file_info(root).type
    if kind == fs.FileType.NotFound:
        raise ValueError(f"nothing at {address}")
    if kind == fs.FileType.File:
        yield address, PurePosixPath(address).stem
        return
    scheme = address.split("://", 1)[0]
    listed = store.get_file_info(fs.FileSelector(root, recursive=True))
    for info in sorted(listed, key=lambda each: str(each.path)):
        path = PurePosixPath(info.path)
        if info.type == fs.FileType.File and path.suffix.lower() in IMAGE_SUFFIXES:
            # The suffix stays in the name: two stems may be equal.
            yield f"{scheme}://{info.path}", path.relative_to(root).as_posix()


def _place(fs: Any, name: str) -> tuple[Any, str]:
    """The store that holds a name, and the path in it."""
    if not is_address(name):
        return fs.LocalFileSystem(), str(Path(name).absolute())
    try:
        store, path = fs.FileSystem.from_uri(name)
    except (ValueError, OSError) as error:  # a scheme that pyarrow leaves to fsspec
        try:
            import fsspec

            inner, path = fsspec.core.url_to_fs(name)
        except (ImportError, ValueError):
            raise ValueError(f"{name} is no address that can be opened: {error}") from error
        store = fs.PyFileSystem(fs.FSSpecHandler(inner))
    return store, path
