from __future__ import annotations

import io
import shutil
import stat
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddad.data.archive import ArchiveError, Limits, copy, extract

MB = 1 << 20


def noise(size: int, seed: int = 0) -> bytes:
    return np.random.default_rng(seed).bytes(size)


def packed(entries, compression=zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of (name or ZipInfo, data) pairs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return buffer.getvalue()


def unpack(tmp_path, data: bytes, **options):
    """The rows by name, after checking that nothing lies outside the folder or is left half."""
    file, into = tmp_path / "set.zip", tmp_path / "out" / "in"
    shutil.rmtree(into.parent, ignore_errors=True)
    file.write_bytes(data)
    rows = extract(file, into, **options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "set.zip"]
    assert {p for p in into.rglob("*")} == {row.path for row in rows if row.path}
    assert all((row.path is None) == bool(row.problem) for row in rows)
    return {row.name: row for row in rows}


def refused(tmp_path, data: bytes, match: str, **options) -> None:
    file, into = tmp_path / "set.zip", tmp_path / "in"
    file.write_bytes(data)
    with pytest.raises(ArchiveError, match=match) as caught:
        extract(file, into, **options)
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)
    assert not into.exists() or list(into.iterdir()) == []


def test_files_come_out_flat_and_whole_with_names_as_text(tmp_path):
    files = {
        "test/crack/Ä 1.png": noise(3000),
        "test\\crack\\2.JPG": noise(10, 1),
        "./a.tif": b"",
    }
    rows = unpack(tmp_path, packed(files.items()))
    assert list(rows) == ["test/crack/Ä 1.png", "test/crack/2.JPG", "a.tif"]
    assert [row.path.read_bytes() for row in rows.values()] == list(files.values())
    assert [row.path.name for row in rows.values()] == ["00000.png", "00001.jpg", "00002.tif"]


def test_what_file_managers_leave_is_passed_over(tmp_path):
    names = ["__MACOSX/._a.png", ".DS_Store", "x/.hidden/a.png", "Thumbs.db", "folder/"]
    assert unpack(tmp_path, packed([(name, b"") for name in names])) == {}


@pytest.mark.parametrize(
    "name, sentence",
    [
        ("../up.png", "leads out"),
        ("a/../../up.png", "leads out"),
        ("..\\up.png", "leads out"),
        ("/etc/up.png", "absolute"),
        ("\\\\host\\share\\up.png", "absolute"),
        ("C:\\up.png", "absolute"),
        ("c:/up.png", "absolute"),
        ("new\nline.png", "control characters"),
        ("bell\x07.png", "control characters"),
        ("n" * 252 + ".png", "255 characters"),
        ("/".join(["n" * 99] * 11) + ".png", "its path than 1000"),
        ("x/" * 64 + "a.png", "65 levels deep"),
        ("inner.zip", "archive inside the archive"),
        ("inner.tar.gz", "archive inside the archive"),
        ("notes.txt", "none of"),
        ("no suffix", "none of"),
    ],
)
def test_an_entry_that_cannot_be_used_is_a_row_with_a_sentence(tmp_path, name, sentence):
    rows = unpack(tmp_path, packed([(name, b"x"), ("good.png", b"y")]))
    assert rows.pop("good.png").path.read_bytes() == b"y"
    (row,) = rows.values()
    assert sentence in row.problem and row.name.isprintable()


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        *((name, name) for name in ("a:b.png", "c:up.png", "2026-11-25T12:30:05.png", "ok?.png")),
        *(
            (name, name)
            for name in ("CON.png", "a/lpt1/b.png", "what?.png", "dot./b.png", "nul.png")
        ),
        *((name, name) for name in ('"<|>*".png', "blank /b.png", " .png", "~$a.png", "%41.png")),
        *((name, name) for name in ("裂" * 200 + ".png", "\u202egnp.png", "-rf.png", "=1+1.png")),
        ("plant/hall/line/cell/cam/year/month/day/hour/7.png",) * 2,
        *(("a//b.png", "a/b.png"), (".//./a/./b.png", "a/b.png"), ("a\\\\b.png", "a/b.png")),
    ],
)
def test_what_is_only_odd_as_a_name_is_taken(tmp_path, name, taken):
    """It is stored under another name anyway."""
    rows = unpack(tmp_path, packed([(name, b"x")]))
    assert list(rows) == [taken] and rows[taken].path.read_bytes() == b"x"
    assert rows[taken].path.name == "00000.png"


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    "two", [("a//b.png", "a/b.png"), ("é.png", "e\u0301.png"), ("ß.png", "SS.PNG")]
)
def test_names_that_are_one_to_some_system_are_not_both_taken(tmp_path, two):
    file = tmp_path / "set.zip"
    file.write_bytes(packed([(name, b"x") for name in two]))
    assert ["more than once" in row.problem for row in extract(file, tmp_path / "in")] == [0, 1]


