"""Open the page in the browser."""

from __future__ import annotations

import argparse
import importlib.util
import os
import runpy
import sys
from pathlib import Path

from ddad import PAGE
from ddad.commands import options


def add(commands: options.Commands) -> None:
    parser = options.command(commands, "demo", run, __doc__)
    parser.add_argument(
        "--port",
        type=options.port,
        metavar="N",
        help="number of the port that the page answers at (default: 7860, or a free one after it)",
    )
    parser.add_argument(
        "--host",
        metavar="ADDRESS",
        help="address that the page listens at; 0.0.0.0 lets others in, see SECURITY.md "
        "(default: 127.0.0.1)",
    )
    parser.add_argument(
        "--checkpoints",
        type=Path,
        metavar="DIR",
        help="folder of the models that are offered (default: those that come with the project)",
    )
    parser.add_argument(
        "--work",
        type=Path,
        metavar="DIR",
        help="folder in which visitors' work is kept (default: work, here)",
    )
    parser.add_argument(
        "--no-browser",
        action="store_true",
        help="open no browser, print the address alone (default: no, open it)",
    )


def run(args: argparse.Namespace) -> int:
    """As `python app.py`, whose settings are in the environment."""
    if not importlib.util.find_spec("gradio") or not importlib.util.find_spec("peewee"):
        raise ValueError('the page needs the extra: pip install "ddad[demo]"')
    if args.checkpoints is not None and not args.checkpoints.is_dir():
        raise ValueError(f"no folder of models at {args.checkpoints}")
    settings = {
        "GRADIO_SERVER_PORT": args.port,
        "GRADIO_SERVER_NAME": args.host,
        "DDAD_CHECKPOINTS": args.checkpoints,
        "DDAD_WORK": args.work,
        "DDAD_BROWSER": None if args.no_browser else 1,
    }
    os.environ.update({name: str(value) for name, value in settings.items() if value is not None})
    sys.path.insert(0, str(PAGE))  # `demo` is a name that is the page's own process's alone
    runpy.run_path(str(PAGE / "app.py"), run_name="__main__")
    return 0
