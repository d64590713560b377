"""Bad inputs, made by rule: images, names, archives, checkpoints. Nothing here drives anything.

Each maker writes under a folder and returns what it wrote. The same seed makes the same bytes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

NAMES = {
    "newline": "a\nb.png",
    "quotes": "a'\"`b.png",
    "formula": "=cmd|' -C calc'!A0.png",
    "at": "@SUM(1).png",
    "dash": "--help.png",
    "script": "<script>alert(1)<\u2215script>.png",
    "image tag": "<img src=x onerror=alert(1)>.png",
    "template": "{{7*7}}${7*7}.png",
    "long": "n" * 251 + ".png",
    "right to left": "\u202egnp.exe\u202c.png",
    "device": "CON.png",
    "device with number": "lpt1.png",
    "dots": "...png",
    "space": " .png",
    "percent": "%00%2e%2e%2f.png",
    "emoji": "\U0001f52a\u200d\U0001f525.png",
    "combining": "e" + "\u0301" * 60 + ".png",
    "control": "a\x1b[31mb\x07.png",
    "not unicode": os.fsdecode(b"\xff\xfe.png"),
    "tilde": "~root.png",
}
"""File names that a file system takes; the test is what pages, tables and shells make of them."""


def picture(seed: int = 0, height: int = 48, width: int = 64) -> np.ndarray:
    """uint8 (height, width, 3): waves and noise, so that every codec has work to do."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = 120 + 60 * np.sin((x + 2 * y) / 5)[..., None]
    return (waves + rng.normal(0, 9, (height, width, 3))).clip(0, 255).astype(np.uint8)


def encoded() -> dict[str, bytes]:
    """The picture in every format that is read, by file suffix."""
    image, found = Image.fromarray(picture()), {}
    kinds: dict[str, dict[str, Any]] = {
        "png": {"format": "PNG"},
        "jpg": {"format": "JPEG"},
        "progressive.jpg": {"format": "JPEG", "progressive": True},
        "tif": {"format": "TIFF"},
        "lzw.tif": {"format": "TIFF", "compression": "tiff_lzw"},
        "webp": {"format": "WEBP"},
        "lossless.webp": {"format": "WEBP", "lossless": True},
        "bmp": {"format": "BMP"},
        "gif": {"format": "GIF"},
    }
    for suffix, options in kinds.items():
        image.save(buffer := io.BytesIO(), **options)
        found[suffix] = buffer.getvalue()
    wide = picture().astype(np.uint16) * 257
    arrays = {"16.tif": wide, "float.tif": wide / np.float32(65535)}
    for suffix, array in arrays.items():
        tifffile.imwrite(buffer := io.BytesIO(), array, photometric="rgb")
        found[suffix] = buffer.getvalue()
    Image.fromarray(wide[..., 0]).save(buffer := io.BytesIO(), "PNG")
    found["16.png"] = buffer.getvalue()
    return found


def images(folder: Path) -> list[Path]:
    """Over two hundred files that pass for images."""
    folder.mkdir(parents=True)
    made: list[Path] = []

    def put(name: str, data: bytes) -> None:
        made.append(folder / name)
        made[-1].write_bytes(data)

    for suffix, data in encoded().items():
        rng = np.random.default_rng(len(data))
        for keep in (0.02, 0.2, 0.5, 0.9, 0.999):
            put(f"cut_{keep}.{suffix}", data[: max(1, int(len(data) * keep))])
        for turn, flips in enumerate((1, 1, 4, 16, 64, 256)):
            spoiled = bytearray(data)
            # Half of them in the header, where they do most harm.
            reach = 64 if turn % 2 else len(data)
            for place in rng.integers(0, min(reach, len(data)), flips):
                spoiled[place] ^= 1 << int(rng.integers(8))
            put(f"flip_{turn}.{suffix}", bytes(spoiled))
        put(f"tail.{suffix}", data + b"\0" * 4096 + b"PK\3\4<script>")
        put(f"wrong_suffix_{suffix}.{'bmp' if suffix != 'bmp' else 'png'}", data)
    for name, data in _special().items():
        put(name, data)
    for name in NAMES.values():
        put(name, encoded()["png"])
    made.append(folder / "folder.png")
    made[-1].mkdir()
    os.mkfifo(folder / "pipe.png")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    (folder / "nowhere.png").symlink_to(folder / "missing")
    (folder / "endless.png").symlink_to("/dev/zero")
    return [*made, *(folder / f"{n}.png" for n in ("pipe", "loop", "nowhere", "endless", "absent"))]


