"""How much and how fast: sizes, slow senders, and what one address may ask for at once.

A request is read whole, within bounds of size and time, before anything works on it; what the
canvas asks for is then worked on a few at a time. Nothing here holds up the page itself.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.front.door import key_of
from demo.limits import LIMITS, Limits

CANVAS = "/component_server"
UPLOAD = "/upload"
STILL = 20.0
"""Seconds without a byte after which a sender is given up."""
SLOWEST = 1_000.0
"""Bytes a second that a sender must keep up with, after STILL seconds."""
SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
"""Half of a character beyond the first 65536, as JSON writes it."""
MULTIPART = 1 << 16
"""Bytes of an upload besides its files."""


class Refusal(Exception):
    """A request that is not answered: its status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class Pace:
    """ASGI middleware; one for the page, in whose event loop all of it runs."""

    def __init__(self, app: ASGIApp, limits: Limits = LIMITS) -> None:
        self.app, self.limits = app, limits
        self._asked: dict[str, deque[float]] = defaultdict(deque)
        """When each address asked for something last, seconds."""
        self._open: dict[str, int] = defaultdict(int)
        self._taken: dict[str, list[tuple[float, int]]] = defaultdict(list)
        """What each address has uploaded within the hour: when, and bytes."""
        self._held = 0
        """Bytes of requests that wait to be worked on."""
        self._working = asyncio.Semaphore(limits.canvas_calls)
        self._mine: dict[str, asyncio.Semaphore] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("POST", "PUT", "PATCH"):
            await self.app(scope, receive, send)
            return
        address = (scope.get("client") or ("", 0))[0]
        try:
            self._count(address)
            async with self._connection(address):
                await self._answered(scope, receive, send, address)
        except Refusal as refusal:
            await PlainTextResponse(refusal.sentence, refusal.status)(scope, receive, send)

    async def _answered(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        """Pass it on: an upload as it comes, anything else once it is there."""
        headers, path = Headers(scope=scope), scope["path"].rstrip("/")
        canvas = path.endswith(CANVAS)
        most = self.limits.call_bytes if canvas else self.limits.event_bytes
        if path.endswith(UPLOAD):
            most = self.limits.upload_bytes * self.limits.upload_files + MULTIPART
        declared = headers.get("content-length", "0")
        if declared.isdecimal() and int(declared) > most:
            raise Refusal(413, f"a request of this kind has at most {most / 1e6:.0f} MB")
        timed = _timed(receive, most)
        if path.endswith(UPLOAD):
            self._make_room(address, headers.get("content-length", ""))
            await self.app(scope, timed, send)
            return
        body = await self._whole(timed)
        json_said = headers.get("content-type", "").startswith("application/json")
        if json_said and (len(body) <= self.limits.event_bytes or SURROGATE.search(body)):
            _check_json(body)
        self._held += len(body)
        try:
            if not canvas:
                await self.app(scope, _again(body, receive), send)
                return
            visitor = key_of(headers.get("cookie", "")) or address
            async with self._mine_alone(visitor), self._working:
                await self.app(scope, _again(body, receive), send)
        finally:
            self._held -= len(body)

    async def _whole(self, receive: Receive) -> bytes:
        parts = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "the request was cut off")
            parts += message.get("body", b"")
            if self._held + len(parts) > self.limits.held_bytes:
                raise Refusal(503, "too many large requests wait already: try again in a minute")
            if not message.get("more_body"):
                return bytes(parts)

    def _count(self, address: str) -> None:
        """Note a request. Raises Refusal where the address has asked for too much lately."""
        now, times = time.monotonic(), self._asked[address]
        while times and times[0] < now - 10:
            times.popleft()
        if len(times) >= self.limits.requests:
            raise Refusal(429, "too many requests came from this address: try again in a moment")
        times.append(now)
        if len(self._asked) > 10_000:  # none of those that were quiet for ten seconds matters
            for old in [a for a, t in self._asked.items() if not t or t[-1] < now - 10]:
                del self._asked[old]

    def _make_room(self, address: str, declared: str) -> None:
        """Before an upload is written. Raises Refusal where the disk, or the address's share of it
        in an hour, has no room."""
        if not declared.isdecimal():
            raise Refusal(411, "an upload says how large it is")
        size, now = int(declared), time.monotonic()
        taken = self._taken[address] = [e for e in self._taken[address] if e[0] > now - 3600]
        if sum(each for _, each in taken) + size > self.limits.upload_hour_bytes:
            raise Refusal(429, "this address has uploaded too much within the hour")
        folder = Path(get_upload_folder())
        folder.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder).free - size < self.limits.free_bytes:
            raise Refusal(507, "this server's disk is full: try again later, or tell its operator")
        taken.append((now, size))

    @asynccontextmanager
    async def _connection(self, address: str) -> AsyncIterator[None]:
        if self._open[address] >= self.limits.connections:
            raise Refusal(429, "too many requests of this address are under way: wait for them")
        self._open[address] += 1
        try:
            yield
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]

    @asynccontextmanager
    async def _mine_alone(self, visitor: str) -> AsyncIterator[None]:
        """A visitor's requests of the canvas one after the other, so that others come between."""
        mine = self._mine.setdefault(visitor, asyncio.Semaphore(1))
        try:
            async with mine:
                yield
        finally:
            if not mine.locked() and not getattr(mine, "_waiters", None):
                self._mine.pop(visitor, None)


def _timed(receive: Receive, most: int) -> Receive:
    """What arrives, with a Refusal for more bytes than that and for a sender that is too slow."""
    began, size = time.monotonic(), 0

    async def receiving() -> Message:
        nonlocal size
        try:
            message = await asyncio.wait_for(receive(), STILL)
        except TimeoutError:
            raise Refusal(408, "the request did not arrive in time") from None
        size += len(message.get("body", b""))
        if size > most:
            raise Refusal(413, f"a request of this kind has at most {most / 1e6:.0f} MB")
        late = time.monotonic() - began - STILL
        if message.get("more_body") and late > 0 and size < SLOWEST * late:
            raise Refusal(408, "the request arrives too slowly")
        return message

    return receiving


def _check_json(body: bytes) -> None:
    """Raises Refusal for what is no JSON, or whose texts could not be kept."""
    try:
        said = json.loads(body)
        if SURROGATE.search(body):
            json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refusal(400, "this text holds halves of characters: it cannot be kept") from None
    except (ValueError, RecursionError):
        raise Refusal(400, "this is not JSON that can be read") from None


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, then whatever else comes."""
    given = False

    async def receiving() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receiving
