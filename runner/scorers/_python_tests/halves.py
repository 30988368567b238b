"""Tests in two halves: one runs beside the code and sends values, one has what these must equal.

`assert f(2) == slow(2)` becomes `check(0, (f(2),))` beside the code and `check(0, (slow(2),))`
where it is judged, in a process that never runs the code. So no answer can read what is expected
of it, nor a reference solution that the tests bring along. Only what says for certain that it is
free of the code goes to the judge (see `free_names`); what depends on the code is asked of it.
The judge's half sees test data as they were before the code had them.
"""

import ast
from collections.abc import Iterator, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from types import CodeType
from typing import Any, NamedTuple

from runner.scorers._python_tests.free_names import (
    DEFINITIONS,
    bound,
    followed,
    is_literal,
    is_open,
    loads,
    open_names,
    tables,
)
from runner.scorers._python_tests.values import KEEP

CHECK = "<check>"  # becomes a function where it is run: no name leads there


class Assert(NamedTuple):
    """Without operators it is one operand that must be true."""

    line: int
    operators: list[str]
    judged: list[bool]  # of each operand: whether the judge has it
    nested: list[Any] | None  # the judge's operands of one that it can't follow, else None


@dataclass(frozen=True)
class Halves:
    beside: CodeType
    judge: CodeType
    checks: list[Assert]


def split(tests: str, inside: Set[int] = frozenset()) -> Halves:
    """`inside`: the numbers of checks that are made beside the code whatever they look like."""
    tree = ast.parse(tests)
    splitter = _Splitter(open_names(tree), inside, tables(tree))
    beside, judge = splitter.halves(tree.body)
    beside = _with_functions_kept(_without_unused(beside))
    return Halves(_compiled(beside), _compiled(judge), splitter.checks)


def _compiled(body: list[ast.stmt]) -> CodeType:
    module = ast.fix_missing_locations(ast.Module(body, []))
    return compile(module, "<tests>", "exec", dont_inherit=True)


