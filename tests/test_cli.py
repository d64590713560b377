from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from parts import ROOT

from ddad import __version__
from ddad.cli import COMMANDS, main, parser
from ddad.commands.train import PIXEL_FLAGS
from ddad.score.config import RestoreConfig, ScoreConfig
from ddad.training.run import PRESETS, TrainConfig


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
        *("demo", "train", "check", "calibrate", "score", "restore", "watch"),
        *("pack", "unpack", "push", "export", "evaluate", "nll"),
    ]


def test_a_wrong_word_and_the_version(capsys):
    for words, code in ((["paint"], 2), ([], 2), (["--version"], 0)):
        with pytest.raises(SystemExit) as ended:
            main(words)
        assert ended.value.code == code
    assert capsys.readouterr().out.strip() == __version__


def every_option():
    (commands,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        for action in command._actions:
            if action.dest != "help":
                yield pytest.param(name, action, id=f"{name} {action.dest}")


UNITS = re.compile(
    r"seconds|minutes|pixels|megapixels|images|steps|share|rate|number|evaluations|decay"
    r"|factor|scales|at most so many",
    re.IGNORECASE,
)
CONFIGS = {
    "train": (TrainConfig, ScoreConfig),
    "restore": (RestoreConfig,),
}


@pytest.mark.parametrize(("command", "action"), [*every_option()])
def test_every_option_says_what_it_does_its_unit_and_its_default(command, action):
    text = (action.help or "") % vars(action)
    assert len(text.split()) >= 3 and "override" not in text
    if not action.option_strings:
        return
    if action.required:
        assert "(required)" in text and "default" not in text
        return
    assert (said := re.search(r"\(default: (.+)\)$", text)), text
    if action.default not in (None, False):
        assert said[1] == str(action.default)
    if action.nargs != 0 and action.type not in (None, str, Path):
        assert UNITS.search(text) or "whole number" in text, text
    settings = {f.name: f.default for kind in CONFIGS.get(command, ()) for f in fields(kind)}
    if action.dest in settings and action.dest not in PIXEL_FLAGS and action.nargs != 0:
        value = settings[action.dest]
        assert said[1] == (",".join(map(str, value)) if isinstance(value, tuple) else str(value))


@pytest.mark.parametrize("field", PIXEL_FLAGS)
def test_defaults_of_the_presets_are_those_that_help_states(field):
    kind, _, _, defaults = PIXEL_FLAGS[field]
    stated = dict(zip(("tiny", "cpu", "gpu"), map(kind, defaults.split()), strict=True))
    assert stated == {name: getattr(preset, field) for name, preset in PRESETS.items()}


def test_every_field_of_a_training_has_its_flag_and_its_group(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out
    groups = [said.index(f"\n{name}:") for name in ("what to train", "pixel branch", "scores")]
    assert sorted(groups) == groups and groups[-1] < said.index("\ncalibration:")
    flags = set(re.findall(r"^  --([\w-]+)", said, re.MULTILINE))
    own = {field.name.replace("_", "-") for field in fields(TrainConfig)}
    assert own - flags == {"weight-decay", "clip"}  # nobody has wanted to turn these


def test_a_mistake_is_one_sentence_without_numbers_of_the_system(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "in").mkdir()
    for command, sentence in (
        (
            ["score", str(tmp_path / "no\nthing"), "--checkpoint", "cookie"],
            "no such file or folder",
        ),
        (["score", str(tmp_path), "--checkpoint", "Cokie"], r"did you mean cookie\?"),
        (["score", str(tmp_path), "--checkpoint", str(tmp_path / "file")], "`unpack` opens"),
        (["watch", str(tmp_path / "file"), "--checkpoint", "cookie"], "it is a file"),
        (["watch", str(tmp_path / "none"), "--checkpoint", "cookie"], "no folder at"),
        (["restore", str(tmp_path), "--checkpoint", "Brik"], r"did you mean brick\?"),
        (["evaluate", str(tmp_path / "file"), "--checkpoint", "cookie"], "is a file"),
        (["train", str(tmp_path / "none")], "is not there"),
        (["train", str(tmp_path / "file")], "is a file, not a folder"),
    ):
        (tmp_path / "in" / "a.png").write_bytes(b"x")
        assert main([*command, "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert re.search(sentence, said) and said.count("\n") == 1 and "[Errno" not in said
        assert said.startswith(f"ddad {command[0]}: ")


@pytest.mark.parametrize("command", ["score", "watch", "restore", "train", "evaluate", "calibrate"])
def test_a_file_where_a_folder_is_to_be_written_is_told(command, tree, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    words = [command, str(tree), "--out", str(tmp_path / "file")]
    words += [] if command == "train" else ["--checkpoint", "cookie"]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "is a file: give a folder" in said and (tmp_path / "file").read_text() == "kept"


def test_a_training_is_not_written_among_its_photographs(tree, capsys):
    assert main(["train", str(tree), "--out", str(tree / "model")]) == 2
    assert "would be read as photographs" in capsys.readouterr().err
    assert not (tree / "model" / "ddad.json").exists()


def test_who_stops_reading_ends_the_command(tmp_path):
    """As `ddad ... | head -1` does."""
    command = [sys.executable, "-u", "-m", "ddad", "train", "data", "--dry-run"]
    read, written = os.pipe()
    os.close(read)
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path / "out")],
        cwd=ROOT,
        stdout=written,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(written)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and said == ""
