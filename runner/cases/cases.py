"""The cases of a task: read, checked, selected and turned into messages."""

from collections.abc import Iterator, Mapping, Sized
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from jinja2 import StrictUndefined, Template, TemplateError, UndefinedError, meta
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from runner.cases import images
from runner.cases.rows import rows
from runner.config.schema import Task
from runner.errors import ConfigError, did_you_mean
from runner.record.outcomes import Message

_LONGEST = 20_000_000  # characters of a message: more than any context holds


class PromptFailed(ConfigError):
    """The case has all that the prompt names, and the prompt can't do with it what it says."""


class _Bounded(SandboxedEnvironment):
    """A product within a prompt is no longer than a message may be: memory is finite."""

    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if operator == "*":
            sizes = [len(each) if isinstance(each, Sized) else each for each in (left, right)]
            numbers = all(isinstance(each, int | float) for each in sizes)
            if sizes != [left, right] and numbers and sizes[0] * sizes[1] > _LONGEST:
                raise ValueError(f"a product of over {_LONGEST:,} characters")
        elif isinstance(right, int) and right > 1000:
            raise ValueError(f"a power of {right}")
        return super().call_binop(context, operator, left, right)


_jinja = _Bounded(undefined=StrictUndefined, autoescape=False)


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Case(BaseModel):
    """One line of `cases.jsonl`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, BeforeValidator(_id)] = Field(min_length=1)
    input: str | dict[str, Any]
    expected: Any = None
    tags: tuple[str, ...] = ()
    system: str | None = None
    max_tokens: int | None = Field(None, ge=1)
    images: tuple[str, ...] = ()  # paths: beside the cases file, or as given
    user: str | None = None  # whose request it is: keeps them with one arm of a split


def read(path: Path) -> Iterator[Case]:
    """Stream the cases of a file; one without an id has the number of its line.

    Raises ConfigError naming file and line: what can't be read, a wrong or unknown key, an id used
    twice, an image that can't be sent, a file without cases.
    """
    seen: dict[str, int] = {}
    for number, value in rows(path, tuple(Case.model_fields)):
        found = _parse(value, path, number)
        if found.id in seen:
            raise ConfigError(
                f"{path}:{number}: id '{found.id}' stands in line {seen[found.id]} too"
            )
        seen[found.id] = number
        yield found
    if not seen:
        raise ConfigError(f"{path}: holds no cases")


def _parse(value: Any, path: Path, number: int) -> Case:
    if isinstance(value, dict) and value.get("id") is None:
        value = value | {"id": str(number)}
    try:
        return case(value, path.parent)
    except InvalidCase as error:
        raise ConfigError(*(f"{path}:{number}: {problem}" for problem in error.problems)) from None


class InvalidCase(ValueError):
    """Why something is no case, a line a problem, each with its key."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def case(value: Any, folder: Path) -> Case:
    """A case of the keys that `value` has, its images beside those in `folder`.

    Raises InvalidCase.
    """
    try:
        found = Case.model_validate(value)
        paths = tuple(images.find(name, folder) for name in found.images)
        return found.model_copy(update={"images": paths}) if paths else found
    except ValidationError as error:
        raise InvalidCase(*map(_problem, error.errors())) from None
    except images.NoImage as problem:
        raise InvalidCase(f"images: {problem}") from None


def _problem(found: Mapping[str, Any]) -> str:
    key = ".".join(map(str, found["loc"])) or "line"
    if found["type"] == "extra_forbidden":
        return f"{key}: no such key{did_you_mean(key, Case.model_fields)}"
    return f"{key}: {found['msg'].lower()}"


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
    Raises ConfigError naming the case, where it does not have a variable of the prompt, and
    PromptFailed for whatever else the prompt can't do with its values.
    """
    variables = {"input": case.input} | (case.input if isinstance(case.input, dict) else {})
    try:
        content = _written(_template(task.prompt), variables)
    except UndefinedError as error:
        raise ConfigError(f"task.prompt, case '{case.id}': {error.message}") from None
    except Exception as error:  # a template may do anything with the values of a case
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise PromptFailed(f"task.prompt, case '{case.id}': {what[:300]}") from None
    system = case.system if case.system is not None else task.system
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": _parts(content, case) or content}]


def _written(template: Template, variables: dict[str, Any]) -> str:
    """Raises ValueError once it is too long for any model."""
    pieces: list[str] = []
    length = 0
    for piece in template.generate(variables):
        pieces.append(piece)
        length += len(piece)
        if length > _LONGEST:
            raise ValueError(f"it becomes longer than {_LONGEST:,} characters")
    return "".join(pieces)


def variableless(task: Task) -> str | None:
    """What to say of a prompt that asks the same whatever the case is."""
    try:
        used = meta.find_undeclared_variables(_jinja.parse(task.prompt))
    except TemplateError:
        return None  # said with the first case
    if used:
        return None
    return "task.prompt names no variable, such as {{ input }}: every case is asked the same"


def _parts(text: str, case: Case) -> list[dict[str, str]]:
    """Empty without images."""
    if not case.images:
        return []
    try:
        return [{"type": "text", "text": text}, *map(images.part, case.images)]
    except images.NoImage as problem:
        raise ConfigError(f"case '{case.id}': images: {problem}") from None
