"""Bad inputs through library, command line and page: nothing may crash, hang, or say two things.

    python -m benchmarks.hostile [--out runs/hostile] [--routes library cli page]

Exit code 1 where something did. A refusal counts as right when it is one short sentence; a hang
(a minute for one input) ends the run with a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks import corpus
from benchmarks.timing import memory

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 700
"""Characters of a refusal, most of which a file name of 255 bytes may take."""
INNER = ("torch.", "Tensor", "numpy", "NoneType", "has no attribute", "Traceback")
"""Words that no visitor should read: a library's own complaint, not a sentence of ours."""
CHATTER = ("tempfile.tif:",)
"""Lines that libtiff itself prints."""


class Tally:
    """Outcomes by route, and what went wrong."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.wrong: list[str] = []

    def judge(
        self, route: str, name: str, call: Callable[[], Any], refusals: Any, hangs: float = 60
    ) -> None:
        """Run one case: fine when it returns, or raises a refusal of one sentence, in time."""
        faulthandler.dump_traceback_later(hangs, exit=True)
        try:
            call()
            self.counts[route, "accepted"] += 1
        except refusals as error:
            self.counts[route, "refused"] += 1
            self.sentence(route, name, str(error))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            self.wrong.append(f"{route}: {name!r} raised {error!r:.300}")
        finally:
            faulthandler.cancel_dump_traceback_later()

    def sentence(self, route: str, name: str, text: str) -> None:
        inner = any(word in text for word in INNER)
        if not text or "\n" in text or len(text) > LONGEST or inner:
            self.wrong.append(f"{route}: {name!r} said {text!r:.300}")


def model(out: Path) -> Path:
    """A small feature model of the corpus's own picture, made once: cheap to score with."""
    from ddad.diffusion.extractor import Extractor
    from ddad.model.checkpoint import BUNDLED
    from ddad.score.config import ScoreConfig
    from ddad.training.fit import Vectors, cross_fit, cross_fitted

    path = out / "models" / "waves"
    if not (path / "ddad.json").exists():
        normals = [corpus.picture(seed) for seed in range(6)]
        config = ScoreConfig(feature_size=64, feature_timesteps=(100, 400))
        groups = [str(i) for i in range(6)]
        vectors = Vectors.of(normals, Extractor.load(BUNDLED), config)
        raw = {index: maps for index, _, maps in cross_fit(vectors, normals, groups)}
        cross_fitted(vectors, raw, groups, 0.2).save(path)
    return path


def library(tally: Tally, files: list[Path], zips: list[Path], whole: Path, out: Path) -> None:
    from ddad.data.archive import ArchiveError, extract
    from ddad.images.decode import ImageError, load_image
    from ddad.images.masks import load_mask
    from ddad.model.checkpoint import CheckpointError
    from ddad.model.detector import Detector

    for file in files:
        tally.judge("load_image", file.name, lambda file=file: load_image(file), ImageError)
        tally.judge("load_mask", file.name, lambda file=file: load_mask(file), ImageError)
    for file in zips:
        into = out / "unpacked" / file.stem
        tally.judge("extract", file.name, lambda f=file, i=into: extract(f, i), ArchiveError)
        inside = {p.resolve() for p in into.rglob("*")}
        if not all(p.is_relative_to(into.resolve()) for p in inside):
            tally.wrong.append(f"extract: {file.name} left its folder")
    if any(path.exists() for path in (out / "up.png", Path("/etc/up.png"), Path("/up.png"))):
        tally.wrong.append("extract: a file climbed out")
    for broken in corpus.checkpoints(whole, out / "broken"):
        tally.judge(
            "Detector.load", broken.name, lambda b=broken: Detector.load(b), CheckpointError
        )


