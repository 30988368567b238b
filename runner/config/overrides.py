"""What a mapping sets besides the model of a task: the rest of a configuration that was promoted.

    overrides:
      reasoning: {task.sampling.reasoning_effort: high}

Keys are those of the command line, where the same key wins. A prompt of conf/prompt/ is named in
the mapping's defaults, `/prompt@overrides.reasoning.prompt: terse`, so that its text stands once.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from runner.config import validation
from runner.config.schema import Job
from runner.errors import ConfigError

KEY = "overrides"  # of a mapping: no task has this name
_ROOTS = ("task", "model", "seed")  # what shapes an answer; all else is how it is asked for


def leaves(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a config, by its dotted key; an empty mapping is one."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def shapes_answers(key: str) -> bool:
    """Whether a mapping may set it."""
    return key.partition(".")[0] in _ROOTS


def apply(
    config: dict[str, Any], mapping: Mapping[str, Any], task: str, given: Iterable[str] = ()
) -> None:
    """Set in `config` what the mapping says of a task, but for what `given` overrides say.

    Raises ConfigError for a key that there is not.
    """
    said = (mapping.get(KEY) or {}).get(task) or {}
    keys = named(given)
    chosen = said.get("prompt") or {}
    wanted = {} if "prompt" in keys else {f"task.{key}": value for key, value in leaves(chosen)}
    wanted |= leaves({key: value for key, value in said.items() if key != "prompt"})
    for key, value in wanted.items():
        _check(key, f"mapping.{KEY}.{task}.{key}")
        if not any(_overlap(key, each) for each in keys):
            put(config, key, value)


def named(given: Iterable[str]) -> set[str]:
    """The keys that overrides set; which task it is, and which model, sets none of theirs."""
    keys = {override.partition("=")[0].lstrip("+~").partition("@")[0] for override in given}
    return keys - {"task", "model"}


def put(config: dict[str, Any], key: str, value: Any) -> None:
    """Set one dotted key."""
    *parents, last = key.split(".")
    for parent in parents:
        below = config.get(parent)
        config[parent] = dict(below) if isinstance(below, Mapping) else {}
        config = config[parent]
    config[last] = value


def _check(key: str, where: str) -> None:
    if not shapes_answers(key):
        raise ConfigError(f"{where}: a mapping sets {', '.join(_ROOTS)} and what is below them")
    if problem := validation.unknown_key(Job, key):
        raise ConfigError(f"{where}: {problem}")


def _overlap(one: str, other: str) -> bool:
    return f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
