"""Tables and rows of figures as HTML. Every text is escaped here."""

from __future__ import annotations

import html
from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]], about: str) -> str:
    """A table of texts with its column headers; `about` is read aloud, not seen."""
    top = "".join(f"<th scope='col'>{html.escape(text)}</th>" for text in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return (
        f"<div class='table-scroll' tabindex='0'><table><caption class='unseen'>"
        f"{html.escape(about)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody>"
        "</table></div>"
    )


def figures(pairs: Iterable[tuple[str, float | None]]) -> str:
    """Numbers with their names."""
    cells = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{number(value)}</dd></div>" for name, value in pairs
    )
    return f"<dl class='numbers'>{cells}</dl>"


def number(value: float | None) -> str:
    """Three decimals, or a dash for what is not known."""
    return "–" if value is None else f"{value:.3f}"