@dataclass
class _Splitter:
    open: Set[str]
    inside: Set[int]
    tables: dict[str, ast.expr]
    checks: list[Assert] = field(default_factory=list)

    def halves(self, body: Sequence[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
        beside: list[ast.stmt] = []
        judge: list[ast.stmt] = []
        for node in body:
            if isinstance(node, ast.Assert):
                for condition in _conditions(node.test):
                    here, there = self._check(condition)
                    beside.append(here)
                    judge.append(there)
            elif isinstance(node, ast.For) and followed(node, self.open):
                body, body_there = self.halves(node.body)
                table = _blanked(node, body, self.tables)
                beside.append(_replaced(node, body=body, iter=table))
                judge.append(_replaced(node, body=body_there or [ast.Pass()]))
            elif isinstance(node, ast.If) and followed(node, self.open):
                (yes, yes_there), (no, no_there) = self.halves(node.body), self.halves(node.orelse)
                beside.append(_replaced(node, body=yes, orelse=no))
                judge.append(_replaced(node, body=yes_there or [ast.Pass()], orelse=no_there))
            else:
                beside.append(_Nested(self).visit(deepcopy(node)))
                if not is_open(node, self.open):
                    judge.append(node)
        return beside, judge

    def _check(self, condition: ast.expr) -> tuple[ast.stmt, ast.stmt]:
        operators, operands = _operands(condition)
        judged = [not is_open(each, self.open) for each in operands]
        if all(judged):  # data that a callback fills, say: only beside the code they are filled
            judged = [is_literal(each) for each in operands]
        if len(self.checks) in self.inside or not _can_be_sent(operators, operands, judged):
            operators, operands, judged = [], [condition], [False]
        return self._numbered(condition, operators, operands, judged, nested=False)

    def nested(self, condition: ast.expr) -> ast.stmt | None:
        """A check in a place that the judge can't follow; only literals can be kept there."""
        operators, operands = _operands(condition)
        judged = [is_literal(each) for each in operands]
        if not _can_be_sent(operators, operands, judged):
            return None
        return self._numbered(condition, operators, operands, judged, nested=True)[0]

    def _numbered(
        self,
        condition: ast.expr,
        operators: list[str],
        operands: list[ast.expr],
        judged: list[bool],
        *,
        nested: bool,
    ) -> tuple[ast.stmt, ast.stmt]:
        known = [each for each, has in zip(operands, judged, strict=True) if has]
        values = [ast.literal_eval(each) for each in known] if nested else None
        self.checks.append(Assert(condition.lineno, operators, judged, values))
        asked = [each for each, has in zip(operands, judged, strict=True) if not has]
        number = len(self.checks) - 1
        return _call(number, asked, condition), _call(number, known, condition)


class _Nested(ast.NodeTransformer):
    def __init__(self, splitter: _Splitter) -> None:
        self._splitter = splitter

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        return [
            self._splitter.nested(each) or ast.copy_location(ast.Assert(each, node.msg), node)
            for each in _conditions(node.test)
        ]


def _conditions(test: ast.expr) -> Iterator[ast.expr]:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        for value in test.values:
            yield from _conditions(value)
    else:
        yield test


def _operands(condition: ast.expr) -> tuple[list[str], list[ast.expr]]:
    if isinstance(condition, ast.Compare):
        operators = [type(each).__name__ for each in condition.ops]
        return operators, [condition.left, *condition.comparators]
    return [], [condition]


def _can_be_sent(operators: list[str], operands: list[ast.expr], judged: list[bool]) -> bool:
    """A value that was sent is another object: only what exists once keeps its identity."""
    single = [isinstance(each, ast.Constant) and each.value in (None, True, False, ...)
              for each in operands]  # fmt: skip
    return bool(operators) and all(
        single[n] or single[n + 1]
        for n, operator in enumerate(operators)
        if operator in ("Is", "IsNot")
    ) and not (all(judged))  # fmt: skip


def _call(number: int, values: Sequence[ast.expr], where: ast.AST) -> ast.stmt:
    check = ast.Attribute(ast.Constant(CHECK), "__call__", ast.Load())
    call = ast.Call(check, [ast.Constant(number), ast.Tuple([*values], ast.Load())], [])
    return ast.copy_location(ast.Expr(ast.copy_location(call, where)), where)


# --- what the code need not see


def _without_unused(body: list[ast.stmt]) -> list[ast.stmt]:
    """Without the functions and literals that only the judge's half uses."""
    while True:
        used = set().union(*(loads(node) for node in body))
        kept = [node for node in body if bound(node) & used or not _only_binds(node)]
        if len(kept) == len(body):
            return body
        body = kept


def _with_functions_kept(body: list[ast.stmt]) -> list[ast.stmt]:
    """Each function of the tests noted where it is made, so that a later change is seen."""
    every = [name for node in body for name in bound(node)]
    found: list[ast.stmt] = []
    for node in body:
        found.append(node)
        if isinstance(node, ast.FunctionDef) and every.count(node.name) == 1:
            noted = [ast.Constant(node.name), ast.Name(node.name, ast.Load())]
            found.append(_call(KEEP, noted, node))
    return found


def _only_binds(node: ast.stmt) -> bool:
    literal = isinstance(node, ast.Assign) and is_literal(node.value)
    return isinstance(node, DEFINITIONS) or (literal and bool(bound(node)))


def _blanked(loop: ast.For, body: Sequence[ast.stmt], tables: dict[str, ast.expr]) -> ast.expr:
    """What a loop goes through, without the columns that its body has no use for."""
    used = set().union(*(loads(node) for node in body))
    table = tables.get(loop.iter.id, loop.iter) if isinstance(loop.iter, ast.Name) else loop.iter
    rows = _rows(table)
    if not isinstance(loop.target, ast.Tuple) or not rows:
        return loop.iter
    unused = [isinstance(each, ast.Name) and each.id not in used for each in loop.target.elts]
    if not any(unused) or any(len(row) != len(unused) for row in rows):
        return loop.iter
    return ast.Tuple(
        [ast.Tuple([ast.Constant(None) if blank else each
                    for each, blank in zip(row, unused, strict=True)], ast.Load())
         for row in rows], ast.Load(),
    )  # fmt: skip


def _rows(table: ast.expr) -> list[list[ast.expr]]:
    """A table that is written down; else nothing."""
    match table:
        case ast.Call(ast.Attribute(ast.Dict(keys, values), "items"), [], []):
            texts = {ast.dump(key) for key in keys if isinstance(key, ast.Constant)}
            return [
                [k, v] for k, v in zip(keys, values, strict=True) if k and len(texts) == len(keys)
            ]
        case ast.List(rows) | ast.Tuple(rows) if all(isinstance(r, ast.Tuple) for r in rows):
            return [row.elts for row in rows if isinstance(row, ast.Tuple)]
    return []


def _replaced(node: Any, **fields: Any) -> Any:
    return ast.copy_location(type(node)(**{**dict(ast.iter_fields(node)), **fields}), node)
