"""Sizes, slow senders and greedy addresses, against a server of its own."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import replace

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from demo.front import pace
from demo.front.pace import Pace
from demo.limits import LIMITS

SMALL = replace(
    LIMITS,
    upload_bytes=50_000,
    upload_files=2,
    event_bytes=5_000,
    call_bytes=20_000,
    canvas_calls=2,
)


@contextlib.contextmanager
def served(limits):
    """The address of a server that counts what it works on at once."""
    working, most, lock = [0], [0], threading.Lock()

    def work(size):
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        time.sleep(0.05)
        with lock:
            working[0] -= 1
        return f"{size} {most[0]}"

    async def answer(request):
        size = len(await request.body())
        return PlainTextResponse(await run_in_threadpool(work, size))

    paths = ("/component_server", "/upload", "/queue/join")
    routes = [Route(path, answer, methods=["GET", "POST"]) for path in paths]
    app = Starlette(routes=routes, middleware=[Middleware(Pace, limits=limits)])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(app, port=port, log_level="error", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


def chunks(size):
    for _ in range(size // 100):
        yield b"x" * 100


def test_each_kind_of_request_has_its_size():
    with served(SMALL) as url:
        for path, most in (("component_server", 20_000), ("queue/join", 5_000)):
            assert httpx.post(f"{url}/{path}", content=b"x" * most).text.startswith(str(most))
            for content in (b"x" * (most + 1), chunks(most + 200)):
                answer = httpx.post(f"{url}/{path}", content=content)
                assert answer.status_code == 413 and "at most" in answer.text
        assert httpx.post(f"{url}/upload", content=b"x" * 100_000).status_code == 200
        assert httpx.post(f"{url}/upload", content=b"x" * 200_000).status_code == 413
        assert httpx.post(f"{url}/upload", content=chunks(1000)).status_code == 411


def test_the_canvas_is_worked_on_a_few_at_a_time_and_one_of_a_visitor():
    with served(SMALL) as url:

        def ask(cookie, answers):
            headers = {"cookie": f"ddad={cookie * 64}"}
            answers.append(httpx.post(f"{url}/component_server", content=b"x", headers=headers))

        for cookies, most in (("aaaaaa", 1), ("aabbccdd", 2)):
            answers: list[httpx.Response] = []
            threads = [threading.Thread(target=ask, args=(c, answers)) for c in cookies]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert max(int(each.text.split()[1]) for each in answers) == most


def test_an_upload_needs_room_on_the_disk_and_in_the_hour():
    with served(replace(SMALL, free_bytes=10**18)) as url:
        answer = httpx.post(f"{url}/upload", content=b"x" * 1000)
        assert answer.status_code == 507 and "disk is full" in answer.text
    with served(replace(SMALL, upload_hour_bytes=2500)) as url:
        codes = [httpx.post(f"{url}/upload", content=b"x" * 1000).status_code for _ in range(4)]
        assert codes == [200, 200, 429, 429]


def test_an_address_asks_for_so_much_in_ten_seconds_and_pages_are_never_refused():
    with served(replace(SMALL, requests=60)) as url, httpx.Client() as client:
        codes = [client.post(f"{url}/queue/join", content=b"x").status_code for _ in range(70)]
        assert codes == [200] * 60 + [429] * 10
        assert client.get(f"{url}/queue/join").status_code == 200


def test_slow_senders_are_given_up_and_keep_nobody_waiting(monkeypatch):
    monkeypatch.setattr(pace, "STILL", 1.0)
    with served(replace(SMALL, connections=16)) as url, contextlib.ExitStack() as held:
        host, port = url.removeprefix("http://").split(":")
        slow = []
        for _ in range(50):
            each = held.enter_context(socket.create_connection((host, int(port))))
            each.settimeout(20)
            head = "POST /component_server HTTP/1.1\r\nhost: a\r\ncontent-length: 9000\r\n\r\nx"
            each.sendall(head.encode())
            slow.append(each)
        time.sleep(0.3)
        since = time.monotonic()
        # All come from one address here; another one's would go beside them.
        assert httpx.get(f"{url}/queue/join").status_code == 200
        assert time.monotonic() - since < 1
        answers = [each.recv(200).split(b" ")[1] for each in slow]
        assert sorted(set(answers)) == [b"408", b"429"] and answers.count(b"408") == 16
        assert httpx.post(f"{url}/component_server", content=b"x").status_code == 200


@pytest.mark.parametrize("limit", ["held_bytes"])
def test_what_is_held_at_once_is_bounded(limit):
    with served(replace(SMALL, **{limit: 10_000})) as url:
        answer = httpx.post(f"{url}/component_server", content=b"x" * 15_000)
        assert answer.status_code == 503
        assert httpx.post(f"{url}/component_server", content=b"x" * 5_000).status_code == 200
