from __future__ import annotations

import pytest

from ddad.work.addresses import copy, is_address, pictures_at

pytest.importorskip("pyarrow", reason="addresses need the extra `ray`")


def test_copies_go_both_ways_and_are_whole_or_not_there(tmp_path):
    (tmp_path / "a.bin").write_bytes(b"x" * (3 << 20))
    copy(str(tmp_path / "a.bin"), f"file://{tmp_path}/deep/b.bin")
    copy(f"file://{tmp_path}/deep/b.bin", str(tmp_path / "here" / "c.bin"))
    assert (tmp_path / "here" / "c.bin").read_bytes() == b"x" * (3 << 20)
    with pytest.raises(OSError):
        copy(f"file://{tmp_path}/none", str(tmp_path / "here" / "d.bin"))
    assert [p.name for p in (tmp_path / "here").iterdir()] == ["c.bin"]


def test_pictures_at_an_address_keep_their_path_below_it(tmp_path):
    for name in ("b/x.png", "a.JPG", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    address = f"file://{tmp_path}"
    found = [(f"{address}/a.JPG", "a.JPG"), (f"{address}/b/x.png", "b/x.png")]
    assert list(pictures_at(address)) == found
    assert list(pictures_at(f"{address}/b/x.png")) == [(f"{address}/b/x.png", "x")]
    assert is_address(address) and not is_address(str(tmp_path))


def test_wrong_addresses_are_a_sentence(tmp_path):
    with pytest.raises(ValueError, match="no address"):
        list(pictures_at("nowhere://x/y"))
    with pytest.raises(ValueError, match="nothing at"):
        list(pictures_at(f"file://{tmp_path}/none"))