def command_line(tally: Tally, files: list[Path], whole: Path, out: Path) -> None:
    """Each file alone through `main`, in this process; then all in one process of its own."""
    from ddad.cli import main

    def run(argv: list[str], codes: tuple[int, ...]) -> None:
        said, printed = io.StringIO(), io.StringIO()
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed):
            code = main(argv)
        lines = [line for line in said.getvalue().splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith(("scoring", "\r"))]
        if code not in codes or (code and len(lines) != 1):
            raise RuntimeError(f"exit code {code}: {said.getvalue()[-300:]!r}")
        if code:
            raise ValueError(lines[0])

    for index, file in enumerate(files):
        argv = ["score", "--checkpoint", str(whole), "--out", str(out / "cli" / str(index)), "--"]
        tally.judge(
            "score FILE", file.name, lambda a=[*argv, str(file)]: run(a, (0, 1, 2)), ValueError
        )
    for broken in corpus.checkpoints(whole, out / "broken"):
        argv = [
            "score",
            str(files[0]),
            "--out",
            str(out / "cli" / "x"),
            "--checkpoint",
            str(broken),
        ]
        tally.judge("--checkpoint", broken.name, lambda a=argv: run(a, (0, 1, 2)), ValueError)
    command = [
        sys.executable,
        "-m",
        "ddad",
        "score",
        str(files[0].parent),
        "--out",
        str(out / "all"),
    ]
    done = subprocess.run(
        [*command, "--checkpoint", str(whole)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=900,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith(CHATTER)]
    if done.returncode != 1 or "Traceback" in done.stderr:
        tally.wrong.append(f"score FOLDER: exit code {done.returncode}, {lines[-1:]!r:.300}")
    tally.counts["score FOLDER", "refused"] += len([line for line in lines if line.strip()])


@contextlib.contextmanager
def served(models: Path, folder: Path, **more: str) -> Iterator[tuple[str, psutil.Process, Path]]:
    """The real app in a process of its own: its address, its process, its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "DDAD_CHECKPOINTS": str(models),
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "DDAD_WORK": str(folder / "work"),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
        "TMPDIR": str(folder),
        **more,
    }
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=file, stderr=file
        )
    url, deadline = f"http://127.0.0.1:{port}", time.monotonic() + 120
    try:
        while True:
            try:
                urllib.request.urlopen(url, timeout=2).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the app did not start: {log.read_text()[-2000:]}") from None
                time.sleep(0.2)
        yield url, psutil.Process(process.pid), log
    finally:
        process.terminate()
        process.wait(30)


def page(tally: Tally, files: list[Path], whole: Path, out: Path) -> None:
    from gradio_client import Client, handle_file
    from gradio_client.exceptions import AppError

    with served(whole.parent, out / "server") as (url, process, log):
        client = Client(url, verbose=False, download_files=False)
        warm = handle_file(str(files[0].with_name("tail.png")))
        client.predict(warm, whole.name, None, api_name="/score")  # the models load meanwhile

        def score(image: Any, model: Any = whole.name, threshold: Any = None) -> None:
            client.submit(image, model, threshold, api_name="/score").result(timeout=50)

        upright = [f for f in files if f.is_file() and not f.is_symlink()]
        for file in upright:
            # The client itself names uploads by their path: a plain name for what it cannot say.
            try:
                given = handle_file(str(file))
            except (ValueError, UnicodeError):
                continue
            tally.judge("/score", file.name, lambda g=given: score(g), (AppError, ValueError))
        good = handle_file(str(upright[0].with_name("tail.png")))
        for bad in (
            "",
            "..",
            "../waves",
            "/etc",
            "a" * 10_000,
            "<b>",
            "\0",
            "waves\n",
            None,
            3,
            [],
            {},
        ):
            tally.judge("/score model", repr(bad)[:40], lambda b=bad: score(good, b), AppError)
        refusals = (AppError, ValueError)
        for bad in ("x", "nan", 1e400, -1e400, [], {}, True, "1" * 5000):
            call = partial(score, good, whole.name, bad)
            tally.judge("/score threshold", repr(bad)[:40], call, refusals)
        for text in _bodies():
            tally.judge("raw request", repr(text)[:60], lambda t=text: _post(url, t), OSError)
        for path in _paths():
            tally.judge("path", path, lambda p=path: _closed(url, p), OSError)
        score(good)  # it still works
        peak = process.memory_info().rss / 2**20
        print(f"page: {peak:.0f} MB after all of it")
        if peak > 1500:
            tally.wrong.append(f"page: {peak:.0f} MB")
        # A request that names no function of the page makes gradio log a KeyError of its own.
        for part in log.read_text().split("Traceback")[1:]:
            if f'"{ROOT}/demo/' in part or f'"{ROOT}/ddad/' in part:
                tally.wrong.append(f"page: its log has {part[-900:]}")


def _bodies() -> Iterator[tuple[str, bytes]]:
    """Requests that no client would make."""
    call = "/gradio_api/call/score"
    for data in (
        b"",
        b"{",
        b"[" * 50_000,
        b"null",
        b'{"data": null}',
        b'{"data": []}',
        b"\xff\xfe",
    ):
        yield call, data
    meta = {"_type": "gradio.FileData"}
    for path in ("/etc/passwd", "../../etc/passwd", "", "\0", "/dev/zero", "/proc/self/environ"):
        yield call, json.dumps({"data": [{"path": path, "meta": meta}, "waves", None]}).encode()
    for url in ("file:///etc/passwd", "http://127.0.0.1:1/x.png", "http://169.254.169.254/"):
        body = {"data": [{"path": "x.png", "url": url, "meta": meta}, "waves", None]}
        yield call, json.dumps(body).encode()
    for index in range(12):
        body = {"data": ["x"] * 3, "fn_index": index, "session_hash": "x", "event_data": {"a": 1}}
        yield "/gradio_api/queue/join", json.dumps(body).encode()


def _post(url: str, request: tuple[str, bytes]) -> None:
    path, data = request
    header = {"Content-Type": "application/json"}
    with urllib.request.urlopen(
        urllib.request.Request(url + path, data, header), timeout=20
    ) as got:
        answer = got.read()
    if path.endswith("/score"):
        event = json.loads(answer)["event_id"]
        with urllib.request.urlopen(f"{url}{path}/{event}", timeout=50) as got:
            answer = got.read()
    if b"Traceback" in answer or b"root:" in answer:
        raise RuntimeError(answer[:300])


def _paths() -> tuple[str, ...]:
    names = ("/etc/passwd", "../../../../etc/passwd", "/proc/self/environ", "app.py", "/dev/zero")
    return tuple(f"/gradio_api/file={name}" for name in names) + ("/../app.py", "/%2e%2e/app.py")


def _closed(url: str, path: str) -> None:
    """Raises RuntimeError where a file of the server's comes back."""
    with urllib.request.urlopen(url + path, timeout=20) as got:
        answer = got.read(10**6)
    if b"root:" in answer or b"import" in answer[:400]:
        raise RuntimeError(answer[:100])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/hostile"))
    routes = ("library", "cli", "page")
    parser.add_argument("--routes", nargs="+", choices=routes, default=routes)
    args = parser.parse_args()
    tally, started = Tally(), time.monotonic()
    shutil.rmtree(args.out, ignore_errors=True)
    out = args.out.resolve()
    whole = model(out)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name)
        files, zips = corpus.images(made / "images"), corpus.archives(made / "archives")
        if "library" in args.routes:
            library(tally, files, zips, whole, made)
        if "cli" in args.routes:
            command_line(tally, files, whole, made)
        if "page" in args.routes:
            page(tally, files, whole, made)
    for route in dict.fromkeys(route for route, _ in tally.counts):
        counts = (tally.counts[route, "accepted"], tally.counts[route, "refused"])
        print(f"{route:20} {sum(counts):4} inputs: {counts[0]} accepted, {counts[1]} refused")
    _, peak = memory()
    print(f"{time.monotonic() - started:.0f} s, at most {peak:.0f} MB here")
    if peak > 1500:
        tally.wrong.append(f"memory: {peak:.0f} MB")
    print(*(tally.wrong or ["nothing crashed, hung or said more than one sentence"]), sep="\n")
    sys.exit(bool(tally.wrong))


if __name__ == "__main__":
    main()
