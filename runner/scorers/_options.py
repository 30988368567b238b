"""Holds a task's options against the signature of a scorer's `score`."""

import inspect
from collections.abc import Callable, Mapping
from inspect import Parameter
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from runner.config.schema import Task
from runner.errors import ConfigError, did_you_mean

ASK = "ask"  # what `score` calls its way to ask a model; no option, so that no config gives it
_SIGNATURE = "def score(reply, case, task, *, <options>)"


def asks(module: ModuleType) -> bool:
    """Whether the scorer asks a model of its own."""
    return ASK in _keywords(module.score)


def bind(module: ModuleType, given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The options in the types that `score` declares; one that isn't given keeps its default.

    Raises ConfigError: `where` opens the lines that are about an option.
    """
    score = _function(module, "score", ("reply", "case", "task"))
    options = _options(score)
    _check_hooks(module, options)
    hints = _hints(module, score)
    problems: list[str] = []
    bound: dict[str, Any] = {}
    for name in given:
        if name not in options:
            near = did_you_mean(name, options) or "; it has no options"
            if name in Task.model_fields:
                near = f"; it is a key of the task: task.{name}"
            problems.append(f"{where}.{name}: no such option{near}")
    for name, parameter in options.items():
        if name in given:
            try:
                bound[name] = TypeAdapter(hints.get(name, Any)).validate_python(given[name])
            except ValidationError as error:
                problems += [_explain(f"{where}.{name}", problem) for problem in error.errors()]
            except PydanticUserError:
                raise ConfigError(
                    f"{module.__file__}: score: option '{name}' has a type that no config can give"
                ) from None
        elif parameter.default is Parameter.empty:
            problems.append(f"{where}.{name}: is missing")
    if problems:
        raise ConfigError(*problems)
    return bound


def _function(module: ModuleType, name: str, takes: tuple[str, ...]) -> Callable[..., Any]:
    """The function, known to be callable with so many positional arguments."""
    function: Callable[..., Any] | None = getattr(module, name, None)
    if not callable(function):
        raise ConfigError(f"{module.__file__}: has no function '{name}'; it needs {_SIGNATURE}")
    try:
        inspect.signature(function).bind(
            *takes, **{key: None for key, value in _keywords(function).items() if _needed(value)}
        )
    except TypeError as error:
        raise ConfigError(
            f"{module.__file__}: {name} must take ({', '.join(takes)}) and options after a *: "
            f"{error}"
        ) from None
    return function


def _check_hooks(module: ModuleType, options: Mapping[str, Parameter]) -> None:
    if hasattr(module, "tables"):
        _function(module, "tables", ("scores",))
    if hasattr(module, "check"):
        check = _function(module, "check", ("case", "task"))
        for name, parameter in _options(check).items():
            if name not in options:
                raise ConfigError(
                    f"{module.__file__}: check: score has no option '{name}'"
                    f"{did_you_mean(name, options)}"
                )
            if _needed(parameter) and not _needed(options[name]):
                raise ConfigError(
                    f"{module.__file__}: check: give '{name}' the default that it has in score"
                )


def _options(function: Callable[..., Any]) -> dict[str, Parameter]:
    return {key: value for key, value in _keywords(function).items() if key != ASK}


def _keywords(function: Callable[..., Any]) -> dict[str, Parameter]:
    parameters = inspect.signature(function).parameters
    return {k: value for k, value in parameters.items() if value.kind is Parameter.KEYWORD_ONLY}


def _needed(parameter: Parameter) -> bool:
    return parameter.default is Parameter.empty


def _hints(module: ModuleType, score: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(score, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        raise ConfigError(f"{module.__file__}: score: a type can't be read: {error}") from None


def _explain(where: str, problem: Any) -> str:
    place = "".join(f"[{part}]" for part in problem["loc"] if isinstance(part, int))
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "model_attributes_type":  # the name of a model of ours, most likely
        package = where.removeprefix("task.")
        message = f"a model comes by the defaults list, with a line like /model@{package}: sonnet"
    return f"{where}{place}: {message[0].lower()}{message[1:]} (it is {problem['input']!r})"
