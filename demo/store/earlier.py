"""What an earlier version kept beside the store, `training/<key>`, read over once into sessions.

Files are linked to their new place, then one transaction names them all, then the old names go: a
stop at any moment leaves either the old folder as it was or a session that has everything, and the
next start goes on.

photos/          photographs under generated names; names.json has the visitor's; .left_out/
models/<name>/   his models; <name>/run is the training's own folder
job.json         the training that waits, runs or is over
output.txt       what its process printed
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from demo.store.files import link, link_tree, size_of
from demo.store.records import StoreError, Training, now, plain
from demo.store.tables import Tables
from demo.store.trained import NAME, process_of, training_of

KEY = re.compile(r"[0-9a-f]{32}", re.ASCII)
GOES_ON = "your training from before this page was renewed goes on: reload the page when it is over"


def read_over(root: Path, tables: Tables) -> bool:
    """Make a session of each old folder; whether a training still writes to one, which is left."""
    old, running = root / "training", False
    for folder in sorted(old.glob("*")):
        if not KEY.fullmatch(folder.name):
            continue
        training = _training(folder)
        if training and training.state == "running" and process_of(training):
            running = True
            continue
        try:
            with tables.reading():
                known = tables.sessions.get_or_none(id=folder.name)
            if not known:
                _take(folder, root / "sessions" / folder.name, training, tables)
            shutil.rmtree(folder)
        except OSError as error:  # a full disk: the folder stays for another time
            print(f"{folder.name[:4]}… was not read over: {error.strerror}", file=sys.stderr)
    with suppress(OSError):
        old.rmdir()
    return running


def join(sessions: Path, tables: Tables, key: str, session: str) -> None:
    """Give all that was read over from an old key's folder to a session; then the key is no more.

    A model of a name that the session has gets another. Raises StoreError while a training of that
    key runs, or where both have one that is not over.
    """
    photographs, models, trainings = tables.photographs, tables.models, tables.trainings
    with tables.reading():
        if key == session or not tables.sessions.get_or_none(id=key, earlier=True):
            return
        theirs, mine = (trainings.get_or_none(session=each) for each in (key, session))
        taken, coming = (
            [row.name for row in models.select().where(models.session == each)]
            for each in (session, key)
        )
        files = [_place(row) for row in photographs.select().where(photographs.session == key)]
    going = theirs is not None and not training_of(theirs).over
    held = mine is not None and not training_of(mine).over
    if going and (held or theirs.state == "running"):
        raise StoreError(GOES_ON)
    called: dict[str, str] = {}
    for name in coming:
        called[name] = _free(name, {*taken, *called.values(), *coming} - {name} | {*taken})
    for place in files:
        link(sessions / key / place, sessions / session / place)
    for old, new in called.items():
        if (sessions / key / "models" / old).is_dir():
            link_tree(sessions / key / "models" / old, sessions / session / "models" / new)
    with tables.transaction():
        photographs.update(session=session).where(photographs.session == key).execute()
        for old, new in called.items():
            row = (models.session == key) & (models.name == old)
            models.update(session=session, name=new).where(row).execute()
        if theirs is not None and (going or mine is None):
            name = called.get(theirs.name, theirs.name)
            trainings.delete().where(trainings.session == session).execute()
            trainings.update(session=session, name=name).where(trainings.session == key).execute()
        tables.sessions.delete().where(tables.sessions.id == key).execute()
    shutil.rmtree(sessions / key, ignore_errors=True)


def _take(folder: Path, to: Path, training: Training | None, tables: Tables) -> None:
    """Link what is in an old folder to its place in the session's, and name it all at once."""
    photographs, models = _link_photographs(folder, to), []
    for model in sorted((folder / "models").glob("*")):
        if model.is_dir() and NAME.fullmatch(model.name):
            link_tree(model, to / "models" / model.name)
            models.append(model.name)
    if training:
        models += [training.name] * (training.name not in models)
        if (folder / "output.txt").is_file():
            link(folder / "output.txt", to / "models" / training.name / "run" / "output.txt")
    sizes = [(name, size_of(to / "models" / name)) for name in models]
    seen = folder.stat().st_mtime  # the visitor's last visit
    with tables.transaction():
        tables.sessions.create(
            id=folder.name,
            created=seen,
            touched=seen,
            earlier=True,
        )
        for row in photographs:
            tables.photographs.create(session=folder.name, added=now(), **row)
        for name, size in sizes:
            tables.models.create(session=folder.name, name=name, bytes=size)
        if training:
            tables.trainings.create(session=folder.name, **asdict(training))


def _link_photographs(folder: Path, to: Path) -> list[dict[str, Any]]:
    names, rows = _read(folder / "photos" / "names.json"), []
    for source, left_out in ((folder / "photos", False), (folder / "photos" / ".left_out", True)):
        for file in sorted(source.glob("*")):
            if file.is_file() and (left_out or file.name in names):
                row: dict[str, Any] = {
                    "file": file.name,
                    "name": plain(str(names.get(file.name, file.name))),
                }
                row |= {"left_out": left_out, "bytes": file.stat().st_size}
                link(file, to / _place(SimpleNamespace(**row)))
                rows.append(row)
    return rows


def _place(row: Any) -> Path:
    """Of a photograph, within its session's folder."""
    return Path("left_out" if row.left_out else "photographs", row.file)


def _free(name: str, taken: set[str]) -> str:
    """The name itself, or with a number."""
    names = (name, *(f"{name[:36]}-{number}" for number in range(2, 1000)))
    return next(each for each in names if each not in taken)


def _read(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(file.read_text())
        return found if isinstance(found, dict) else {}
    return {}


def _training(folder: Path) -> Training | None:
    with suppress(TypeError):
        found = Training(**_read(folder / "job.json"))
        return found if NAME.fullmatch(found.name) else None
    return None
