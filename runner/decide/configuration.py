"""A candidate is a configuration: a model, and whatever else differs among the runs of a sweep.

`gpt-6-luna · effort=high` is named by what differs, recommended by that name, and promoted with it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote
from typing import Any

from runner.config.overrides import leaves
from runner.errors import ConfigError, did_you_mean

SEPARATOR = " · "
PROMPT = "task.prompt_name"
_LONGEST = 24  # characters of a value in a label
# What a run was for, and where it went: no part of what was tried.
_ASIDE = (
    *("outputs", "junit", "baseline", "reuse", "gate", "estimate", "tracing", "verbose"),
    *("budget_usd", "budget_dir", "duplicate"),
)
_SHORT = {"reasoning_effort": "effort", "prompt_name": "prompt"}


@dataclass(frozen=True)
class Configuration:
    """`settings` are the values of what differs, by key; one that a run lacks is left out."""

    label: str
    settings: dict[str, Any]


def configurations(runs: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Configuration]:
    """Of (model, config) pairs on one task: what tells each from the others.

    Below `model` only runs of one model are compared: another model is told by its name. A run
    whose config is not on record is its model, and no more is known of it.
    """
    flat = [(model, dict(leaves(config))) for model, config in runs]
    known = [(model, found) for model, found in flat if found]
    common = _varied([_without_model(found) for _, found in known])
    own = {
        model: _varied([_of_model(found) for other, found in known if other == model])
        for model in {model for model, _ in known}
    }
    return [
        _configuration(model, found, [*own[model], *common] if found else [])
        for model, found in flat
    ]


def find(labels: Sequence[str], wanted: str, where: str) -> int:
    """The place of a label, or of the only one that has all the parts that are named.

    Raises ConfigError where there is none, or more than one.
    """
    if wanted in labels:
        return labels.index(wanted)
    words = set(wanted.replace(SEPARATOR, " ").split())
    fit = [label for label in labels if words and words <= set(_parts(label))]
    if len(fit) > 1:
        raise ConfigError(f"candidate: '{wanted}' may be {' or '.join(map(repr, fit))}")
    if not fit:
        raise ConfigError(f"candidate: {where} has no '{wanted}'{did_you_mean(wanted, labels)}")
    return labels.index(fit[0])


def short(keys: Sequence[str]) -> dict[str, str]:
    """Each key by the word that people have for it; whole where two have the same."""
    words = {key: _word(key) for key in keys}
    several = list(words.values())
    return {key: key if several.count(word) > 1 else word for key, word in words.items()}


def arguments(settings: Mapping[str, Any]) -> list[str]:
    """As they are typed: `prompt=zero_shot`, `task.sampling.reasoning_effort=high`."""
    found = []
    for key, value in settings.items():
        name = "prompt" if key == PROMPT else key.removesuffix(".name")
        found.append(quote(f"{name}={value if isinstance(value, str) else json.dumps(value)}"))
    return found


def shown(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _configuration(model: str, found: Mapping[str, Any], keys: Sequence[str]) -> Configuration:
    said = [f"{word}={shown(found.get(key))}" for key, word in short(keys).items()]
    settings = {key: found[key] for key in keys if key in found}
    return Configuration(SEPARATOR.join([model, *said]), settings)


def _without_model(found: Mapping[str, Any]) -> dict[str, Any]:
    roots = {"model", *_ASIDE}
    return {key: value for key, value in found.items() if key.partition(".")[0] not in roots}


def _of_model(found: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key.startswith("model.")}


def _varied(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """The keys in which configs differ, but for what only comes with a name that differs."""
    keys = dict.fromkeys(key for found in configs for key in found)
    varied = [
        key
        for key in keys
        if any(found.get(key) != configs[0].get(key) for found in configs[1:])
        and not any(other.startswith(f"{key}.") for other in keys)  # empty, where others are not
    ]
    named = [key for key in varied if key == PROMPT or key.endswith(".name")]
    return [
        key
        for key in varied
        if not any(name != key and _comes_with(key, name, configs) for name in named)
    ]


def _comes_with(key: str, name: str, configs: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a key stands beside or below a name, and has one value wherever that has one."""
    if not key.startswith("task." if name == PROMPT else name.removesuffix("name")):
        return False
    values: dict[Any, Any] = {}
    pairs = ((found.get(name), found.get(key)) for found in configs)
    return all(values.setdefault(called, value) == value for called, value in pairs)


def _word(key: str) -> str:
    *above, last = key.split(".")
    word = above[-1] if last == "name" and above else last
    return _SHORT.get(word, word)


def _parts(label: str) -> Iterable[str]:
    """What a label may be asked for by: the model, `effort=high`, `high`."""
    for part in label.split(SEPARATOR):
        yield part
        if "=" in part:
            yield part.partition("=")[2]
