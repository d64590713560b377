"""The page's modules: one file for a browser to fetch, made of them at the start, no build step."""

from __future__ import annotations

import gzip
import hashlib
import posixpath
import re
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

HERE = Path(__file__).parent
STYLES = [
    HERE / "style" / f"{part}.css"
    for part in ("page", "canvas", "over", "train", "table", "masks", "evaluation", "decided")
]
MODULES = {
    path.relative_to(HERE).as_posix(): path.read_text("utf-8")
    for path in sorted(HERE.rglob("*.js"))
    if not path.name.endswith(".test.js")
}
STARTED = {"canvas": "canvas/main.js", "table": "table/main.js", "masks": "masks/main.js"}
STARTED |= {"language": "language/main.js"}
"""Modules with a `start` that a component of the page is handed to."""
LATER = re.compile(r"language/[a-z]{2}\.js")
"""Catalogues of languages, which are fetched by those alone who read them."""
IMPORT = re.compile(r'^import \{ (.+) \} from "(.+)";$', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let) (\w+))", re.MULTILINE)

COMMENT = re.compile(r"/\*\*.*?\*/|^\s*// .*?$", re.DOTALL | re.MULTILINE)
"""What a browser need not read: types, and lines that are a comment."""


def bundle(modules: dict[str, str], wanted: dict[str, str]) -> str:
    """One module that exports the `start` of each wanted module under its name.

    Each module becomes a function that is called once and returns what it exports; those it
    imports from come before it. Raises ValueError where modules import each other in a circle.
    """
    text: list[str] = []
    begun: dict[str, bool] = {}

    def add(name: str) -> None:
        if begun.get(name) is False:
            raise ValueError(f"{name} imports itself by way of others")
        if name in begun:
            return
        begun[name] = False
        source, taken = modules[name], []
        for names, target in IMPORT.findall(source):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
            add(other)
            taken.append(f"const {{ {names.replace(' as ', ': ')} }} = {_called(other)};")
        given = ", ".join(EXPORT.findall(source))
        body = EXPORT.sub("", IMPORT.sub("", COMMENT.sub("", source)))
        text.append(f"const {_called(name)} = (() => {{ {' '.join(taken)}")
        text.append(f"{body}\nreturn {{ {given} }};\n}})();")
        begun[name] = True

    for name in wanted.values():
        add(name)
    starts = ", ".join(f"{key}: {_called(name)}.start" for key, name in wanted.items())
    return "\n".join([*text, f"export const starts = {{ {starts} }};", ""])


def _called(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


SERVED = {
    "page.js": bundle(MODULES, STARTED).encode(),
    **{name: text.encode() for name, text in MODULES.items() if LATER.fullmatch(name)},
}
PACKED = {name: gzip.compress(data, mtime=0) for name, data in SERVED.items()}
VERSION = hashlib.sha256(repr(SERVED).encode()).hexdigest()[:12]
"""In every module's address, so that a browser never runs what it kept of another version."""


def _module(request: Request) -> Response:
    """A module by its address; whoever has an older page open gets the one of today."""
    version, name = request.path_params["version"], request.path_params["name"]
    if name not in SERVED:
        raise HTTPException(404)
    keep = "max-age=31536000, immutable" if version == VERSION else "no-store"
    headers, data = {"cache-control": keep, "vary": "accept-encoding"}, SERVED[name]
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["content-encoding"], data = "gzip", PACKED[name]
    return Response(data, media_type="text/javascript", headers=headers)


PACKED_PAGE = Middleware(
    GZipMiddleware,
    compresslevel=6,
    # Answers carry pictures, which do not get smaller; packing them would only take time.
    exclude_content_types=(*DEFAULT_EXCLUDED_CONTENT_TYPES, "application/json"),
)
"""Packs the page itself, which Gradio sends as it is."""
ROUTE = Route("/web/{version}/{name:path}", _module)


def script(component: str, *events: str) -> str:
    """`js_on_load` of a gr.HTML: hand the component to the `start` of that name, and its values.

    Values that come before the module has loaded wait for it. gr.HTML finds the names of its
    events by reading this.
    """
    return f"""// It triggers {", ".join(f'"{event}"' for event in events)}.
const early = [props.value];
let receive = (value) => early.push(value);
watch("value", () => receive(props.value));
import(new URL("web/{VERSION}/page.js", document.baseURI)).then(({{ starts }}) => {{
  receive = starts.{component}({{ element, trigger, server }});
  early.forEach((value) => receive(value));
}});"""
