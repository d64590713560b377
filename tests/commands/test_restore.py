from __future__ import annotations

from ddad.cli import main


def test_bad_files_and_bad_settings_are_told_before_any_work(tiny_checkpoint, tmp_path, capsys):
    bad, out = tmp_path / "bad.png", tmp_path / "out"
    bad.write_bytes(b"")
    base = ["restore", str(bad), "--checkpoint", str(tiny_checkpoint), "--out", str(out)]
    for wrong, sentence in (
        (["--method", "magic"], "no method 'magic'"),
        (["--energy", "love"], "no energy 'love'"),
        (["--start", "end"], "no start 'end'"),
    ):
        assert main([*base, *wrong]) == 2
        said = capsys.readouterr().err
        assert said.startswith("ddad restore: ") and sentence in said and not out.exists()
    assert main([*base, "--method", "one-step"]) == 1
    said = capsys.readouterr()
    assert said.out == f"0 of 1 images restored: {out}/restorations.csv\n"
    assert "bad.png is empty" in said.err
