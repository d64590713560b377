"""A visit to the page without a browser: cookie, session and events, as a browser sends them."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import httpx

API = "/gradio_api"


class Refused(RuntimeError):
    """The page's answer to an event was a sentence; the message is that."""


class Visit:
    """One visitor from an address of his own: the app is served with DDAD_PROXY=*."""

    def __init__(
        self,
        url: str,
        address: str = "127.0.0.1",
        timeout: float = 120,
        cookies: dict[str, str] | None = None,
    ) -> None:
        """With the `cookies` of an earlier visit it is the same visitor's."""
        headers = {"x-forwarded-for": address}
        self.http = httpx.Client(
            base_url=url,
            headers=headers,
            timeout=timeout,
            cookies=cookies,
            limits=httpx.Limits(keepalive_expiry=2),  # the server ends idle connections after 5 s
        )
        self.http.get("/").raise_for_status()
        config = self.http.get("/config").json()
        self.events = {each["api_name"]: each for each in reversed(config["dependencies"])}
        self.events["loaded"] = next(
            each
            for each in config["dependencies"]
            if any(on == "load" for _, on in each["targets"])
        )
        self.parts = {each["props"].get("elem_id"): each["id"] for each in config["components"]}
        self.hash = secrets.token_hex(6)
        self.session = next(
            each["session"]
            for each in self.do("loaded", None, config_model(config))
            if isinstance(each, dict) and "session" in each
        )

    def join(self, name: str, *data: Any, event: Any = None) -> str:
        """Ask for an event; its id. Raises httpx.HTTPStatusError where it is not even begun."""
        body = {"data": list(data), "fn_index": self.events[name]["id"], "event_data": event}
        answer = self.http.post(f"{API}/queue/join", json=body | {"session_hash": self.hash})
        answer.raise_for_status()
        return str(answer.json()["event_id"])

    def do(self, name: str, *data: Any, event: Any = None) -> list[Any]:
        """An event's last values. Raises Refused where it ends with a sentence."""
        asked = self.join(name, *data, event=event)
        values: list[Any] = []
        where = f"{API}/queue/data?session_hash={self.hash}"
        with self.http.stream("GET", where) as stream:
            for line in stream.iter_lines():
                if not line.startswith("data:"):
                    continue
                message = json.loads(line[5:])
                if message.get("event_id") not in (asked, None):
                    continue
                output = message.get("output") or {}
                if message["msg"] in ("process_completed", "unexpected_error"):
                    if not message.get("success", False):
                        raise Refused(str(output.get("error") or message.get("message")))
                    return output.get("data") or values
                values = output.get("data") or values
        raise Refused("the stream of answers ended")

    def upload(self, *files: Path) -> list[dict[str, Any]]:
        """Files as an event's value has them."""
        names = [
            file.name.encode(errors="surrogateescape").decode(errors="replace") for file in files
        ]
        sent = [("files", (n, f.read_bytes())) for n, f in zip(names, files, strict=True)]
        answer = self.http.post(f"{API}/upload", files=sent)
        answer.raise_for_status()
        meta = {"_type": "gradio.FileData"}
        return [
            {"path": path, "orig_name": name, "meta": meta}
            for path, name in zip(answer.json(), names, strict=True)
        ]

    def ask(self, name: str, **request: Any) -> dict[str, Any]:
        """What the canvas asks. Raises Refused where the answer is a sentence."""
        body = {
            "data": {"session": self.session, **request},
            **{"component_id": self.parts["viewer"], "fn_name": name, "session_hash": self.hash},
        }
        answer = self.http.post(f"{API}/component_server", json=body)
        answer.raise_for_status()
        if "error" in (found := dict(answer.json())):
            raise Refused(found["error"])
        return found

    def inspect(self, file: Path, model: str) -> dict[str, Any]:
        """A photograph on the desk, scored: the message of its desk."""
        (given,) = self.upload(file)
        self.do("begin_look", [given])
        return self.shown(self.do("inspect_upload", model, None, None))

    def shown(self, values: list[Any]) -> dict[str, Any]:
        """The canvas's message among an event's values. Raises Refused where it is a problem."""
        for value in values:
            message = value.get("value") if isinstance(value, dict) and "value" in value else value
            if isinstance(message, dict) and "desk" in message:
                return dict(message["desk"])
        raise Refused(str(values)[:300])

    def close(self) -> None:
        self.http.close()


def config_model(config: dict[str, Any]) -> str | None:
    """The model that is chosen when the page is opened."""
    for part in config["components"]:
        if part["props"].get("elem_id") == "model":
            return part["props"].get("value")
    return None
