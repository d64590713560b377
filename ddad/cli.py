"""The command line: its parser and exit codes. Each command is a module of `ddad.commands`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ddad import __version__
from ddad.commands import (
    calibrate,
    check,
    evaluate,
    nll,
    package,
    restore,
    score,
    train,
    watch,
)
from ddad.model.allocator import keep_freed_memory

COMMANDS = (train, check, calibrate, score, restore, watch, package, evaluate, nll)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code: 0 done, 1 some images failed, 2 usage or configuration, 130 interrupted."""
    args = parser().parse_args(argv)
    keep_freed_memory()
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        resumes = "; the same command goes on from the last save" if args.command == "train" else ""
        print(f"\nstopped{resumes}", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"ddad {args.command}: {error}", file=sys.stderr)
        return 2


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
