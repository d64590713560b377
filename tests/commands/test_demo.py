from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import urllib.request

from parts import ROOT

from ddad.cli import main


def test_it_opens_the_page_of_given_models_at_a_given_port(tmp_path):
    command = [sys.executable, "-m", "ddad", "demo", "--no-browser", "--port", "7893"]
    command += ["--checkpoints", ROOT / "checkpoints", "--work", tmp_path / "work"]
    child = subprocess.Popen(
        [*map(str, command)],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said = next(found for line in child.stdout if (found := re.search(r"http://\S+", line)))
        assert said[0].startswith("http://127.0.0.1:7893")
        with urllib.request.urlopen(said[0], timeout=30) as answer:
            assert b"where is it defective" in answer.read()
        assert (tmp_path / "work").is_dir()
    finally:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=30)


def test_what_is_missing_is_said_in_a_sentence(tmp_path, capsys, monkeypatch):
    assert main(["demo", "--checkpoints", str(tmp_path / "none")]) == 2
    assert "no folder of models at" in capsys.readouterr().err
    there = importlib.util.find_spec
    absent = lambda name: None if name == "gradio" else there(name)  # noqa: E731
    monkeypatch.setattr(importlib.util, "find_spec", absent)
    assert main(["demo"]) == 2
    assert 'pip install "ddad[demo]"' in capsys.readouterr().err
