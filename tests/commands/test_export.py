from __future__ import annotations

import builtins

from parts import ROOT

from ddad.cli import main

EXAMPLE = ROOT / "checkpoints" / "cookie" / "examples" / "1_good.png"


def test_a_graph_with_what_runs_it(tmp_path, capsys):
    out = tmp_path / "graph"
    command = ["export", "--checkpoint", "cookie", "--like", str(EXAMPLE), "--out", str(out)]
    assert main(command) == 0
    assert {file.name for file in out.iterdir()} == {"model.onnx", "model.json", "score.py"}
    assert "onnxruntime alone" in capsys.readouterr().out


def test_without_the_extra_it_says_which(tmp_path, capsys, monkeypatch):
    there = builtins.__import__

    def absent(name, *rest):
        if name.startswith("onnx"):
            raise ImportError(name)
        return there(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    command = ["export", "--checkpoint", "cookie", "--like", str(EXAMPLE)]
    assert main([*command, "--out", str(tmp_path / "x")]) == 2
    assert 'pip install "ddad[export]"' in capsys.readouterr().err
    assert not (tmp_path / "x").exists()
