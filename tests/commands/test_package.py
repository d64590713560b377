from __future__ import annotations

from ddad.cli import main


def test_what_was_packed_is_unpacked_and_nothing_is_written_over(tiny_checkpoint, tmp_path, capsys):
    packed, opened = tmp_path / "a.zip", tmp_path / "b"
    assert main(["pack", str(tiny_checkpoint), str(packed)]) == 0
    assert main(["unpack", str(packed), "--out", str(opened)]) == 0
    assert capsys.readouterr().out == f"wrote {packed}\nwrote {opened}\n"
    name = "calibration.json"
    assert (opened / name).read_bytes() == (tiny_checkpoint / name).read_bytes()
    assert main(["unpack", str(packed), "--out", str(opened)]) == 2
    assert capsys.readouterr().err.startswith("ddad unpack: ")