def _special() -> dict[str, bytes]:
    """Files each with a vice of its own."""
    base = encoded()
    made = {
        "empty.png": b"",
        "text.jpg": b"not an image\n" * 40,
        "page.png": b"<!doctype html><script>alert(1)</script>",
        "drawing.png": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "pickle.png": b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x05posix\x94.",
        "document.jpg": b"%PDF-1.7\n%\xe2\xe3\n1 0 obj<</JavaScript(1)>>",
        "program.png": b"\x7fELF\2\1\1" + b"\0" * 200,
        "random.png": np.random.default_rng(1).bytes(5000),
        "random.tif": b"II*\0" + np.random.default_rng(2).bytes(5000),
        "big.tif": b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63),
        "own_directory.tif": b"II*\0\x08\0\0\0\0\0" + struct.pack("<I", 8),
        "bomb.png": _png(20_000, 20_000),
        "header_bomb.png": _png(65_535, 65_535, rows=1),
        "negative.bmp": _patched(base["bmp"], 18, "<ii", -64, -48),
        "header_bomb.bmp": _patched(base["bmp"], 18, "<ii", 65_535, 65_535),
        "header_bomb.gif": _patched(base["gif"], 6, "<HH", 65_535, 65_535),
        "no_pixels.gif": _patched(base["gif"], 6, "<HH", 0, 0),
        "no_pixels.png": _png(0, 0, rows=0),
        "icc_bomb.png": _png(8, 8, extra=[(b"iCCP", b"x\0\0" + zlib.compress(b"\0" * 50_000_000))]),
        "text_bomb.png": _png(8, 8, extra=[(b"zTXt", b"x\0\0" + zlib.compress(b"a" * 50_000_000))]),
        "xmp.png": _png(8, 8, extra=[(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _ENTITIES)]),
        "exif.png": _png(8, 8, extra=[(b"eXIf", b"MM\0*\xff\xff\xff\xff")]),
        "two_headers.png": _png(
            8, 8, extra=[(b"IHDR", struct.pack(">IIBBBBB", 9, 9, 8, 0, 0, 0, 0))]
        ),
        "long_chunk.png": base["png"][:8] + struct.pack(">I", 2**31 - 1) + b"IHDR" + b"\0" * 99,
    }
    sof = base["jpg"].index(b"\xff\xc0")
    made["header_bomb.jpg"] = _patched(base["jpg"], sof + 5, ">HH", 65_535, 65_535)
    turned = b"Exif\0\0II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0c\0\0\0"
    for name, exif in {"turned": turned, "noise": b"Exif\0\0" + b"\xa5" * 900}.items():
        Image.fromarray(picture()).save(buffer := io.BytesIO(), "JPEG", exif=exif)
        made[f"exif_{name}.jpg"] = buffer.getvalue()
    Image.fromarray(picture()).save(buffer := io.BytesIO(), "JPEG", icc_profile=b"\xff" * 70_000)
    made["icc_noise.jpg"] = buffer.getvalue()
    for height, width in ((1, 1), (1, 10_000), (10_000, 1), (2, 3), (1, 40_000)):
        made[f"{width}x{height}.png"] = _png(width, height)
    return made | _tiffs()


def _tiffs() -> dict[str, bytes]:
    values = picture().astype(np.float32)
    some = values.copy()
    some[::3] = np.nan
    arrays: dict[str, np.ndarray] = {
        "nan": np.full_like(values, np.nan),
        "some_nan": some,
        "infinite": np.full_like(values, -np.inf),
        "huge": values * np.float32(1e36),
        "negative": -values,
        "double": values.astype(np.float64),
        "half": values.astype(np.float16),
        "complex": values.astype(np.complex64),
        "int32": values.astype(np.int32) - 100,
        "uint32": values.astype(np.uint32) * 10**7,
        "int8": (values / 2).astype(np.int8),
        "bool": values[..., 0] > 100,
        "pages": np.stack([values[..., 0]] * 5),
        "seven_channels": np.repeat(values[..., :1], 7, 2),
        "one_row": values[:1],
    }
    made = {}
    for name, array in arrays.items():
        colour = "rgb" if array.shape[-1] == 3 else "minisblack"
        tifffile.imwrite(buffer := io.BytesIO(), array, photometric=colour)
        made[f"{name}.tif"] = buffer.getvalue()
    for width, height in ((65_535, 65_535), (40_000, 1), (0, 7)):
        tifffile.imwrite(buffer := io.BytesIO(), values[..., 0])
        data = bytearray(buffer.getvalue())
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            tags = file.pages.first.tags
            places = tags["ImageWidth"].valueoffset, tags["ImageLength"].valueoffset
        for place, value in zip(places, (width, height), strict=True):
            struct.pack_into("<H", data, place, value)
        made[f"header_{width}x{height}.tif"] = bytes(data)
    return made


_ENTITIES = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(12)
) + b"]><x>&m;</x>"  # fmt: skip
"""A billion laughs."""


