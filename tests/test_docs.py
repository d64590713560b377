"""The documents name what is there: files, links, options, commands, settings, figures."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys

import pytest
from parts import ROOT

from ddad.cli import parser

PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("checkpoints/*/README.md")],
    key=str,
)
NOW = [page for page in PAGES if page.name not in ("CHANGELOG.md", "LOG.md")]
"""Those that say how it is, not how it was."""
ELSEWHERE = {
    *(
        "--check",
        "--test",
        "--system",
        "--home",
        "--nginx",
        "--now",
        "--head",
        "--port",
        "--address",
        "--memory",
    ),
    *("--require-hashes", "--from", "--dist", "--version", "--help", "--universal"),
    *("--python-version", "--generate-hashes", "--no-emit-package", "--index-url"),
    *("--multi_gpu", "--num_processes", "--num_machines", "--mixed_precision", "--dynamo_backend"),
}
"""Options of other programs that the documents show."""


def text_of(page):
    return page.read_text("utf-8")


def options_of_ours():
    found = set()
    (commands,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for command in commands.choices.values():
        found |= {option for action in command._actions for option in action.option_strings}
    for path in (*ROOT.glob("benchmarks/*.py"), ROOT / "ddad/export/runner.py"):
        found |= set(re.findall(r"add_argument\(\s*\"(--[\w-]+)\"", path.read_text()))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if not re.match(r"[a-z]+:|#", target):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("page", NOW, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_file_that_is_named_is_there(page):
    tops = "ddad|demo|benchmarks|tests|deploy|docs|checkpoints"
    for name in re.findall(rf"`((?:{tops})/[\w./-]+)`", text_of(page)):
        assert (ROOT / name).exists() or name.startswith("docs/api"), name
    for name in re.findall(r"`((?:ddad|demo|benchmarks)(?:\.\w+)+)`", text_of(page)):
        if name.endswith(".json"):
            continue
        parts = name.split(".")
        while parts and not any(
            (ROOT / "/".join(parts)).with_suffix(s).exists() for s in ("", ".py")
        ):
            parts.pop()
        assert len(parts) > 1, name
        rest = name.split(".")[len(parts) :]
        if rest:  # a name inside of a module or folder
            file = (ROOT / "/".join(parts)).with_suffix(".py")
            inside = [file] if file.exists() else (ROOT / "/".join(parts)).glob("*.py")
            assert any(re.search(rf"\b{rest[0]}\b", f.read_text()) for f in inside), name


@pytest.mark.parametrize("page", NOW, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_command_and_option_exists(page):
    text = text_of(page)
    for name in re.findall(r"python -m (benchmarks\.\w+|demo\.\w+|ddad)\b", text):
        path = ROOT / name.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").exists(), name
    words = {word for word in re.findall(r"(?<![\w-])(--[a-z][\w-]+)", text)}
    assert not words - options_of_ours() - ELSEWHERE
    (commands,) = [a for a in parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for command in re.findall(
        r"(?:python -m ddad|(?<=`)ddad|^ddad|&& ddad) (\w+)", text, re.MULTILINE
    ):
        assert command in commands.choices, command


def test_every_setting_of_the_environment_is_in_the_documents_and_in_the_code():
    said = {name for page in NOW for name in re.findall(r"\bDDAD_[A-Z_]+\b", text_of(page))}
    read = set()
    for path in (ROOT / "app.py", *ROOT.glob("ddad/**/*.py"), *ROOT.glob("demo/**/*.py")):
        read |= set(re.findall(r"\"(DDAD_[A-Z_]+)\"", path.read_text()))
    tests = {"DDAD_DATA"}
    assert said - tests == read


def test_every_document_is_led_to_from_the_readme():
    readme = text_of(ROOT / "README.md")
    for page in ROOT.glob("docs/*.md"):
        assert f"docs/{page.name}" in readme, page.name


def test_the_docstrings_are_rendered_by_the_command_that_is_shown(tmp_path):
    (command,) = re.findall(
        r"^\.venv/bin/(python -m pdoc .+)$", text_of(ROOT / "CONTRIBUTING.md"), re.M
    )
    command = command.replace("python", sys.executable, 1).replace("docs/api", str(tmp_path))
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for folder in ("data", "diffusion", "export", "images", "measure", "model", "score", "work"):
        assert (tmp_path / "ddad" / f"{folder}.html").exists()
    page = (tmp_path / "ddad.html").read_text()
    assert 'id="Detector.detect"' in page and 'id="fit"' in page and "Hershey" not in page
