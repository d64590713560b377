"""`ddad pack`, `ddad unpack` and `ddad push`: a checkpoint as one file, and to the Hub."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ddad.commands import options


def add(commands: options.Commands) -> None:
    pack = options.command(commands, "pack", run_pack, "Pack a checkpoint into a ZIP.")
    model = "a checkpoint folder, or the name of a shipped model"
    pack.add_argument("checkpoint", metavar="MODEL", help=model)
    pack.add_argument("zip", type=Path, metavar="ZIP", help="the file to write")
    text = "Open a checkpoint's ZIP, with every check."
    unpack = options.command(commands, "unpack", run_unpack, text)
    unpack.add_argument("zip", type=Path, metavar="ZIP", help="a file that `pack` wrote")
    unpack.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new folder (required)"
    )
    text = "Upload a checkpoint to the Hub; needs HF_TOKEN."
    push = options.command(commands, "push", run_push, text)
    push.add_argument("checkpoint", metavar="MODEL", help=model)
    push.add_argument("repo", metavar="REPO", help="such as name/bottles; made if need be")
    push.add_argument(
        "--public",
        action="store_true",
        help="make it for everyone to see (default: no, private)",
    )


def run_pack(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.package import checkpoint_zip

    print(f"wrote {checkpoint_zip(find_checkpoint(args.checkpoint), args.zip)}")
    return 0


def run_unpack(args: argparse.Namespace) -> int:
    from ddad.model.package import load_checkpoint_zip

    load_checkpoint_zip(args.zip, args.out)
    print(f"wrote {args.out}")
    return 0


def run_push(args: argparse.Namespace) -> int:
    from ddad.model.checkpoint import find_checkpoint
    from ddad.model.package import push

    folder, token = find_checkpoint(args.checkpoint), os.environ.get("HF_TOKEN")
    print(push(folder, args.repo, token, private=not args.public))
    return 0
