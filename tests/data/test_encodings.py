"""Names in archives: what their makers' machines wrote, or no guess."""

from __future__ import annotations

import struct
import zipfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddad.data.encodings import names, reading

WRITTEN = {
    "gbk": ("裂纹1.png 裂纹2.png", "划痕/001.png", "良品/1.png 不良品/2.png", "正常.png")
    + (
        "新建文件夹/图片1.png",
        "缺陷样本/凹坑.jpg",
        "脏污1.png",
        "气泡.png 杂质.png",
        "螺丝/滑牙1.bmp",
    ),
    "cp932": ("良品/1.png 不良品/2.png", "割れ.png", "ひび割れ/001.png", "キズ/01.png")
    + ("新しいフォルダー/画像1.png", "汚れ.png", "異物混入.png", "正常.png 異常.png", "表面.png"),
    "cp949": ("스크래치_01.png", "정상/1.png 불량/2.png", "균열.png", "찍힘.png")
    + ("이물.png", "새폴더/사진1.png", "크랙/찌그러짐1.png", "오염1.png"),
    "cp950": ("裂紋1.png", "刮傷.png", "正常.png", "新增資料夾/圖片1.png", "髒污.png", "凹陷.png"),
    "cp437": ("pièce.png", "Oberfläche/Riß_1.png", "Kratzer_größer.png", "señal.png"),
    "cp850": ("défaut_1.png", "Überprüfung.png"),
    "cp866": ("трещина.png", "годные/1.png брак/2.png"),
    "cp1252": ("pièce.png", "Größe.png"),
    "utf-8": ("裂纹1.png", "pièce.png", "pie\u0300ce.png", "трещина.png", "정상.png", "キズ.png")
    + ("\U0001f600.png", "背景.png"),
}


@pytest.mark.parametrize(
    ("encoding", "archive"), [(e, archive) for e, some in WRITTEN.items() for archive in some]
)
def test_names_that_people_give_are_read(encoding, archive):
    written = archive.split()
    assert reading([name.encode(encoding) for name in written]) == written


@pytest.mark.parametrize(
    "raw", [b"\x81", b"\xc3\xbc1.png", b"\xb0\xb1\xb2.png", b"\xff\xfe", "裂1.png".encode("gbk")]
)
def test_what_may_be_several_things_is_not_guessed(raw):
    assert reading([raw]) is None


def test_one_name_decides_with_the_others():
    """Alone, this one may be Korean as well."""
    doubtful, clear = "体1.png", "裂纹.png"
    assert reading([doubtful.encode("gbk"), clear.encode("gbk")]) == [doubtful, clear]


def entry(raw: bytes, extra: bytes = b"", declared: bool = False) -> zipfile.ZipInfo:
    """As zipfile reads it."""
    info = zipfile.ZipInfo(raw.decode("utf-8" if declared else "cp437"))
    info.flag_bits, info.extra = 0x800 * declared, extra
    return info


def unicode_path(raw: bytes, name: bytes, version: int = 1) -> bytes:
    field = struct.pack("<BL", version, zlib.crc32(raw)) + name
    return b"\x55\x54\1\0\0" + struct.pack("<HH", 0x7075, len(field)) + field


def test_what_is_declared_is_believed():
    raw, name = b"\x81\x81.png", "裂纹.png".encode()
    assert names([entry(name, declared=True)]) == (["裂纹.png"], 0)
    assert names([entry(raw, unicode_path(raw, name))]) == (["裂纹.png"], 0)
    assert names([]) == ([], 0)


@pytest.mark.parametrize(
    "extra",
    [
        unicode_path(b"other.png", b"x.png"),
        unicode_path(b"\x81\x81.png", b"\xff.png"),
        unicode_path(b"\x81\x81.png", b"x.png", version=2),
        unicode_path(b"\x81\x81.png", b"x.png")[:9],
        b"\x75\x70\xff\xff\1",
        b"\x75",
    ],
)
def test_an_extra_field_that_is_not_the_names_own_is_not(extra):
    assert names([entry(b"\x81\x81.png", extra)]) == (["%81%81.png"], 1)


def test_bytes_that_are_shown_are_never_two_names_in_one():
    found, unsure = names([entry(b"\x81%81.png"), entry(b"%81\x81.png"), entry(b"a%.png")])
    assert found == ["%81%2581.png", "%2581%81.png", "a%.png"] and unsure == 2


@given(st.lists(st.binary(min_size=1, max_size=12), max_size=5, unique=True))
@settings(deadline=None)
def test_any_bytes_are_names_that_differ(raws):
    found, unsure = names([entry(raw) for raw in raws])
    assert len(found) == len(raws) and unsure <= len(raws)
    if unsure == len(raws):
        assert len(set(found)) == len(raws)
