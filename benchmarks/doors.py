"""Doors that `benchmarks.hostile` has not: watch, import, model ZIPs, MCP, events, slow senders.

    python -m benchmarks.doors [--doors watch import model mcp events slow]

The same bad files and archives go through each. Exit code 1 where something crashed, hung, said two
things or left a traceback in the app's log. MCP needs the extra `mcp`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks import corpus
from benchmarks.hostile import ROOT, Tally, model, served
from benchmarks.visit import API, Refused, Visit

JUNK = (None, 5, -1.5, "x", [], [1], {}, {"a": 1}, True, "~" * 50, [["a"]], {"path": "/etc/passwd"})
EVENTS = (
    None,
    5,
    "x",
    {},
    {"item": 5},
    {"pairs": [{}]},
    {"threshold": "a"},
    {"files": 3},
    {"_data": {"a": 1}},
)
SLOW = 200
"""Connections that send one byte a second."""


def watch(tally: Tally, made: Path, whole: Path) -> None:
    """All bad files in a folder that is watched, twice: no crash, and each file ends with a row."""
    folder = made / "watched"
    for file in corpus.images(folder):
        if file.is_symlink() or not file.is_file():
            shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    command = [sys.executable, "-m", "ddad", "watch", str(folder), "--once", "--every", "0.2"]
    command += ["--checkpoint", str(whole), "--out", str(made / "watch-out")]
    for _ in range(2):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
        if done.returncode not in (0, 1) or "Traceback" in done.stderr:
            tally.wrong.append(f"watch: exit code {done.returncode}, {done.stderr[-300:]!r}")
    rows = (made / "watch-out" / "scores.csv").read_text("utf-8-sig").splitlines()
    tally.counts["watch", "accepted"] += len([r for r in rows[1:] if ",,," not in r])
    tally.counts["watch", "refused"] += len(rows) - 1 - tally.counts["watch", "accepted"]


def imports(tally: Tally, visit: Visit, files: list[Path], zips: list[Path]) -> None:
    """Files and archives into Many and into Train: taken, or refused in the page's box."""

    def bring(name: str, file: Path) -> None:
        given = visit.upload(file)
        if name == "add":
            values = visit.do("add", None, given)
        else:
            values = visit.do("bring_in_turns", given, "truth", "waves", None)
        said = json.dumps(values)
        if "Traceback" in said or "/sessions/" in said:
            raise RuntimeError(said[:300])

    for file in [*zips, *(f for f in files if f.is_file() and not f.is_symlink())]:
        for name in ("add", "many"):
            call = partial(bring, name, file)
            refusals = (Refused, httpx.HTTPStatusError)
            tally.judge(f"import: {name}", file.name, call, refusals, 240)


def models(tally: Tally, visit: Visit, whole: Path, made: Path, zips: list[Path]) -> None:
    """ZIPs of spoilt models, and archives that hold none."""

    def bring(file: Path) -> None:
        values = visit.do("bring", None, visit.upload(file)[0], None)
        if "That did not work" in json.dumps(values):
            raise Refused(str(values[0]))

    packed = []
    for broken in corpus.checkpoints(whole, made / "spoilt"):
        path = made / "spoilt-zips" / f"{broken.name}.zip"
        path.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for file in broken.rglob("*"):
                if file.is_file():
                    archive.write(file, file.relative_to(broken).as_posix())
        packed.append(path)
    for file in [*packed, *zips]:
        tally.judge("model ZIP", file.name, partial(bring, file), Refused)


def events(tally: Tally, visit: Visit) -> None:
    """Malformed events of the page: answered, whatever was sent."""
    rng = random.Random(0)
    for name, event in list(visit.events.items()):
        for turn in range(4):
            data = [rng.choice(JUNK) for _ in event["inputs"]]
            call = partial(visit.do, name, *data, event=rng.choice(EVENTS))
            if event.get("backend_fn", True) and name:
                refusals = (Refused, httpx.HTTPStatusError)
                tally.judge("event", f"{name} {turn}", lambda c=call: c() and None, refusals)
    halves = b'{"data": ["\\ud800"], "fn_index": 1, "session_hash": "a"}'
    typed = {"content-type": "application/json"}
    for path in ("queue/join", "component_server", "call/score", "run/score"):
        answer = visit.http.post(f"{API}/{path}", content=halves, headers=typed)
        tally.counts["halves of characters", "refused"] += answer.status_code == 400
        if answer.status_code != 400:
            tally.wrong.append(f"{path} took halves of characters: {answer.status_code}")