def _png(
    width: int,
    height: int,
    *,
    rows: int | None = None,
    extra: list[tuple[bytes, bytes]] | None = None,
) -> bytes:
    """A grey PNG of zeros, compressed as it is made, so that a bomb costs no memory here."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    squeeze, line = zlib.compressobj(9), b"\0" * (width + 1)
    body = b"".join(squeeze.compress(line) for _ in range(height if rows is None else rows))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), *(extra or []), (b"IDAT", body + squeeze.flush()), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def _patched(data: bytes, place: int, form: str, *values: int) -> bytes:
    copy = bytearray(data)
    struct.pack_into(form, copy, place, *values)
    return bytes(copy)


def archives(folder: Path) -> list[Path]:
    """ZIP files that are broken, lie, climb or burst."""
    folder.mkdir(parents=True)
    png = encoded()["png"]
    made: list[Path] = []

    def put(name: str, fill: Callable[[zipfile.ZipFile], Any], **options: Any) -> Path:
        made.append(folder / f"{name}.zip")
        with zipfile.ZipFile(made[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            fill(archive)
        return made[-1]

    climbing = (
        "../up.png",
        "a/../../up.png",
        "/etc/up.png",
        "C:\\up.png",
        "..\\up.png",
        "~/up.png",
    )
    odd = ("a\nb.png", "a\0b.png", "CON.png", "x" * 300 + ".png", "d/" * 40 + "a.png", "<b>.png")
    for index, name in enumerate((*climbing, *odd)):
        put(f"name_{index}", lambda a, name=name: a.writestr(name, png))
    whole = put("whole", lambda a: [a.writestr(f"{i}.png", png) for i in range(3)]).read_bytes()
    put("none", lambda a: None)
    put("bomb", lambda a: [a.writestr(f"{i}.png", b"\0" * 30_000_000) for i in range(4)])
    put("crowd", lambda a: [a.writestr(f"{i}.png", b"x") for i in range(3000)])
    put("nested", lambda a: a.writestr("inner.zip", whole))
    put("text", lambda a: a.writestr("a.png", "not an image"))
    link = zipfile.ZipInfo("link.png")
    link.external_attr = 0o120777 << 16
    put("link", lambda a: a.writestr(link, "/etc/passwd"))
    rng = np.random.default_rng(3)
    for index in range(8):
        spoiled = bytearray(whole)
        for place in rng.integers(0, len(whole), 1 + 4 * index):
            spoiled[place] ^= 1 << int(rng.integers(8))
        made.append(folder / f"flip_{index}.zip")
        made[-1].write_bytes(spoiled)
    for index, keep in enumerate((0.01, 0.3, 0.7, 0.99)):
        made.append(folder / f"cut_{index}.zip")
        made[-1].write_bytes(whole[: int(len(whole) * keep)])
    made.append(folder / "no_zip.zip")
    made[-1].write_bytes(png)
    return made


BAD_JSON = ("", "{", "[]", "null", "NaN", '"x"', "{}", "[" * 100_000, '{"format": 3}', "\0" * 50)
BAD_VALUES: tuple[Any, ...] = (None, "x", -1, 10**400, [], {}, float("nan"), [["a"]], True, 1e308)


def checkpoints(whole: Path, folder: Path) -> Iterator[Path]:
    """Copies of a checkpoint with one thing wrong each; one is gone when the next is asked for."""
    files = sorted(f.relative_to(whole) for f in whole.rglob("*") if f.is_file())
    files = [f for f in files if f.suffix in (".json", ".safetensors")]

    def spoiled(name: str, spoil: Callable[[Path], Any]) -> Iterator[Path]:
        copy = folder / name
        shutil.copytree(whole, copy)
        spoil(copy)
        yield copy
        shutil.rmtree(copy)

    def write(file: Path, data: bytes) -> Callable[[Path], Any]:
        return lambda copy: (copy / file).write_bytes(data)

    for place, file in enumerate(files):
        data = (whole / file).read_bytes()
        yield from spoiled(f"missing_{place}", lambda copy, file=file: (copy / file).unlink())
        yield from spoiled(f"cut_{place}", write(file, data[: len(data) // 2]))
        flipped = data[:20] + bytes(255 - b for b in data[20:60]) + data[60:]
        yield from spoiled(f"flip_{place}", write(file, flipped))
    for turn, text in enumerate(BAD_JSON):
        for name in ("ddad.json", "calibration.json"):
            yield from spoiled(f"{name}_{turn}", write(Path(name), text.encode()))
    for name in ("ddad.json", "calibration.json"):
        before = json.loads((whole / name).read_text())
        inner = before["score"] if name == "ddad.json" else before
        for turn, key in enumerate(inner):
            bad = BAD_VALUES[turn % len(BAD_VALUES)]
            inner[key], kept = bad, inner[key]
            yield from spoiled(f"{name}_{key}", write(Path(name), json.dumps(before).encode()))
            inner[key] = kept
    for turn, length in enumerate((0, 2**63, 100)):
        bad = struct.pack("<Q", length) + b"{" * 100
        yield from spoiled(f"header_{turn}", write(Path("features/mixture.safetensors"), bad))
