"""The titles of the plans' steps, read from the plans' source: no plan marks them, and none can be forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TITLE = "title"
OF_STEP = {"StepSpec": 1}  # which argument of a call is a title


class Unreadable(ValueError):
    """A title that is made in a way that this module does not read."""


def collected(plans: Path) -> Iterator[str]:
    """Every title that a step may have; `{}` stands for each value in it. Raises `Unreadable`."""
    for path in sorted(plans.glob("*.py")):
        tree = ast.parse(path.read_text())
        taking = {**OF_STEP, **_functions(tree)}
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                for given in _given(call, taking.get(_name(call.func))):
                    try:
                        yield from _texts(given, tree)
                    except Unreadable as error:
                        raise Unreadable(f"{path}:{call.lineno}: {error}") from None


def _functions(tree: ast.AST) -> dict[str, int]:
    """The functions of a module that take the title of a step, and which argument it is."""
    found = {}
    for one in ast.walk(tree):
        if isinstance(one, ast.FunctionDef):
            names = [argument.arg for argument in one.args.args if argument.arg != "self"]
            makes = any(isinstance(call, ast.Call) and _name(call.func) in OF_STEP for call in ast.walk(one))
            if TITLE in names and makes:
                found[one.name] = names.index(TITLE)
    return found


def _name(function: ast.expr) -> str:
    return getattr(function, "id", getattr(function, "attr", ""))


def _given(call: ast.Call, place: int | None) -> Iterator[ast.expr]:
    """Titles are named in any call, as in those of `dataclasses.replace`."""
    yield from (keyword.value for keyword in call.keywords if keyword.arg == TITLE)
    if place is not None:
        yield from call.args[place : place + 1]


def _texts(given: ast.expr, tree: ast.AST) -> Iterator[str]:
    match given:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            yield "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)  # type: ignore[misc]
        case ast.IfExp(body=one, orelse=other):
            yield from _texts(one, tree)
            yield from _texts(other, tree)
        case ast.Name(id="title"):
            yield from _of_loops(tree)
        case _:
            raise Unreadable(f"the title is {ast.unparse(given)}: write it as a string where the step is made.")


def _of_loops(tree: ast.AST) -> Iterator[str]:
    """A title that was handed on is read where it comes from: a call, or a table of (key, title)."""
    tables = {
        one.iter.id
        for one in ast.walk(tree)
        if isinstance(one, ast.For) and isinstance(one.iter, ast.Name) and TITLE in ast.unparse(one.target)
    }
    for one in ast.walk(tree):
        if isinstance(one, ast.Assign) and any(_name(target) in tables for target in one.targets):
            for row in ast.walk(one.value):
                if isinstance(row, ast.Tuple) and all(isinstance(part, ast.Constant) for part in row.elts):
                    yield str(row.elts[1].value)  # type: ignore[attr-defined]
