"""The cases of a task: read, checked, selected and turned into messages."""

from collections.abc import Iterator
from functools import cache
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.cases import images, strict_json
from runner.config.schema import Task
from runner.errors import ConfigError, did_you_mean
from runner.record.outcomes import Message

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
    images: tuple[str, ...] = ()  # paths: beside the cases file, or as given
    user: str | None = None  # whose request it is: keeps them with one arm of a split


def read(path: Path) -> Iterator[Case]:
    """Stream the cases of a JSONL file; blank lines are passed over.

    Raises ConfigError naming file and line: not JSON, a wrong or unknown key, an id used twice, an
    image that can't be sent, a file without cases.
    """
    seen: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    case = _with_images(_parse(line, f"{path}:{number}"), path, number)
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
        return Case.model_validate(strict_json.loads(line))
    except JSONDecodeError as error:
        raise ConfigError(f"{where}: is not JSON: {error.msg} at column {error.colno}") from None
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(map(str, problem["loc"])) or "line"
        if problem["type"] == "extra_forbidden":
            near = did_you_mean(key, Case.model_fields)
            raise ConfigError(f"{where}: {key}: no such key{near}") from None
        raise ConfigError(f"{where}: {key}: {problem['msg'].lower()}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: is not JSON: {error}") from None


def _with_images(case: Case, path: Path, number: int) -> Case:
    if not case.images:
        return case
    try:
        found = tuple(images.find(name, path.parent) for name in case.images)
    except images.NoImage as problem:
        raise ConfigError(f"{path}:{number}: images: {problem}") from None
    return case.model_copy(update={"images": found})


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
    With images the user's message has parts: the text, then each image's path and hash.
    Raises ConfigError when it names a variable that the case does not have.
    """
    variables = {"input": case.input} | (case.input if isinstance(case.input, dict) else {})
    try:
        content = _template(task.prompt).render(variables)
    except TemplateError as error:
        raise ConfigError(f"task.prompt, case '{case.id}': {error.message}") from None
    system = case.system if case.system is not None else task.system
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": _parts(content, case) or content}]


def _parts(text: str, case: Case) -> list[dict[str, str]]:
    """Empty without images."""
    if not case.images:
        return []
    try:
        return [{"type": "text", "text": text}, *map(images.part, case.images)]
    except images.NoImage as problem:
        raise ConfigError(f"case '{case.id}': images: {problem}") from None
