from __future__ import annotations

import re
import subprocess
import sys

import pytest
from parts import ROOT

from ddad import __version__
from ddad.cli import COMMANDS, main


def test_help_is_fast_because_nothing_heavy_is_imported():
    code = (
        "import sys, ddad.cli\n"
        "heavy = {'torch', 'gradio', 'diffusers', 'skimage', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "ddad.cli.main(['--help'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("train", "calibrate", "score", "restore", "evaluate", "nll"):
        assert command in done.stdout


def test_every_module_of_commands_is_on_the_command_line(capsys):
    modules = {path.stem for path in ROOT.glob("ddad/commands/*.py")} - {"__init__", "options"}
    assert {module.__name__.split(".")[-1] for module in COMMANDS} == modules
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = re.findall(r"^    (\w+)\b", capsys.readouterr().out, re.MULTILINE)
    assert listed == [
        *("train", "check", "calibrate", "score", "restore", "watch"),
        *("pack", "unpack", "push", "evaluate", "nll"),
    ]


def test_a_wrong_word_and_the_version(capsys):
    for words, code in ((["paint"], 2), ([], 2), (["--version"], 0)):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == code
    assert capsys.readouterr().out.strip() == __version__