def undeclared(names: list[bytes], data=b"x") -> bytes:
    """A ZIP whose names are these bytes, with no word of their encoding."""
    placeholders = [chr(65 + i) * len(name) for i, name in enumerate(names)]
    found = packed([(name, data) for name in placeholders], zipfile.ZIP_STORED)
    for name, placeholder in zip(names, placeholders, strict=True):
        found = found.replace(placeholder.encode(), name)
    return found


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("gbk", ["裂纹1.png", "裂纹2.png"]),
        ("cp932", ["表面/キズ1.png", "表面/良品.png"]),  # the second byte of 表 is a backslash
        ("cp949", ["정상/1.png", "불량/2.png"]),
        ("utf-8", ["pie\u0300ce.png", "裂纹.png"]),
        ("cp437", ["Oberfläche/Riß 1.png"]),
    ],
)
def test_undeclared_names_are_read_as_their_maker_wrote_them(tmp_path, encoding, names):
    rows = unpack(tmp_path, undeclared([name.encode(encoding) for name in names]))
    assert list(rows) == names


def test_names_that_are_not_what_is_declared_are_a_sentence(tmp_path):
    data = undeclared(["裂纹.png".encode("gbk")])
    for signature, offset in ((b"PK\3\4", 7), (b"PK\1\2", 9)):
        at = data.index(signature) + offset
        data = data[:at] + b"\x08" + data[at + 1 :]
    refused(tmp_path, data, "says that its names are in UTF-8, and one is not")


def test_names_that_are_not_sure_are_shown_as_bytes_with_a_sentence(tmp_path):
    rows = unpack(tmp_path, undeclared([b"\x81.png", b"\x82.png", b"plain.png"]))
    assert list(rows) == ["%81.png", "%82.png", "plain.png", "set.zip"]
    assert rows["set.zip"].problem.startswith("2 names in this archive cannot be read for sure")
    assert all(row.path for name, row in rows.items() if name != "set.zip")


def test_a_name_with_nul_is_not_cut_to_a_harmless_one(tmp_path):
    data = packed([("evil.pngX.png", b"x")]).replace(b"evil.pngX.png", b"evil.png\0.png")
    (row,) = unpack(tmp_path, data).values()
    assert "control characters" in row.problem and "\0" not in row.name


def test_links_pipes_and_devices_are_passed_by(tmp_path):
    entries = []
    for name, kind in (
        ("link.png", stat.S_IFLNK),
        ("pipe.png", stat.S_IFIFO),
        ("file.png", stat.S_IFREG),
    ):
        info = zipfile.ZipInfo(name)
        info.external_attr = (kind | 0o644) << 16
        entries.append((info, b"/etc/passwd"))
    rows = unpack(tmp_path, packed(entries))
    assert "symbolic link" in rows["link.png"].problem
    assert "regular file" in rows["pipe.png"].problem
    assert rows["file.png"].path.is_file() and not rows["file.png"].path.is_symlink()


