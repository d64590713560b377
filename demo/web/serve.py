"""The page's modules, served as they are: no build step, no file named by the machine's path."""

from __future__ import annotations

import hashlib
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HERE = Path(__file__).parent
STYLES = [
    HERE / "style" / f"{part}.css"
    for part in ("page", "canvas", "train", "table", "masks", "evaluation", "decided")
]
MODULES = {
    path.relative_to(HERE).as_posix(): path.read_bytes()
    for path in sorted(HERE.rglob("*.js"))
    if not path.name.endswith(".test.js")
}
VERSION = hashlib.sha256(repr(MODULES).encode()).hexdigest()[:12]
"""In every module's address, so that a browser never runs what it kept of another version."""


def _module(request: Request) -> Response:
    """A module by its address; whoever has an older page open gets the one of today."""
    version, name = request.path_params["version"], request.path_params["name"]
    if name not in MODULES:
        raise HTTPException(404)
    keep = "max-age=31536000, immutable" if version == VERSION else "no-store"
    return Response(MODULES[name], media_type="text/javascript", headers={"cache-control": keep})


ROUTE = Route("/web/{version}/{name:path}", _module)


def script(module: str, *events: str) -> str:
    """`js_on_load` of a gr.HTML: hand the component to the module's `start`, and its values too.

    Values that come before the module has loaded wait for it. gr.HTML finds the names of its
    events by reading this.
    """
    return f"""// It triggers {", ".join(f'"{event}"' for event in events)}.
const early = [props.value];
let receive = (value) => early.push(value);
watch("value", () => receive(props.value));
import(new URL("web/{VERSION}/{module}", document.baseURI)).then(({{ start }}) => {{
  receive = start({{ element, trigger, server }});
  early.forEach((value) => receive(value));
}});"""
