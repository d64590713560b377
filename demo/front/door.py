"""Who may come in, by what name the page is called, and what a browser may do with what it gets.

The page answers to addresses (numbers), to the machine's own names, and to those in DDAD_HOSTS:
another name that leads here (DNS rebinding) is refused. Forwarded headers count only from the
proxies in DDAD_PROXY. On a Hugging Face Space both are as the Space sets them.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from http.cookies import CookieError, SimpleCookie
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.limits import LIMITS
from demo.store.store import KEY

COOKIE = "ddad"
"""Holds a visitor's key; scripts cannot read it."""
SCRIPT = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.DOTALL)
FORWARDED = re.compile(rb"forwarded$|x-forwarded-|x-real-ip$|x-gradio-server$", re.IGNORECASE)
"""Headers by which a proxy speaks for a client, or for the page's own address."""


@dataclass(frozen=True)
class Rules:
    """Who is let in, and how the page is embedded."""

    hosts: tuple[str, ...] = ()
    """Names, `*.` for all below one, that the page answers to besides numbers and its own."""
    proxies: tuple[str, ...] = ()
    """Addresses or networks whose forwarded headers are believed; `*` for any."""
    frames: tuple[str, ...] = ()
    """Sites that may show the page in a frame, besides itself."""

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> Rules:
        """From DDAD_HOSTS, DDAD_PROXY and DDAD_FRAMES, each a list with commas."""
        hosts, proxies, frames = (
            tuple(each.strip() for each in environment.get(name, "").split(",") if each.strip())
            for name in ("DDAD_HOSTS", "DDAD_PROXY", "DDAD_FRAMES")
        )
        if "SPACE_ID" in environment:  # reached by its own proxy alone, shown on the Hub's page
            hosts += ("*.hf.space",)
            proxies = proxies or ("*",)
            frames += ("https://huggingface.co", "https://*.hf.space")
        return cls(hosts, proxies, frames)

    def known(self, host: str) -> bool:
        """Whether the page answers to a Host header."""
        name = re.sub(r":\d+$", "", host).strip("[]").lower().rstrip(".")
        try:
            ipaddress.ip_address(name)
            return True
        except ValueError:
            own = (socket.gethostname().lower(), "localhost")
        return name in own or any(fnmatch(name, pattern.lower()) for pattern in self.hosts)

    def trusts(self, address: str) -> bool:
        """Whether this peer's forwarded headers are believed."""
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return "*" in self.proxies
        return any(
            each == "*" or peer in ipaddress.ip_network(each, strict=False) for each in self.proxies
        )


class Door:
    """ASGI middleware: hosts, forwarded headers, the visitor's key, headers of every answer."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self.app, self.rules = app, rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        scope = self.rules_applied(scope)
        host = Headers(scope=scope).get("host", "")
        if not self.rules.known(host):
            said = "This page is not served under that name: its operator can name it in DDAD_HOSTS"
            await PlainTextResponse(said, 421)(scope, receive, send)
            return
        key = key_of(Headers(scope=scope).get("cookie", ""))

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                self.protect(headers)
                if scope["method"] == "GET" and headers.get("content-type", "").startswith(
                    "text/html"
                ):
                    headers.append("set-cookie", self.cookie(key, scope["scheme"] == "https"))
            await send(message)

        await self.app(scope, receive, answer)

    def rules_applied(self, scope: Scope) -> Scope:
        """The request as its peer sent it, or as a trusted proxy says that it was sent."""
        headers, (peer, port) = scope["headers"], scope.get("client") or ("", 0)
        if not self.rules.trusts(peer):
            kept = [(name, value) for name, value in headers if not FORWARDED.match(name)]
            return {**scope, "headers": kept}
        said = Headers(scope=scope)
        origin = said.get("x-forwarded-for", "").split(",")[-1].strip() or peer
        scheme = said.get("x-forwarded-proto", "").split(",")[0].strip() or scope["scheme"]
        return {**scope, "client": (origin, port), "scheme": scheme}

    def protect(self, headers: MutableHeaders) -> None:
        """What every answer tells a browser."""
        headers.setdefault("x-content-type-options", "nosniff")
        headers.setdefault("referrer-policy", "same-origin")
        headers.setdefault("permissions-policy", "camera=(self), microphone=(), geolocation=()")
        headers.setdefault("cross-origin-resource-policy", "same-origin")
        if not self.rules.frames:
            headers.setdefault("x-frame-options", "SAMEORIGIN")

    def cookie(self, key: str | None, secure: bool) -> str:
        """The visitor's key, a new one where he has none: for as long as his work is kept."""
        framed = "; SameSite=None; Partitioned" if self.rules.frames else "; SameSite=Lax"
        return (
            f"{COOKIE}={key or secrets.token_hex(32)}; Path=/; HttpOnly; "
            f"Max-Age={LIMITS.max_age_s:.0f}{framed}{'; Secure' if secure else ''}"
        )


class Policy:
    """ASGI middleware: a Content-Security-Policy that names the page's own inline scripts alone.

    Gradio writes its settings into the page as scripts, so their digests are taken as they pass.
    It makes functions of texts (`unsafe-eval`: a gr.HTML's start) and styles in place.
    """

    def __init__(self, app: ASGIApp, frames: tuple[str, ...] = ()) -> None:
        self.app, self.frames = app, frames

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self.app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = Headers(raw=message["headers"]).get("content-type", "")
                if kind.startswith("text/html"):
                    start.update(message)
                    return
                if kind.startswith("image/svg"):  # a picture that may hold scripts
                    headers = MutableHeaders(scope=message)
                    headers["content-security-policy"] = "default-src 'none'; sandbox"
            elif start:
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                MutableHeaders(scope=start)["content-security-policy"] = self.of(bytes(body))
                await send(start)
                message = {"type": "http.response.body", "body": bytes(body)}
            await send(message)

        await self.app(scope, receive, answer)

    def of(self, page: bytes) -> str:
        """The policy of a page."""
        digests = (hashlib.sha256(script).digest() for script in SCRIPT.findall(page))
        own = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
        frames = " ".join(("'self'", *self.frames))
        return "; ".join(
            (
                "default-src 'self'",
                f"script-src 'self' 'unsafe-eval' {own}".rstrip(),
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                "media-src 'self' data: blob:",
                "font-src 'self' data:",
                "connect-src 'self' data: blob:",
                "worker-src 'self' blob:",
                "object-src 'none'",
                "base-uri 'self'",
                "form-action 'self'",
                f"frame-ancestors {frames}",
            )
        )


def key_of(cookies: Any) -> str | None:
    """The visitor's key in a Cookie header, None where there is none that this page gave."""
    jar = SimpleCookie()
    try:
        jar.load(str(cookies))
    except CookieError:
        return None
    found = jar[COOKIE].value if COOKIE in jar else ""
    return found if KEY.fullmatch(found) else None
