"""The cases of a task: read, checked and selected."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from runner.cases import attachments
from runner.cases.messages import LONGEST, checked, last_text
from runner.cases.rows import rows, with_variables
from runner.errors import ConfigError, did_you_mean
from runner.record.outcomes import Message


class Turn(BaseModel):
    """What the user says next, whatever the answer before it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: str = Field(min_length=1, max_length=LONGEST)
    expected: Any = None
    images: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def _turn(value: Any) -> Any:
    return {"input": value} if isinstance(value, str) else value


def _id(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class Result(BaseModel):
    """What a tool gives back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    arguments: dict[str, Any] | None = None  # of the call that it is for; None: of any
    result: Any


def _results(value: Any) -> Any:
    """By the names of tools, or a list."""
    if not isinstance(value, dict):
        return value
    return [{"name": name, "result": result} for name, result in value.items()]


class Case(BaseModel):
    """One line of `cases.jsonl`. It has `input`, or `messages`, or `turns`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, BeforeValidator(_id)] = Field(min_length=1)
    input: str | dict[str, Any] = ""
    messages: tuple[Message, ...] = ()  # a conversation whose next answer is asked for
    turns: tuple[Annotated[Turn, BeforeValidator(_turn)], ...] = ()  # each answer is asked for
    expected: Any = None  # of turns: that of the last
    tags: tuple[str, ...] = ()
    system: str | None = None
    max_tokens: int | None = Field(None, ge=1)
    images: tuple[str, ...] = ()  # paths: beside the cases file, or as given
    files: tuple[str, ...] = ()  # of PDFs, likewise
    results: Annotated[tuple[Result, ...], BeforeValidator(_results)] = ()  # of calls of tools
    user: str | None = None  # whose request it is: keeps them with one arm of a split

    @property
    def asked(self) -> Any:
        """What stands in the case to be asked."""
        if self.messages or self.turns:
            return [*self.messages, *(turn.model_dump() for turn in self.turns)]
        return self.input

    @property
    def wanted(self) -> Any:
        """What is expected; of turns a list, where one of them expects something."""
        of_turns = [turn.expected for turn in self.turns]
        return of_turns if any(each is not None for each in of_turns) else self.expected

    @property
    def text(self) -> str:
        """What is asked of the model, without the task's words: the user's last message."""
        if self.turns:
            return self.turns[-1].input
        if self.messages:
            return last_text(self.messages)
        given = self.input
        return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def read(path: Path, *, as_table: bool = False) -> Iterator[Case]:
    """Stream the cases of a file; one without an id has the number of its line.

    With `as_table` keys that no case has are variables of the prompt in JSON, too, as columns are.
    Raises ConfigError naming file and line: what can't be read, a wrong or unknown key, an id used
    twice, an image that can't be sent, a file without cases.
    """
    seen: dict[str, int] = {}
    keys = tuple(Case.model_fields)
    for number, value in rows(path, keys):
        if as_table and isinstance(value, dict) and value.keys().isdisjoint(("messages", "turns")):
            value = with_variables(value, keys)
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
    """A case of the keys that `value` has, its images and files beside those in `folder`.

    Raises InvalidCase.
    """
    try:
        found = Case.model_validate(value)
    except ValidationError as error:
        found_first = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        by_key = {str(each["loc"][:1]): each for each in reversed(found_first)}
        raise InvalidCase(*map(_problem, reversed(by_key.values()))) from None
    given = found.model_fields_set
    if "input" in given and given.isdisjoint(_MORE):
        return found
    if problems := list(_at_odds(found)):
        raise InvalidCase(*problems)
    changes: dict[str, Any] = {}
    if found.messages:
        messages, problems = checked(found.messages, folder)
        if problems:
            raise InvalidCase(*problems)
        if messages[0]["role"] == "system":
            changes["system"] = messages.pop(0)["content"]
        changes["messages"] = tuple(messages)
    turns = [
        turn.model_copy(update=_found(turn, folder, f"turns.{number}."))
        for number, turn in enumerate(found.turns)
    ]
    if turns and found.expected is not None:
        turns[-1] = turns[-1].model_copy(update={"expected": found.expected})
    if turns:
        changes |= {"turns": tuple(turns), "expected": None}
    changes |= _found(found, folder)
    return found.model_copy(update=changes) if changes else found


_MORE = {"messages", "turns", "images", "files"}  # beside an input: to be looked at


def _at_odds(found: Case) -> Iterator[str]:
    """Keys of which a case has one too few, or too many."""
    asked: list[str] = [k for k in ("input", "messages", "turns") if k in found.model_fields_set]
    if not asked:
        yield "input: field required, or messages, or turns"
    for key in asked[1:]:
        yield f"{key}: there is {asked[0]} already: a case has one of input, messages and turns"
    if asked == ["input"]:
        return
    for key in ("images", "files"):
        if getattr(found, key):
            yield f"{key}: belong to a part of a message, or to a turn"
    for key in asked:
        if key != "input" and not getattr(found, key):
            yield f"{key}: is empty"
    if found.system is not None and any(m.get("role") == "system" for m in found.messages[:1]):
        yield "system: stands in messages, too"
    if found.turns and found.expected is not None and found.turns[-1].expected is not None:
        yield "expected: is that of the last of the turns, which has one of its own"


def _found(holder: Case | Turn, folder: Path, at: str = "") -> dict[str, Any]:
    """The paths of its images and files. Raises InvalidCase."""
    kinds: dict[str, attachments.Kind] = {"images": "image", "files": "file"}
    paths: dict[str, Any] = {}
    for key, kind in kinds.items():
        if names := getattr(holder, key):
            try:
                paths[key] = tuple(attachments.find(name, folder, kind) for name in names)
            except attachments.Unusable as problem:
                raise InvalidCase(f"{at}{key}: {problem}") from None
    return paths


def _problem(found: Mapping[str, Any]) -> str:
    key = ".".join(map(str, found["loc"])) or "line"
    if found["type"] == "extra_forbidden":
        parts: dict[Any, type[BaseModel]] = {"turns": Turn, "results": Result}
        inside = len(found["loc"]) > 1
        known = parts.get(found["loc"][0], Case).model_fields if inside else Case.model_fields
        return f"{key}: no such key{did_you_mean(str(found['loc'][-1]), known)}"
    said = found["msg"].lower().replace("a valid tuple", "a list")
    said = said.replace("a valid dictionary", "an object").removesuffix(" or instance of turn")
    return f"{key}: {said}"


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
