"""A config as plain data becomes a pydantic model, or a line for each of its problems."""

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError

from runner.errors import ConfigError, did_you_mean

DEEPEST = 100  # values within values; readers of JSON stop at 200

Typed = TypeVar("Typed", bound=BaseModel)


def validated(kind: type[Typed], tree: Any, at: str = "") -> Typed:
    """Raises ConfigError with one line a problem, each with its key, which starts with `at`."""
    if problem := _unwritable(tree):
        raise ConfigError(at + problem)
    try:
        return kind.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(*(at + _explain(kind, each) for each in error.errors())) from None


def _unwritable(tree: Any) -> str | None:
    """What no record could hold: half a character, or values within values without end."""
    todo: list[tuple[Any, str, int]] = [(tree, "", 0)]
    for value, key, depth in todo:  # grows while it is walked
        if depth > DEEPEST:
            return f"{key[:200]}: is nested too deeply"
        if isinstance(value, str) and not is_whole(value):
            return f"{key.strip('.') or 'config'}: holds half a character ({value[:200]!r})"
        if isinstance(value, dict):
            todo += [(each, f"{key}.{name}".strip("."), depth + 1) for name, each in value.items()]
        elif isinstance(value, list | tuple):
            todo += [(each, f"{key}.{n}".strip("."), depth + 1) for n, each in enumerate(value)]
    return None


def is_whole(text: str) -> bool:
    """Whether a text has no half of a surrogate pair in it, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def unknown_key(kind: type[BaseModel], path: str) -> str | None:
    """What to say of a dotted path that leads nowhere; None when every part of it is known."""
    parts = path.split(".")
    for index, part in enumerate(parts):
        choices = _choices(kind, parts[:index])
        if choices and part not in choices:  # none: its keys are free
            below = [f"{choice}.{path}" for choice in choices if path in _choices(kind, [choice])]
            near = f"; did you mean '{below[0]}'?" if len(below) == 1 and not index else None
            near = near or did_you_mean(part, choices)
            return f"{'.'.join(parts[: index + 1])}: no such key{near}"
    return None


def has_free_keys(kind: type[BaseModel], path: str) -> bool:
    """Whether a path leads into a mapping whose keys are free."""
    *parents, _ = path.split(".")
    return any(get_origin(each) is dict for each in _either(_at(kind, parents)))


def list_above(kind: type[BaseModel], path: str) -> str | None:
    """The list that a dotted path leads into: its items have no keys."""
    parts = path.split(".")
    for index in range(1, len(parts)):
        above = _either(_at(kind, parts[:index]))
        if any(get_origin(each) in (list, tuple) for each in above):
            return ".".join(parts[:index])
    return None


def _explain(kind: type[BaseModel], problem: Mapping[str, Any]) -> str:
    """One pydantic error as `key: what is wrong`."""
    keys = _keys(kind, problem["loc"])
    where = ".".join(keys) or "config"
    if problem["type"] == "extra_forbidden":
        return f"{where}: no such key{did_you_mean(keys[-1], _choices(kind, keys[:-1]))}"
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        near = did_you_mean(problem["ctx"].get("tag", ""), _tags(_at(kind, keys)))
        return f"{where}.kind: says what a model is{near}"
    if problem["type"] == "missing" or problem["input"] == "???":
        return f"{where}: is missing"
    message = problem["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if isinstance(problem["input"], dict | list | BaseModel) or where.endswith("_env"):
        return f"{where}: {message}"  # someone may have put the key itself where its name belongs
    return f"{where}: {message} (it is {_shown(problem['input'])})"


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a number of 5,000 digits
        return "a number beyond all others"
    return text if len(text) <= 200 else f"{text[:200]}…"


def _keys(kind: Any, loc: Sequence[Any]) -> list[str]:
    """The keys as they stand in the config: pydantic puts the tags of unions among them."""
    keys: list[str] = []
    for part in loc:
        tagged = _tags(kind).get(str(part))
        if tagged is None:
            keys.append(str(part))
        kind = tagged or _below(kind, str(part))
    return keys


def _choices(kind: Any, keys: Sequence[str]) -> list[str]:
    """The keys that can stand below `keys`; none where any may."""
    return list(_fields(_at(kind, keys)))


def _either(kind: Any) -> list[Any]:
    """What a value may be, optional and annotated ones unwrapped."""
    if get_origin(kind) in (Annotated, UnionType, Union):
        parts = get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind)
        return [each for part in parts for each in _either(part)]
    return [kind]


def _at(kind: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        kind = _below(kind, key)
    return kind


def _below(kind: Any, key: str) -> Any:
    if get_origin(kind) in (dict, list, tuple):
        return get_args(kind)[-1] if get_origin(kind) is dict else get_args(kind)[0]
    fields = _fields(kind)
    if key in fields:
        return fields[key]
    containers = [part for part in get_args(kind) if get_origin(part) in (dict, list, tuple)]
    return _below(containers[0], key) if containers else None


def _fields(kind: Any) -> dict[str, Any]:
    """The keys of a pydantic model, or of all that a union may be."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}
    if get_origin(kind) in (dict, list, tuple):
        return {}
    return {key: value for part in get_args(kind) for key, value in _fields(part).items()}


def _tags(kind: Any) -> dict[str, Any]:
    """The models of a union by the word in `kind` that picks them, or by a tag of the schema's."""
    if get_origin(kind) is Annotated:
        option, *about = get_args(kind)
        if tag := next((each.tag for each in about if isinstance(each, Tag)), None):
            return {tag: option}
    options = [part for part in get_args(kind) if isinstance(part, type)]
    found = {
        word: option
        for option in options
        if issubclass(option, BaseModel) and "kind" in option.model_fields
        for word in get_args(option.model_fields["kind"].annotation)
    }
    if found or get_origin(kind) in (dict, list, tuple):
        return found
    return {word: option for part in get_args(kind) for word, option in _tags(part).items()}
