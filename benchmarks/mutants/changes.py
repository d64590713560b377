"""One obvious change at a time of what a program computes, and which of them are drawn."""

from __future__ import annotations

import ast
import copy
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("ddad", "demo")
UNTESTED = ("demo/screenshots.py",)

OTHER: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
LOOKS = {"help", "metavar", "title", "label", "info", "placeholder", "scale", "min_width", "lines"}
LOOKS |= {
    "strict",
    "height",
    "width",
    "visible",
    "columns",
    "elem_classes",
    "file_types",
    "size",
    "variant",
}
"""Arguments that are words or appearance of the parser and the page; and `zip(strict=...)`, which
changes nothing while the code is right."""


@dataclass(frozen=True)
class Mutant:
    """One change of one expression: bytes `start` to `end` of the file become `new`."""

    file: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.old}  ->  {self.new}"


def changed(node: ast.AST) -> ast.AST | None:
    """A copy of the expression with one thing wrong, or None where there is nothing to change."""
    new = copy.copy(node)
    match new:
        case ast.Compare(ops=[op]) if type(op) in OTHER:
            new.ops = [OTHER[type(op)]()]
        case ast.BinOp(op=op) if type(op) in OTHER and not _joins(new):
            new.op = OTHER[type(op)]()
        case ast.BoolOp(op=op):
            new.op = OTHER[type(op)]()
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            return operand
        case ast.Constant(value=bool(value)):
            new.value = not value
        case ast.Constant(value=int(value)):
            new.value = value + 1
        case ast.Constant(value=float(value)) if not 0 < abs(value) < 1e-4:  # a guard, no bound
            new.value = value * 2 or 1.0
        case ast.Call(args=[one, two, *rest]) if ast.dump(one) != ast.dump(two):
            if isinstance(one, ast.Starred) or isinstance(two, ast.Starred):
                return None
            new.args = [two, one, *rest]
        case _:
            return None
    return new


def _joins(node: ast.BinOp) -> bool:
    """Whether text, lists or a path are put together: the change would only crash."""
    return any(
        isinstance(side, ast.JoinedStr | ast.List | ast.Tuple)
        or (isinstance(side, ast.Constant) and not isinstance(side.value, int | float))
        or re.search(r"(folder|path|file|root|out|name|HOME)\b", ast.unparse(side))
        for side in (node.left, node.right)
    )


def expressions(node: ast.AST) -> Iterator[ast.AST]:
    """What a program computes: no annotations, decorators, messages or words of the page."""
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return
        case ast.keyword(arg=name) if name in LOOKS:
            return
        case ast.Call(func=ast.Name(id="print")):
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return
    yield node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from expressions(child)


def mutants(root: Path, file: Path) -> Iterator[Mutant]:
    """Every change that can be made to a file."""
    source = file.read_bytes()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in expressions(ast.parse(source)):
        new = changed(node)
        if new is not None and isinstance(node, ast.expr):
            assert node.end_lineno is not None and node.end_col_offset is not None
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            name = file.relative_to(root).as_posix()
            yield Mutant(name, node.lineno, start, end, ast.unparse(node), ast.unparse(new))


def draw(root: Path, number: int, seed: int) -> list[Mutant]:
    """One change on each of so many lines."""

    def luck(*parts: object) -> str:
        return hashlib.sha256(repr((seed, *parts)).encode()).hexdigest()

    drawn: list[tuple[str, Mutant]] = []
    for file in sorted(f for package in PACKAGES for f in (root / package).rglob("*.py")):
        if file.relative_to(root).as_posix() in UNTESTED:
            continue
        lines: dict[int, list[Mutant]] = {}
        for mutant in mutants(root, file):
            lines.setdefault(mutant.line, []).append(mutant)
        text = file.read_text().splitlines()
        for line, choices in lines.items():
            chosen = min(choices, key=lambda m: luck(m.old, m.new, m.start - choices[0].start))
            drawn.append((luck(text[line - 1].strip()), chosen))
    drawn.sort(key=lambda pair: (pair[0], pair[1].file, pair[1].line))
    return [mutant for _, mutant in drawn[:number]]
