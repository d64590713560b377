"""Who is let in, and what every answer tells a browser."""

from __future__ import annotations

import base64
import hashlib

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from demo.front.door import COOKIE, Door, Policy, Rules, key_of
from demo.store.store import KEY

SCRIPT = "window.settings = 1;"
PAGE = f"<html><script>{SCRIPT}</script><script src='a.js'></script></html>"


def client(rules, base="http://testserver", address="10.0.0.9"):
    async def seen(request):
        headers = {k: v for k, v in request.headers.items() if "forwarded" in k}
        where = {"client": request.client.host, "scheme": request.url.scheme}
        return JSONResponse({"headers": headers, **where})

    def page(request):
        return HTMLResponse(PAGE)

    def picture(request):
        return Response("<svg/>", media_type="image/svg+xml")

    app = Starlette(
        routes=[Route("/", page), Route("/seen", seen), Route("/picture", picture)],
        middleware=[Middleware(Door, rules=rules), Middleware(Policy, frames=rules.frames)],
    )
    return TestClient(app, base, client=(address, 1))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("[::1]:7860", 200),
        ("localhost", 200),
        ("parts.example.com", 200),
        ("a.lab.example.org:80", 200),
        ("evil.example", 421),
        ("parts.example.com.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
def test_the_page_answers_to_numbers_its_own_names_and_those_it_was_told(host, status):
    rules = Rules.of({"DDAD_HOSTS": "parts.example.com, *.lab.example.org"})
    answer = client(rules).get("/seen", headers={"host": host})
    assert answer.status_code == status and "\n" not in answer.text


def test_forwarded_headers_count_from_a_stated_proxy_alone():
    said = {"x-forwarded-for": "1.2.3.4, 5.6.7.8", "x-forwarded-host": "evil.example"}
    said |= {"x-forwarded-proto": "https", "host": "127.0.0.1", "forwarded": "for=9.9.9.9"}
    found = client(Rules()).get("/seen", headers=said).json()
    assert found == {"headers": {}, "client": "10.0.0.9", "scheme": "http"}
    rules = Rules.of({"DDAD_PROXY": "10.0.0.0/24"})
    found = client(rules).get("/seen", headers=said).json()
    # The last is the one that the proxy itself has seen: a client may send others before it.
    assert found["client"] == "5.6.7.8" and found["scheme"] == "https"
    assert found["headers"]["x-forwarded-host"] == "evil.example"
    assert client(rules, address="10.0.1.9").get("/seen", headers=said).json()["headers"] == {}


def test_a_visitor_keeps_a_key_that_scripts_cannot_read():
    one = client(Rules(), "http://127.0.0.1")
    cookie = one.get("/").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Secure" not in cookie
    key = one.cookies[COOKIE]
    assert KEY.fullmatch(key)
    one.get("/")
    assert one.cookies[COOKIE] == key
    assert "set-cookie" not in one.get("/seen").headers  # the page alone gives one
    assert client(Rules(), "http://127.0.0.1").get("/").headers["set-cookie"] != cookie
    assert "Secure" in client(Rules(), "https://127.0.0.1").get("/").headers["set-cookie"]
    framed = client(Rules.of({"SPACE_ID": "a/b"}), "http://a-b.hf.space")
    answer = framed.get("/", headers={"x-forwarded-proto": "https"})
    assert "SameSite=None; Partitioned; Secure" in answer.headers["set-cookie"]
    assert "x-frame-options" not in answer.headers
    assert "https://huggingface.co" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("cookies", ["", "ddad=", "ddad=1", "ddad=" + "g" * 64, "a b c;;;", "\0"])
def test_what_is_no_key_is_none(cookies):
    assert key_of(cookies) is None
    assert key_of(f"x=1; ddad={'a1' * 32}; y=2") == "a1" * 32


def test_the_policy_names_the_pages_own_scripts_and_no_others():
    answer = client(Rules(), "http://127.0.0.1").get("/")
    policy = dict(
        each.strip().split(" ", 1) for each in answer.headers["content-security-policy"].split(";")
    )
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    assert policy["script-src"] == f"'self' 'unsafe-eval' 'sha256-{digest}'"
    assert "unsafe-inline" not in policy["script-src"] and policy["object-src"] == "'none'"
    assert policy["frame-ancestors"] == "'self'" and "http" not in policy["img-src"]
    assert answer.text == PAGE and answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    picture = client(Rules(), "http://127.0.0.1").get("/picture")
    assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