def test_encrypted_and_oddly_compressed_entries_are_passed_by(tmp_path):
    data = bytearray(packed([("a.png", b"abc")], zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    (row,) = unpack(tmp_path, bytes(data)).values()
    assert "encrypted" in row.problem
    (row,) = unpack(tmp_path, packed([("a.png", b"abc" * 99)], zipfile.ZIP_LZMA)).values()
    assert "ordinary ZIP" in row.problem


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_first_of_two_equal_names_is_used(tmp_path):
    file, into = tmp_path / "set.zip", tmp_path / "in"
    file.write_bytes(packed([("a/B.png", b"1"), ("a/b.PNG", b"2"), ("a/B.png", b"3")]))
    rows = extract(file, into)
    assert [bool(row.problem) for row in rows] == [False, True, True]
    assert "more than once" in rows[1].problem
    assert [p.read_bytes() for p in into.iterdir()] == [b"1"]


def test_one_file_too_large_or_too_well_packed_is_passed_by(tmp_path):
    blank = bytes(3 * MB)
    data = packed([("blank.png", blank), ("small.png", blank[:MB]), ("real.png", noise(2 * MB))])
    rows = unpack(tmp_path, data)
    assert "200 times" in rows["blank.png"].problem
    assert rows["small.png"].path.stat().st_size == MB
    assert rows["real.png"].path.stat().st_size == 2 * MB
    rows = unpack(tmp_path, packed([("a.png", noise(99))]), limits=Limits(single=98))
    assert "99 bytes, the limit is 98" in rows["a.png"].problem


def test_the_archive_as_a_whole_is_bounded(tmp_path):
    data = packed([(f"{i}.png", noise(50, i)) for i in range(20)])
    refused(tmp_path, data, "more than 19 entries", limits=Limits(entries=19))
    refused(tmp_path, data, "unpacks to 1,000 bytes, the limit is 999", limits=Limits(total=999))
    file, exact = tmp_path / "set.zip", Limits(entries=20, total=1000, single=50)
    assert all(row.path for row in extract(file, tmp_path / "in", limits=exact))


def test_an_entry_count_that_lies_does_not_get_past(tmp_path):
    data = bytearray(packed([(f"{i}.png", b"") for i in range(30)]))
    end = data.rindex(b"PK\5\6")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    refused(tmp_path, bytes(data), "more than 29 entries", limits=Limits(entries=29))


def quoting_bomb(files: int) -> bytes:
    """Many entries that share one kernel of data, as Fifield's: every header points at it."""
    one = packed([("a.png", bytes(MB))])
    end = one.rindex(b"PK\5\6")
    start = one.index(b"PK\1\2")
    entry = one[start:end]
    directory = b"".join(entry.replace(b"a.png", b"%05d" % i) for i in range(files))
    record = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, files, files, len(directory), start, 0)
    return one[:start] + directory + record


def test_overlapping_entries_are_refused(tmp_path):
    refused(tmp_path, quoting_bomb(50), "overlap", suffixes=[""])


def test_an_entry_that_is_longer_than_it_says_is_cut_off(tmp_path):
    """The size in both headers is a lie: the check sum, or the count, ends it."""
    data = bytearray(packed([("a.png", bytes(8 * MB))]))
    for signature, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<L", 1000)
    (row,) = unpack(tmp_path, bytes(data)).values()
    assert row.problem == "it is damaged"


def test_a_stream_is_counted_as_it_is_copied(tmp_path):
    target = tmp_path / "a.png"
    assert copy(io.BytesIO(noise(5 * MB)), target, 5 * MB) == 5 * MB
    target.unlink()
    endless = io.BytesIO(noise(5 * MB))
    with pytest.raises(ArchiveError, match="more than 3,145,728 bytes"):
        copy(endless, target, 3 * MB)
    assert endless.tell() <= 4 * MB and list(tmp_path.iterdir()) == []


def test_damage_in_one_entry_leaves_the_others(tmp_path):
    data = packed([("a.png", noise(500)), ("b.png", noise(500, 1))], zipfile.ZIP_STORED)
    at = data.index(b"a.png") + 100
    rows = unpack(tmp_path, data[:at] + b"!!!!" + data[at + 4 :])
    assert rows["a.png"].problem == "it is damaged"
    assert rows["b.png"].path.read_bytes() == noise(500, 1)


@pytest.mark.parametrize(
    "data", [b"", b"PK\3\4", b"no archive", noise(999), packed([("a.png", noise(500))])[:-30]]
)
def test_what_is_no_whole_archive_is_refused(tmp_path, data):
    refused(tmp_path, data, "set.zip is not a ZIP archive")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        extract(tmp_path / "none.zip", tmp_path / "in")


names = st.text(st.sampled_from("ab./\\:\n~ü"), max_size=12).map(lambda s: s + ".png")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(names, st.binary(max_size=80)), max_size=5),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=6),
    st.integers(0, 40),
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_no_bytes_escape_the_folder_or_the_limits(tmp_path_factory, entries, changes, cut):
    data = bytearray(packed(entries))
    for place, value in changes:
        data[place % len(data)] = value
    root = tmp_path_factory.mktemp("fuzz")
    (root / "set.zip").write_bytes(data[: len(data) - cut])
    into = root / "in"
    limits = Limits(entries=4, total=200, single=70)
    try:
        rows = extract(root / "set.zip", into, limits=limits)
    except ArchiveError as error:
        assert "\n" not in str(error)
        assert not into.exists() or list(into.iterdir()) == []
    else:
        assert {p for p in into.rglob("*")} == {row.path for row in rows if row.path}
        sizes = [row.path.stat().st_size for row in rows if row.path]
        assert len(rows) <= 5 and sum(sizes) <= 200 and max(sizes, default=0) <= 70
        assert all("\n" not in row.problem for row in rows)
    assert {p.name for p in root.iterdir()} <= {"set.zip", "in"}


def test_a_disk_that_fails_half_way_leaves_no_file(tmp_path, monkeypatch):
    source = tmp_path / "set.zip"
    with zipfile.ZipFile(source, "w") as archive:
        for name in ("a.png", "b.png"):
            archive.writestr(name, b"x")
    opened = zipfile.ZipFile.open

    def full(self, info, *rest, **more):
        if getattr(info, "filename", info) == "b.png":
            raise OSError(28, "No space left on device")
        return opened(self, info, *rest, **more)

    monkeypatch.setattr(zipfile.ZipFile, "open", full)
    with pytest.raises(OSError, match="No space left"):
        extract(source, tmp_path / "into")
    assert list((tmp_path / "into").iterdir()) == []