def tools(tally: Tally, url: str, photograph: Path) -> None:
    """The MCP tools with arguments that no client should send, and bodies that are none."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    data = base64.b64encode(photograph.read_bytes()).decode()
    image = f"data:image/png;base64,{data}"
    wrong: list[dict[str, Any]] = [
        *({}, {"image": None}, {"image": 5}, {"image": "x"}, {"image": "file:///etc/passwd"}),
        *({"image": "http://127.0.0.1:1/x.png"}, {"image": "http://169.254.169.254/"}),
        *({"image": "data:image/png;base64,AAAA"}, {"image": "data:image/png;base64,%%%"}),
        *({"image": image, "model": m} for m in ("", "..", "/etc", None, 3, [], "<b>")),
        *({"image": image, "threshold": t} for t in ("x", "nan", 1e400, [], {}, "1" * 5000)),
        {"image": image, "more": 1},
    ]

    async def ask() -> None:
        async with (
            streamable_http_client(f"{url}{API}/mcp/") as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            names = [tool.name for tool in (await session.list_tools()).tools]
            for name in names:
                for arguments in wrong:
                    answer = await asyncio.wait_for(session.call_tool(name, arguments), 60)
                    said = " ".join(getattr(part, "text", "") for part in answer.content)
                    tally.counts["MCP", "refused" if answer.isError else "accepted"] += 1
                    if "Traceback" in said or "root:" in said:
                        tally.wrong.append(f"MCP {name} {str(arguments)[:60]}: {said[:200]}")

    asyncio.run(ask())
    head = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    for body in (b"", b"{", b"[" * 50_000, b"null", b"[]", b'{"jsonrpc": "2.0"}', b"\xff"):
        answer = httpx.post(f"{url}{API}/mcp/", content=body, headers=head, timeout=60)
        tally.counts["MCP bodies", "refused" if answer.status_code >= 400 else "accepted"] += 1


def slow(tally: Tally, url: str, process: psutil.Process) -> None:
    """Many connections that send a byte a second: does anyone else wait?"""
    host, port = url.removeprefix("http://").split(":")
    before, waits = process.memory_info().rss, []
    held = []
    for number in range(SLOW):
        each = socket.create_connection((host, int(port)))
        path = ("/gradio_api/component_server", "/gradio_api/upload")[number % 2]
        each.sendall(f"POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-length: 90000\r\n".encode())
        if number % 3:
            each.sendall(b"\r\n")  # the others do not even end their headers
        held.append(each)
    for _ in range(30):
        for each in held:
            try:
                each.send(b"x")
            except OSError:
                continue  # it was given up
        since = time.monotonic()
        httpx.get(url, headers={"x-forwarded-for": "10.5.5.5"}, timeout=20).raise_for_status()
        waits.append(time.monotonic() - since)
        time.sleep(1)
    given_up = 0
    for each in held:
        each.setblocking(False)
        try:
            given_up += bool(each.recv(64) is not None)
        except OSError:
            continue
        finally:
            each.close()
    grown = (process.memory_info().rss - before) / 2**20
    print(
        f"slow: {SLOW} connections for {len(waits)} s, {given_up} given up; the page comes after "
        f"{max(waits):.2f} s at most, memory grew by {grown:.0f} MB"
    )
    if max(waits) > 2 or grown > 200:
        tally.wrong.append("slow senders keep others waiting, or take memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = ("watch", "import", "model", "events", "mcp", "slow")
    parser.add_argument("--doors", nargs="+", choices=names, default=names)
    parser.add_argument("--out", type=Path, default=Path("runs/hostile"))
    args = parser.parse_args()
    tally, started = Tally(), time.monotonic()
    whole = model(args.out.resolve())
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        files, zips = corpus.images(made / "images"), corpus.archives(made / "archives")
        print(f"{len(files)} files, {len(zips)} archives")
        if "watch" in args.doors:
            watch(tally, made, whole)
        with served(whole.parent, made / "server", DDAD_PROXY="*", DDAD_MCP="1") as (
            url,
            process,
            log,
        ):
            visit = Visit(url, "10.4.0.1")
            whom: dict[str, Callable[[], None]] = {
                "import": lambda: imports(tally, visit, files, zips),
                "model": lambda: models(tally, visit, whole, made, zips),
                "events": lambda: events(tally, Visit(url, "10.4.0.2")),
                "mcp": lambda: tools(tally, url, files[0].with_name("tail.png")),
                "slow": lambda: slow(tally, url, process),
            }
            for door in args.doors:
                if door in whom:
                    whom[door]()
            peak = process.memory_info().rss / 2**20
            print(f"page: {peak:.0f} MB after all of it")
            parts = log.read_text().split("Traceback")[1:]
            tally.wrong += [f"the log has {part[-600:]}" for part in parts[:5]]
    for route in dict.fromkeys(route for route, _ in tally.counts):
        counts = (tally.counts[route, "accepted"], tally.counts[route, "refused"])
        print(f"{route:20} {sum(counts):4} inputs: {counts[0]} accepted, {counts[1]} refused")
    print(f"{time.monotonic() - started:.0f} s")
    print(*(tally.wrong or ["nothing crashed, hung or said more than one sentence"]), sep="\n")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
