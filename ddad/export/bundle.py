"""A set of reviewed images as one ZIP: safe unique names, the same bytes for the same work.

images/<stem>.png holds the pictures, lossless, where a format speaks of them; run.json is always
there. All other files are those of the formats chosen: see `ddad.export.formats`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ddad.export.formats.coco import Coco
from ddad.export.formats.form import Entry, Files, Format, Whole
from ddad.export.formats.label_studio import LabelStudio
from ddad.export.formats.labelme import Labelme
from ddad.export.formats.maps import Maps
from ddad.export.formats.masks import Masks
from ddad.export.formats.mvtec import Mvtec
from ddad.export.formats.report import Report
from ddad.export.formats.tables import Tables
from ddad.export.formats.yolo import Yolo
from ddad.export.provenance import Provenance
from ddad.export.reviewed import Reviewed, find_shapes
from ddad.images.files import write_whole
from ddad.images.names import Stems
from ddad.images.outlines import TOLERANCE

_FORMATS: tuple[type[Format], ...] = (
    *(Masks, Mvtec, Coco, Yolo, LabelStudio, Labelme, Tables, Maps, Report),
)
FORMATS: dict[str, str] = {form.name: form.label for form in _FORMATS}
"""The formats by name, each with what the page calls it."""


def write_zip(
    records: Iterable[Reviewed],
    formats: Collection[str],
    path: Path,
    *,
    tolerance: float = TOLERANCE,
    names: Iterable[str] = (),
    extra: Mapping[str, bytes] | None = None,
    classes: Iterable[str] = (),
    notes: Sequence[str] = (),
    on_file: Callable[[], None] = lambda: None,
) -> None:
    """Write the records in those formats, one record in memory at a time; `extra` files as well.

    `names` are those of all records, where they are known: where some share a stem, each carries
    its name's tag. `classes` are those of the project: the first categories, in their order,
    whether or not a region has them. `notes` are sentences on the set that its report says.
    `on_file` is called after each file. The archive appears whole or not at all. Raises ValueError
    for an unknown format or no record.
    """
    if unknown := set(formats) - set(FORMATS):
        raise ValueError(
            f"there is no export format {', '.join(sorted(unknown))}: use {', '.join(FORMATS)}"
        )
    wanted = [form for form in _FORMATS if form.name in formats]
    pictures = any(form.pictures for form in wanted)
    whole = Whole(
        *(tolerance, list(dict.fromkeys(classes)), frozenset(formats), pictures, tuple(notes))
    )
    chosen = [Provenance(whole), *(form(whole) for form in wanted)]
    with _archive(path) as put:
        stems, entry = Stems(names), None
        for record in records:
            entry = Entry(record, find_shapes(record, tolerance), stems.unique(record.name))
            for name, data in _files(entry, chosen, whole):
                put(name, data)
                on_file()
        if entry is None:
            raise ValueError("there is no image to export")
        for form in chosen:
            for name, data in form.finish():
                put(name, data)
                on_file()
        for name, data in (extra or {}).items():
            put(name, data)


def _files(entry: Entry, chosen: Iterable[Format], whole: Whole) -> Files:
    """The files of one image, whose new labels join the classes."""
    labels = dict.fromkeys(shape.label for shape in entry.shapes)
    whole.classes += [label for label in labels if label not in whole.classes]
    if whole.pictures:
        yield f"images/{entry.stem}.png", entry.picture
    for form in sorted(chosen, key=lambda form: form.late):
        yield from form.add(entry)


@contextmanager
def _archive(path: Path) -> Iterator[Callable[[str, bytes], None]]:
    """A ZIP that appears when it is whole; its entries have no time of their own."""
    with write_whole(path) as part, zipfile.ZipFile(part, "x") as archive:

        def put(name: str, data: bytes) -> None:
            entry = zipfile.ZipInfo(name)
            packed = name.endswith((".png", ".tiff"))
            entry.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, data)

        yield put
