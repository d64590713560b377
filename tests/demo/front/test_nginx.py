"""The page behind nginx as `deploy/nginx.conf` sets it up, with a certificate of our own making."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time

import httpx
import pytest
from parts import ROOT
from serving import Site

NAME = "parts.example.com"


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Address of nginx's HTTP and HTTPS side; a machine without nginx skips, CI does not."""
    if shutil.which("nginx") is None:
        message = "no nginx here"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    folder = tmp_path_factory.mktemp("nginx")
    site = Site(folder, ROOT / "checkpoints", DDAD_HOSTS=NAME, DDAD_PROXY="127.0.0.1")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    make += ["-subj", f"/CN={NAME}", "-keyout", key, "-out", certificate]
    subprocess.run(make, check=True, capture_output=True)
    plain, tls = free_port(), free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text()
    for old, new in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{tls} ssl;",
        "    listen [::]:80;\n": "",
        "    listen [::]:443 ssl;\n": "",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
        "http://127.0.0.1:7860": site.url,
    }.items():
        assert old in text, f"deploy/nginx.conf no longer says {old}"
        text = text.replace(old, new)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = folder / "nginx.conf"
    config.write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {places}\n{text}}}\n"
    )
    nginx = ["nginx", "-e", str(folder / "error.log"), "-c", str(config)]
    subprocess.run([*nginx, "-t"], check=True, capture_output=True)
    site.start()
    process = subprocess.Popen(nginx)
    for _ in range(100):
        with socket.socket() as tried:
            if not tried.connect_ex(("127.0.0.1", tls)):
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{plain}", f"https://127.0.0.1:{tls}"
    process.terminate()
    process.wait(20)
    site.stop()


def client(base):
    return httpx.Client(base_url=base, verify=False, headers={"Host": NAME}, timeout=60)


def test_http_is_led_to_https(served):
    with client(served[0]) as http:
        answer = http.get("/a?b=c")
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{NAME}/a?b=c")


def test_the_page_comes_over_tls_with_a_cookie_for_tls_alone(served):
    with client(served[1]) as http:
        answer = http.get("/")
    assert answer.status_code == 200 and "where is it defective" in answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "secure" in cookie and "httponly" in cookie
    assert answer.headers["strict-transport-security"]
    assert f'"root": "https://{NAME}"' in answer.text or f'"root":"https://{NAME}"' in answer.text


def test_another_name_is_refused_whatever_a_visitor_says_of_himself(served):
    with httpx.Client(base_url=served[1], verify=False) as http:
        lies = {"Host": "evil.example", "X-Forwarded-Host": NAME, "X-Forwarded-For": "10.0.0.1"}
        assert http.get("/", headers=lies).status_code == 421


def test_an_upload_larger_than_nginx_takes_by_default_goes_through(served):
    with client(served[1]) as http:
        http.get("/")
        name = ("large.png", b"\x89PNG" + bytes(20_000_000), "image/png")
        answer = http.post("/gradio_api/upload", files={"files": name})
    assert answer.status_code == 200 and answer.json()[0].endswith("large.png")
