"""Which names of the tests depend on the code, and which are sure not to.

Whatever is not seen to be free of the code counts as open: nothing is worked out without the code
that could come out differently beside it.
"""

import ast
import builtins
from collections.abc import Iterator, Sequence, Set

_PURE_MODULES = {
    "bisect", "collections", "copy", "datetime", "decimal", "fractions", "functools", "heapq",
    "itertools", "json", "math", "operator", "re", "statistics", "string", "textwrap",
}  # fmt: skip
_IMPURE = {"open", "input", "id", "hash", "object", "globals", "locals", "vars", "eval", "exec",
           "compile", "breakpoint", "print", "__import__", "exit", "quit"}  # fmt: skip
_CLOCKS = {"now", "today", "utcnow"}
_PURE_BUILTINS = {name for name in dir(builtins) if name not in _IMPURE}
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_IMPORTS = ast.Import | ast.ImportFrom
_FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def open_names(tree: ast.Module) -> set[str]:
    """All names whose values may depend on the code, or differ from one process to the next.

    Whatever is not seen to be free of the code counts as open: names that neither the tests nor
    Python have, all that is made with these, data that a function of the tests may change when the
    code calls it, objects of the tests' own classes, and modules that know time or chance.
    """
    nodes = list(ast.walk(tree))
    every = [name for node in tree.body for name in bound(node)]
    definitions = {
        name for n in nodes if isinstance(n, DEFINITIONS | _IMPORTS) for name in bound(n)
    }
    classes = {node.name for node in nodes if isinstance(node, ast.ClassDef)}
    constant = {name for name, value in tables(tree).items() if _is_immutable(value)}
    data = set(every) - definitions - constant
    opened = loads(tree) - set(every) - _PURE_BUILTINS
    for node in nodes:
        if isinstance(node, _IMPORTS) and not _is_pure(node):
            opened |= bound(node)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            opened |= set(node.names)
        elif isinstance(node, _FUNCTIONS | ast.ClassDef):
            opened |= loads(node) & data
        elif isinstance(node, ast.Attribute) and node.attr in _CLOCKS:
            opened |= loads(node.value)
        elif isinstance(node, ast.Assign) and _calls(node.value) & classes:
            opened |= bound(node)
    size = -1
    while size < len(opened):  # grows until nothing more depends on it
        size = len(opened)
        for node in _followed_statements(tree.body, opened):
            if is_open(node, opened):
                opened |= bound(node)
                if not isinstance(node, ast.Assign | ast.Assert | DEFINITIONS | _IMPORTS):
                    opened |= loads(node) & data  # it may well change them
                if isinstance(node, ast.Assign):
                    opened |= {name for each in node.targets for name in loads(each)} & data
    return opened


def _followed_statements(body: Sequence[ast.stmt], opened: Set[str]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.For | ast.If) and followed(node, opened):
            if isinstance(node, ast.For):
                yield ast.Assign([node.target], node.iter)
            yield from _followed_statements([*node.body, *node.orelse], opened)
        else:
            yield node


def followed(node: ast.For | ast.If, opened: Set[str]) -> bool:
    """Whether the judge takes the same way through it as the code's side does."""
    if isinstance(node, ast.If):
        return not is_open(node.test, opened)
    leaves = any(isinstance(each, ast.Break | ast.Continue) for each in ast.walk(node))
    return not (is_open(node.iter, opened) or leaves or node.orelse)


def is_open(node: ast.AST, opened: Set[str]) -> bool:
    """Whether it depends on the code, or is too much to be followed."""
    if loads(node) & opened:
        return True
    if isinstance(node, _IMPORTS):
        return not _is_pure(node)
    if isinstance(node, DEFINITIONS):  # whatever it does, it does it when it is called
        return False
    unfollowed = (
        ast.With | ast.AsyncWith | ast.AsyncFor | ast.Try | ast.TryStar | ast.While | ast.Match
        | ast.Await | ast.NamedExpr | ast.Delete | ast.Global | ast.Nonlocal | ast.For
    )  # fmt: skip
    return any(isinstance(each, unfollowed) for each in ast.walk(node))


def _is_pure(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names]
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else names
    return all(each.split(".")[0] in _PURE_MODULES for each in modules) and "*" not in names


def tables(tree: ast.Module) -> dict[str, ast.expr]:
    """The literals that have a name of their own, by name."""
    every = [name for node in tree.body for name in bound(node)]
    return {
        name: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and is_literal(node.value)
        for name in bound(node)
        if every.count(name) == 1
    }


def _is_immutable(literal: ast.expr) -> bool:
    mutable = ast.List | ast.Dict | ast.Set
    return not any(isinstance(each, mutable) for each in ast.walk(literal))


def _calls(node: ast.expr) -> set[str]:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return {name for call in calls for name in loads(call.func)}


def loads(node: ast.AST) -> set[str]:
    """The names that it looks up outside of itself."""
    children = set().union(*(loads(child) for child in ast.iter_child_nodes(node)))
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return {node.id}
    if isinstance(node, _FUNCTIONS):
        body = node.body if isinstance(node.body, list) else [node.body]
        arguments = {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
        local = arguments.union(*(bound(each) for each in body))
        outside = (each for each in ast.iter_child_nodes(node) if each not in body)
        inner = set().union(*(loads(each) for each in body)) - local
        return inner.union(*(loads(each) for each in outside))
    if isinstance(node, _COMPREHENSIONS):
        return children - set().union(*(bound(each.target) for each in node.generators))
    if isinstance(node, ast.ClassDef):
        return children - set().union(*(bound(each) for each in node.body))
    return children


def bound(node: ast.AST) -> set[str]:
    """What it binds in the scope that it stands in."""
    if isinstance(node, DEFINITIONS):
        return {node.name}
    if isinstance(node, _IMPORTS):
        return {(each.asname or each.name).split(".")[0] for each in node.names}
    if isinstance(node, ast.Lambda | _COMPREHENSIONS):
        return set()
    found = set().union(*(bound(child) for child in ast.iter_child_nodes(node)))
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        found.add(node.name)
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        found.add(node.id)
    return found


def is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True
