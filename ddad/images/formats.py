"""Kinds of picture files: those that are read, and those that are known but are not."""

from __future__ import annotations

from pathlib import Path

READ: dict[str, tuple[str, ...]] = {
    "PNG": (".png", ".apng"),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
    "AVIF": (".avif",),
    "PPM": (".pgm", ".ppm", ".pnm", ".pbm", ".pfm"),
}
"""Pillow's names of the formats, each with the suffixes of its files."""
SENTENCE = "PNG, JPEG, TIFF, WebP, BMP, GIF, JPEG 2000, AVIF, PGM or PPM"
"""The same in words."""
IMAGE_SUFFIXES = frozenset(suffix for suffixes in READ.values() for suffix in suffixes)

_OTHERS = (
    "heic heif hif jxl jxr wdp hdp bpg psd psb xcf exr hdr tga dds ico icns cur eps ai svg wmf emf "
    "pdf djvu fits fit dcm dicom pcx sgi ras qoi dib raw dng cr2 cr3 crw nef nrw arw sr2 srf orf "
    "rw2 raf pef 3fr iiq rwl srw x3f kdc dcr mrw erf mef mos czi nd2 lif svs vsi ims mp4 avi mov "
    "mkv webm"
)
OTHER_SUFFIXES = frozenset(f".{name}" for name in _OTHERS.split())
"""Of pictures and films that are not read: passed over in a folder, and counted."""

_HEIF = frozenset((b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"))
_BEGINS = {
    b"\xff\x0a": "a JPEG XL file",
    b"\0\0\0\x0cJXL ": "a JPEG XL file",
    b"%PDF": "a PDF file",
    b"8BPS": "a Photoshop file",
    b"II\xbc\x01": "a JPEG XR file",
    b"\x76\x2f\x31\x01": "an OpenEXR file",
    b"SIMPLE  =": "a FITS file",
}


def kind_of(data: bytes, path: Path) -> str:
    """What a file that cannot be read is, by its first bytes or else by its name; empty if that
    is no picture.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        return "a HEIC or HEIF file"
    for begin, kind in _BEGINS.items():
        if data.startswith(begin):
            return kind
    suffix = path.suffix.lower()
    return f"a {suffix} file" if suffix in OTHER_SUFFIXES else ""
