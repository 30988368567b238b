"""Which Python of an answer is run: put together so that nothing of it is missing."""

import ast
import builtins
import re
import symtable
import textwrap
from collections.abc import Iterator, Sequence
from typing import Literal

from runner.cases import reading

Block = Literal["first", "last"]

_CODE = re.compile(r"^(?:@|(?:async\s+def|def|class|import|from)\s)", re.MULTILINE)
_PYTHON = {"python", "python3", "py"}
_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


def code(answer: str, prompts: Sequence[str], tests: str, block: Block) -> tuple[str, str]:
    """What is run of an answer, and how it was put together ("": it is all of it, or one block).

    `prompts` are the texts of the case: one that ends in a function without a body lends its head
    to an answer that is only the body; one that is Python as a whole lends what the answer uses.
    """
    _, wanted = _names(tests)
    blocks = _blocks(answer)
    chosen = _chosen(blocks or [answer], wanted, block)
    if not chosen:
        body = blocks[0 if block == "first" else -1] if blocks else answer
        if whole := _completed(body, prompts, wanted):
            return whole, " (with the head of the prompt's function)"
        if not blocks:
            return answer, ""
        chosen = [0 if block == "first" else len(blocks) - 1]
    joined = _joined([(blocks or [answer])[index] for index in chosen])
    joined = next(_lent(joined, prompts), joined)
    return joined, _which(chosen, len(blocks))


def _blocks(answer: str) -> list[str]:
    fenced = list(reading.fences(answer))
    bodies = [body for language, body in fenced if language in _PYTHON]
    bodies = bodies or [body for language, body in fenced if not language]
    return [textwrap.dedent(body) for body in bodies]


def _names(source: str) -> tuple[set[str], set[str]]:
    """What a source binds at its top level, and what it uses that neither it nor Python has."""
    try:
        top = symtable.symtable(source, "source", "exec")
    except _UNREADABLE:
        return set(), set()
    bound = {each.get_name() for each in top.get_symbols() if _binds(each)}
    used: set[str] = set()
    tables = [top]
    for table in tables:  # grows while it is walked
        tables.extend(table.get_children())
        used |= {
            each.get_name()
            for each in table.get_symbols()
            if each.is_referenced() and (table is top or each.is_global())
        }
    return bound, used - bound - set(dir(builtins))


def _binds(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported()


def _chosen(blocks: list[str], wanted: set[str], block: Block) -> list[int]:
    """The blocks that bind what the tests use, and whatever these use in turn.

    Of several that bind as much it is the first or the last, by `block`.
    """
    names = [_names(each) for each in blocks]
    order = list(range(len(blocks)))
    chosen: set[int] = set()
    missing = wanted
    while True:
        found = max(
            order if block == "first" else order[::-1], key=lambda n: len(names[n][0] & missing)
        )
        if not names[found][0] & missing:
            return sorted(chosen)
        chosen.add(found)
        bound = set().union(*(names[n][0] for n in chosen))
        missing = wanted.union(*(names[n][1] for n in chosen)) - bound


def _joined(blocks: list[str]) -> str:
    """One source; imports from the future have to open it."""
    if len(blocks) == 1:
        return blocks[0]
    lines = [line for each in blocks for line in [*each.splitlines(), ""]]
    future = [line for line in lines if line.startswith("from __future__ ")]
    return "\n".join([*future, *(line for line in lines if line not in future)])


def _lent(source: str, prompts: Sequence[str]) -> Iterator[str]:
    """The source with a prompt before it that is Python and binds what the source lacks."""
    _, missing = _names(source)
    for prompt in prompts:
        if _names(prompt)[0] & missing:
            yield _joined([prompt, source])


def _completed(body: str, prompts: Sequence[str], wanted: set[str]) -> str | None:
    """A body below the head that a prompt, or a code block in it, gives for a wanted function."""
    sources = [
        each
        for prompt in prompts
        for each in (*_blocks(prompt)[::-1], prompt, *_code_below_prose(prompt))
    ]
    for head in filter(None, (_head(source, wanted) for source in sources)):
        indented = body if body.lstrip("\r\n")[:1] in (" ", "\t") else textwrap.indent(body, "    ")
        # The indentation of the first line alone is lost where a provider strips answers.
        for whole in (f"{head}\n{indented}", f"{head}\n    {body.lstrip()}"):
            try:
                compile(whole, "answer", "exec", dont_inherit=True)
            except _UNREADABLE:
                continue
            return whole
    return None


def _code_below_prose(prompt: str) -> Iterator[str]:
    """What a prompt is from a line on that may be the first one of code."""
    return (prompt[line.start() :] for line in _CODE.finditer(prompt) if line.start())


def _head(source: str, wanted: set[str]) -> str | None:
    """A source up to the missing body of its last function, the docstring included."""
    source = source.rstrip()
    tree = _parsed(source) or _parsed(f"{source}\n    pass")
    last = tree.body[-1] if tree and tree.body else None
    if not isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) or last.name not in wanted:
        return None
    body = last.body[1:] if ast.get_docstring(last) is not None else last.body
    if not body:
        return source
    if len(body) > 1 or not _is_stub(body[0]):
        return None
    *before, line = source.splitlines()[: body[0].lineno]
    if len(before) + 1 < body[0].lineno:  # the `pass` is ours
        return source
    return "\n".join([*before, line.encode()[: body[0].col_offset].decode()])


def _is_stub(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except _UNREADABLE:
        return None


def _which(chosen: list[int], count: int) -> str:
    if count < 2:
        return ""
    if len(chosen) > 1:
        return f" ({len(chosen)} of {count} code blocks, joined)"
    (index,) = chosen
    place = {0: "first", count - 1: "last"}.get(index, f"number {index + 1}")
    return f" ({place} of {count} code blocks)"
