"""What the runs of a sweep were asked for, read from their records: alike, or where not.

A difference in quality may be one of the models only where all else was the same.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.measure.observations import own
from runner.record.outcomes import Answered, Line
from runner.record.run import Run

# What shapes a run, besides the model; whom a fallback asks, and at which price, is its own matter.
_SHAPING = ("task", "requirements", "retry", "limit", "tags", "repeats", "concurrency", "seed")
# The same parameter in the words of each provider.
_SAME = {
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "num_predict": "max_tokens",
    "topP": "top_p",
    "stop_sequences": "stop",
    "stopSequences": "stop",
}
_CONTAINERS = ("generationConfig", "options")  # where a provider has its parameters one level down
# Not how, but who and what is asked; and the schema, which has a line of its own.
_NOT_SETTINGS = {
    *("model", "messages", "prompt", "system", "contents", "system_instruction"),
    *("systemInstruction", "stream", "stream_options", "response_format", "output_config"),
    *("output_format", "format", "tools", "tool_choice", "responseSchema", "response_schema"),
    *("responseMimeType", "response_mime_type", "responseJsonSchema", "response_json_schema"),
}
_LONGEST = 40  # characters of a value that a difference quotes


@dataclass(frozen=True)
class Inputs:
    """How one run asked; `explained` are the parameters that its notes speak of already."""

    label: str
    facts: Mapping[str, str]
    explained: set[str] = field(default_factory=set)


@dataclass
class Seen:
    """What a journal shows, line by line; the scores of `scorer` are the quality."""

    scorer: str
    scores: dict[str, list[float]] = field(default_factory=dict)  # quality, by case and repeat
    first: Answered | None = None  # of the first case, so that journals show the same one
    outcomes: int = 0
    replayed: int = 0

    def see(self, line: Line) -> None:
        self.outcomes += 1
        self.replayed += line.replayed
        if not (isinstance(line, Answered) and own(line)):
            return
        if score := line.scores.get(self.scorer):
            self.scores.setdefault(line.case, []).append(score.value)
        if self.first is None or (line.case, line.repeat) < (self.first.case, self.first.repeat):
            self.first = line


def look(run: Run, lines: Iterable[Line]) -> Seen:
    """Look through the journal of a run. Raises StorageError."""
    seen = Seen(run.quality_scorer)
    for line in lines:
        seen.see(line)
    return seen


def asked(label: str, config: Mapping[str, Any], seen: Seen) -> Inputs:
    """`config` is that of run.json, `seen` the whole journal."""
    facts = dict(_flat({key: config.get(key) for key in _SHAPING}))
    facts["fallback"] = str((config.get("fallback") or {}).get("name"))
    model = config.get("model") or {}
    if most := (model.get("provider") or {}).get("max_concurrency"):
        facts["concurrency"] = str(min(most, config.get("concurrency") or most))
    replayed = f"{seen.replayed / seen.outcomes:.0%}" if seen.replayed else "none"
    facts["replayed answers"] = replayed
    if first := seen.first:
        facts |= {f"request.{key}": value for key, value in _settings(first.request)}
        facts["JSON schema"] = first.output_schema or "none"
    return Inputs(label, facts, _explained(model, config))


def differences(candidates: Sequence[Inputs]) -> list[str]:
    """`concurrency: 2 for haiku; 8 for sonnet, opus`, for all that is not the same for all."""
    explained = {name for one in candidates for name in one.explained}
    found = []
    for name in dict.fromkeys(name for one in candidates for name in one.facts):
        values: dict[str, list[str]] = defaultdict(list)
        for one in candidates:
            values[one.facts.get(name, "not sent")].append(one.label)
        if len(values) > 1 and name not in explained:
            said = "; ".join(
                f"{_clip(value)} for {', '.join(who)}" for value, who in values.items()
            )
            found.append(f"{name}: {said}")
    return found


def _explained(model: Mapping[str, Any], config: Mapping[str, Any]) -> set[str]:
    """What `parameters.differences` makes a note of."""
    named = {*(model.get("drop_params") or ()), *(model.get("extra_body") or ())}
    wanted = ((config.get("task") or {}).get("sampling") or {}).get("max_tokens") or 0
    if (model.get("max_output_tokens") or wanted) < wanted:
        named.add("max_tokens")
    found = {f"request.{name}" for name in named}
    return found | ({"JSON schema"} if {"json_schema", "response_format"} & named else set())


def _settings(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in body.items():
        if name in _CONTAINERS and isinstance(value, Mapping):
            yield from _settings(value)
        elif name not in _NOT_SETTINGS:
            yield _SAME.get(name, name), _text(value)


def _flat(tree: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a config, by its dotted key."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", _text(value)


def _text(value: Any) -> str:
    """Equal numbers are equal texts: 0 and 0.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
