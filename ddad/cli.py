"""The command line: its parser and exit codes. Each command is a module of `ddad.commands`."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from ddad import __version__
from ddad.commands import (
    calibrate,
    check,
    demo,
    evaluate,
    export,
    nll,
    package,
    restore,
    score,
    train,
    watch,
)
from ddad.model.allocator import keep_freed_memory

COMMANDS = (demo, train, check, calibrate, score, restore, watch, package, export, evaluate, nll)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 some images failed, 2 usage or configuration, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a file name may be what no terminal can show
            stream.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    keep_freed_memory()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        resumes = "; the same command goes on from the last save" if args.command == "train" else ""
        print(f"\nstopped{resumes}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read what is printed has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError) as error:
        print(f"ddad {args.command}: {_sentence(error)}", file=sys.stderr)
        return 2


def _sentence(error: ValueError | OSError) -> str:
    """One line, without the system's number of an error."""
    text = str(error)
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(text.splitlines())


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; what is parsed has `run`, which is given it."""
    whole = argparse.ArgumentParser(
        prog="ddad", description="Defect maps from denoising diffusion, trained on good parts only."
    )
    whole.add_argument("--version", action="version", version=__version__)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add(commands)
    return whole
