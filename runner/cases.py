"""The cases of a task: read, checked, selected and turned into messages."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.errors import ConfigError, did_you_mean
from runner.records import Message
from runner.schema import Task

_jinja = SandboxedEnvironment(undefined=StrictUndefined, autoescape=False)


class Case(BaseModel):
    """One line of `cases.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(min_length=1)
    input: str | dict[str, Any]
    expected: Any = None
    tags: tuple[str, ...] = ()
    system: str | None = None
    max_tokens: int | None = Field(None, ge=1)


def read(path: Path) -> Iterator[Case]:
    """Stream the cases of a JSONL file; blank lines are passed over.

    Raises ConfigError naming file and line: not JSON, a wrong or unknown key, an id used twice, a
    file without cases.
    """
    seen: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    case = _parse(line, f"{path}:{number}")
                    if case.id in seen:
                        raise ConfigError(
                            f"{path}:{number}: id '{case.id}' stands in line {seen[case.id]} too"
                        )
                    seen[case.id] = number
                    yield case
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    if not seen:
        raise ConfigError(f"{path}: holds no cases")


def _parse(line: str, where: str) -> Case:
    try:
        return Case.model_validate(json.loads(line))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}: is not JSON: {error.msg} at column {error.colno}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "line"
        if problem["type"] == "extra_forbidden":
            near = did_you_mean(key, Case.model_fields)
            raise ConfigError(f"{where}: {key}: no such key{near}") from None
        raise ConfigError(f"{where}: {key}: {problem['msg'].lower()}") from None


def select(
    cases: Iterator[Case], *, tags: tuple[str, ...] = (), limit: int | None = None
) -> Iterator[Case]:
    """Only cases with one of `tags`, and of those only the first `limit`.

    The whole file is read even so: a mistake in its last line is better found now.
    """
    known: set[str] = set()
    taken = 0
    for case in cases:
        known.update(case.tags)
        if (not tags or set(tags) & set(case.tags)) and (limit is None or taken < limit):
            taken += 1
            yield case
    for tag in tags:
        if tag not in known:
            raise ConfigError(f"tags: no case has '{tag}'{did_you_mean(tag, known)}")


@cache  # compiling costs sixty times as much as rendering
def _template(prompt: str) -> Template:
    return _jinja.from_string(prompt)


def render(task: Task, case: Case) -> list[Message]:
    """The messages of one request.

    The prompt is a Jinja template: it sees `input`, and the keys of an `input` that is a mapping.
    Raises ConfigError when it names a variable that the case does not have.
    """
    variables = {"input": case.input} | (case.input if isinstance(case.input, dict) else {})
    try:
        content = _template(task.prompt).render(variables)
    except TemplateError as error:
        raise ConfigError(f"task.prompt, case '{case.id}': {error.message}") from None
    system = case.system if case.system is not None else task.system
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": content}]
