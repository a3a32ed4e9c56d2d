"""Which names of the notebook a cell reads and binds, told from its text alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_WORD = re.compile(r"[^\W\d]\w*")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Names:
    """What a cell has to do with names.

    bound: those that it binds, or whose value it changes. free: those that it takes from elsewhere.
    called: those with a method called on them for its effect alone: `items.append(1)`, or `plt.show()`.
    imported: those that an import binds.
    opaque: the text isn't plain Python (a magic, a slip), so there is no telling; free has all its words.
    """

    bound: frozenset[str]
    free: frozenset[str]
    called: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    opaque: bool = False


def _without_magics(source: str) -> str:
    """Lines of IPython's own, such as `%matplotlib inline`, bind nothing; cells of other languages stay."""
    if source.lstrip().startswith("%%"):
        return source
    return "\n".join("" if line.startswith(("%", "!")) else line for line in source.splitlines())


@lru_cache(maxsize=2048)
def names_of(source: str) -> Names:
    """The names of a cell."""
    try:
        body = ast.parse(_without_magics(source)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Names(frozenset(), frozenset(_WORD.findall(source)), opaque=True)
    bound: set[str] = set()
    free: set[str] = set()
    called: set[str] = set()
    imported: set[str] = set()
    for statement in body:
        loads, stores, changes = set(), set(), set()
        for node in _in_this_scope(statement, loads, changes):
            _note(node, loads, stores, changes)
            called |= _called_for_effect(node)
            if isinstance(node, ast.alias):
                imported.add((node.asname or node.name).partition(".")[0])
        stores |= imported
        # `x = x + 1` reads x before it binds it; in `for x in y: print(x)` the loop has bound it.
        own = set() if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) else stores
        free |= (loads - bound - own) | (changes - bound - own)
        bound |= stores | changes
    return Names(frozenset(bound), frozenset(free), frozenset(called), frozenset(imported))


@lru_cache(maxsize=2048)
def statements_of(source: str) -> tuple[str, ...] | None:
    """A cell's statements, each as plain text; None where the text isn't plain Python."""
    try:
        return tuple(ast.unparse(statement) for statement in ast.parse(_without_magics(source)).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _in_this_scope(statement: ast.stmt, loads: set[str], changes: set[str]) -> Iterator[ast.AST]:
    """The nodes of a statement; of functions and comprehensions in it, only what they read from outside is noted."""
    queue: list[ast.AST] = [statement]
    while queue:
        node = queue.pop()
        yield node
        if isinstance(node, _SCOPES + _COMPREHENSIONS):
            loads |= _read_from_outside(node)
            changes |= {name for n in ast.walk(node) if isinstance(n, ast.Global) for name in n.names}
        else:
            queue += ast.iter_child_nodes(node)


def _read_from_outside(scope: ast.AST) -> set[str]:
    inside = [n for n in ast.walk(scope) if n is not scope]
    read = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    own = {n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    own |= {n.arg for n in inside if isinstance(n, ast.arg)}
    own |= {n.name for n in inside if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    own |= {(n.asname or n.name).partition(".")[0] for n in inside if isinstance(n, ast.alias)}
    return read - own


def _note(node: ast.AST, loads: set[str], stores: set[str], changes: set[str]) -> None:
    if isinstance(node, ast.Name):
        kinds = {ast.Load: loads, ast.Store: stores, ast.Del: changes}
        kinds[type(node.ctx)].add(node.id)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
        stores.add(node.name or "")
    elif isinstance(node, ast.AugAssign | ast.Subscript | ast.Attribute):
        target = node.target if isinstance(node, ast.AugAssign) else node
        stored = isinstance(node, ast.AugAssign) or isinstance(node.ctx, ast.Store | ast.Del)
        if stored and (name := _base(target)):
            changes.add(name)


def _called_for_effect(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and (name := _base(function)):
            return {name}
    return set()


def _base(node: ast.AST) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
