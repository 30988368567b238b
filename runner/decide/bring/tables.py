"""Rows as data sets have them: columns are variables of the prompt, or a conversation."""

from collections.abc import Iterator
from typing import Any

from runner.decide.bring.records import ANSWERS, Fields, Record
from runner.errors import ConfigError, did_you_mean

_TALKS = ("messages", "conversations", "conversation")
_ROLES = {"human": "user", "gpt": "assistant", "bot": "assistant", "model": "assistant"}


def read(rows: list[tuple[int, Any]], fields: Fields, column: str | None) -> Iterator[Record]:
    """`column` holds what is expected, where it is not `expected`. Raises ConfigError."""
    columns = {key for _, row in rows if isinstance(row, dict) for key in row}
    columns |= {
        key
        for _, row in rows
        if isinstance(row, dict) and isinstance(row.get("input"), dict)
        for key in row["input"]
    }
    if column not in (None, ANSWERS) and column not in columns:
        raise ConfigError(
            f"expected={column}: no such column{did_you_mean(str(column), columns)}; or answers"
        )
    for line, row in rows:
        if not isinstance(row, dict):
            fields.leave(line, "a row", "is no object")
            continue
        talk = next((key for key in _TALKS if isinstance(row.get(key), list)), None)
        yield _talk(line, row, talk, column, fields) if talk else _row(line, row, column)


def _row(line: int, row: dict[str, Any], column: str | None) -> Record:
    """Our own keys are ours; an `input` of an object is the variables, as a table gives them."""
    given = dict(row)
    own = given.pop("input", None)
    variables = dict(own) if isinstance(own, dict) else {}
    expected = given.pop("expected", None)
    id, system, tags = given.pop("id", None), given.pop("system", None), given.pop("tags", None)
    variables |= given
    if column not in (None, ANSWERS):
        expected = variables.pop(str(column), expected)
    found = Record(line, expected=expected, id="" if id is None else str(id), system=system or "")
    found.tags = [
        str(tag) for tag in (tags if isinstance(tags, list | tuple) else [tags] if tags else [])
    ]
    found.about = {
        key: str(value)
        for key, value in (variables | row).items()
        if isinstance(value, str | int | float)
    }
    if isinstance(own, str) and not variables:
        found.messages = [{"role": "user", "content": own}]
    else:
        found.variables = variables | ({"input": own} if isinstance(own, str) else {})
    return found


def _talk(line: int, row: dict[str, Any], key: str, column: str | None, fields: Fields) -> Record:
    """The last answer is the one to give: it is no expected one unless somebody says so."""
    messages = [_message(each) for each in row[key] if isinstance(each, dict)]
    answer = messages.pop()["content"] if messages and messages[-1]["role"] == "assistant" else None
    carried = {key, "id", "expected", "tags", *([column] if column else [])}
    fields.rest(line, row, carried, "stands beside a conversation, which is all that is asked")
    expected = row.get("expected") if column in (None, ANSWERS) else row.get(str(column))
    about = {k: str(v) for k, v in row.items() if isinstance(v, str | int | float)}
    tags = row.get("tags")
    return Record(
        line,
        messages,
        answer=answer,
        expected=expected,
        about=about,
        id=str(row.get("id") or ""),
        tags=[str(tag) for tag in tags] if isinstance(tags, list) else [],
    )


def _message(each: dict[str, Any]) -> dict[str, Any]:
    role = str(each.get("role", each.get("from", "user")))
    content = each.get("content", each.get("value"))
    return {**each, "role": _ROLES.get(role, role), "content": content}
