"""The rules of an exercise, checked on a notebook's text: what a student's process says of itself may be forged."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterable, Iterator
from functools import lru_cache

from course.kit.rules import BANNED_MODULES
from course.names import names_of


def banned_in_source(name: str, cells: Iterable[str], banned: tuple[str, ...]) -> str | None:
    """The first banned thing that what the cells define as `name` refers to, by its full name; None where all is fine.

    Follows the names it reads through all cells, aliases and imports. banned: full names such as numpy.convolve.
    """
    definitions, imports = _known(cells)
    queue, seen = [name], set()
    while queue:
        current = queue.pop()
        if current in seen or current not in definitions:
            continue
        seen.add(current)
        node = definitions[current]
        free, own = _read_by(node)
        modules = {n: m for n, m in imports.items() if n in free} | dict(own)
        for full in _mentioned(node, tuple(modules.items())):
            if full.partition(".")[0] in BANNED_MODULES:
                return full.partition(".")[0]
            if full in banned:
                return full
        queue += sorted(free)
    return None


def _known(cells: Iterable[str]) -> tuple[dict[str, ast.stmt], dict[str, str]]:
    """The statement that defines each name of the notebook last, and which modules or members of one it imports."""
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, str] = {}
    for cell in cells:
        defined, imported = _known_of(cell)
        definitions.update(defined)
        imports.update(imported)
    return definitions, imports


@lru_cache(maxsize=1024)
def _known_of(cell: str) -> tuple[dict[str, ast.stmt], dict[str, str]]:
    definitions: dict[str, ast.stmt] = {}
    imports: dict[str, str] = {}
    with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
        for statement in ast.parse(cell).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports |= dict(_imports(statement))
            else:
                definitions |= dict.fromkeys(names_of(ast.unparse(statement)).bound, statement)
    return definitions, imports


@lru_cache(maxsize=1024)
def _read_by(statement: ast.stmt) -> tuple[frozenset[str], tuple[tuple[str, str], ...]]:
    """The names that a statement takes from elsewhere, and what it imports itself."""
    return names_of(ast.unparse(statement)).free, tuple(_imports(statement))


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Names that imports bind, anywhere in a tree, and what they stand for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


@lru_cache(maxsize=1024)
def _mentioned(tree: ast.AST, modules: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The full names of all that a tree refers to, by imports, attributes, or a text that is as good as either."""
    return tuple(_mentions(tree, dict(modules)))


def _mentions(tree: ast.AST, imports: dict[str, str]) -> Iterator[str]:
    yield from (full for _, full in _imports(tree))
    for node in ast.walk(tree):
        if full := _full_name(node, imports):
            yield full
        if isinstance(node, ast.Call):
            called = _full_name(node.func, imports) or getattr(node.func, "id", "")
            words = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            if called in ("__import__", "importlib.import_module") and words:
                yield words[0]
            if called == "getattr" and words and (owner := _full_name(node.args[0], imports)):
                yield f"{owner}.{words[0]}"


def _full_name(node: ast.AST, imports: dict[str, str]) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in imports:
        return None
    return ".".join([imports[node.id], *reversed(parts)])
