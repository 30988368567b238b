"""What the runs of a sweep were asked for, read from their records: alike, or where not.

What the sweep itself tries is the point of it, and so is whatever follows from that.

A difference in quality may be one of the models only where all else was the same.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from sys import intern
from typing import Any, NamedTuple

from runner.cases.messages import text_of
from runner.config.overrides import leaves
from runner.measure.observations import own
from runner.record.outcomes import Answered, Failed, Line
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
_REPLAYED = "replayed answers"
_written = json.JSONEncoder(sort_keys=True, default=str, check_circular=False).encode
_USUAL = {0.0: 0.0, 1.0: 1.0}  # numbers that are kept once
_LONGEST = 40  # characters of a value that a difference quotes


@dataclass(frozen=True)
class Inputs:
    """How one run asked; `explained` are the parameters that its notes speak of already."""

    label: str
    model: str
    facts: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)  # what the sweep tries, by key
    explained: set[str] = field(default_factory=set)


class Asked(NamedTuple):
    """One case as one candidate answered it, all its repeats together."""

    quality: float  # mean, 0..1; a request that failed is worth 0
    usd: float | None  # mean of a request; None: unknown
    chars: int  # of the prompt
    requests: int = 1

    def again(self, quality: float, usd: float | None) -> "Asked":
        n = self.requests
        cost = None if self.usd is None or usd is None else (n * self.usd + usd) / (n + 1)
        return Asked((n * self.quality + quality) / (n + 1), cost, self.chars, n + 1)


@dataclass
class JournalDigest:
    """What a journal shows, line by line; the scores of `scorer` are the quality.

    There may be millions of cases: each one's name is kept once for all journals.
    """

    scorer: str
    scores: dict[str, list[float]] = field(default_factory=dict)  # quality, by case and repeat
    first: Answered | None = None  # of the first case, so that journals show the same one
    requests: dict[str, bytes] = field(default_factory=dict)  # hash of what was sent, by case
    reasoning: dict[str, int] = field(default_factory=dict)  # tokens, by case
    worth: dict[str, Asked] = field(default_factory=dict)  # of requests to their user, by case
    outcomes: int = 0
    replayed: int = 0

    def see(self, line: Line) -> None:
        self.outcomes += 1
        self.replayed += line.replayed
        self._value(line)
        if not own(line):
            return
        case = intern(line.case)
        if score := line.scores.get(self.scorer):
            value = _USUAL.get(score.value, score.value)
            if case in self.scores:
                self.scores[case].append(value)
            else:
                self.scores[case] = [value]
        if line.repeat == 0:
            # On record the body is without its messages, which stand beside it.
            sent = _written([line.messages, line.request])
            self.requests[case] = sha256(sent.encode()).digest()[:8]
            if line.usage:
                self.reasoning[case] = line.usage.reasoning_tokens
        if self.first is None or (line.case, line.repeat) < (self.first.case, self.first.repeat):
            self.first = line

    def _value(self, line: Line) -> None:
        """Of an answer without a score nobody knows what it was worth."""
        score = line.scores.get(self.scorer) if isinstance(line, Answered) else None
        if score is None and not (isinstance(line, Failed) and not line.open):
            return
        mine = score.value if score and own(line) else 0.0
        if before := self.worth.get(line.case):
            self.worth[line.case] = before.again(mine, line.cost_usd)
        else:
            chars = sum(len(text_of(message)) for message in line.messages)
            self.worth[intern(line.case)] = Asked(_USUAL.get(mine, mine), line.cost_usd, chars)


def look(run: Run, lines: Iterable[Line]) -> JournalDigest:
    """Look through the journal of a run. Raises StorageError."""
    seen = JournalDigest(run.quality_scorer)
    for line in lines:
        seen.see(line)
    return seen


def asked(
    label: str,
    config: Mapping[str, Any],
    seen: JournalDigest,
    settings: Mapping[str, Any] | None = None,
) -> Inputs:
    """`config` is that of run.json, `seen` the whole journal, `settings` what was swept."""
    shaping = {key: config.get(key) for key in _SHAPING}
    facts = {key: _text(value) for key, value in leaves(shaping)}
    facts["fallback"] = str((config.get("fallback") or {}).get("name"))
    model = config.get("model") or {}
    if most := (model.get("provider") or {}).get("max_concurrency"):
        facts["concurrency"] = str(min(most, config.get("concurrency") or most))
    facts[_REPLAYED] = f"{seen.replayed / seen.outcomes:.0%}" if seen.replayed else "none"
    if first := seen.first:
        facts |= {f"request.{key}": value for key, value in _settings(first.request)}
        facts["JSON schema"] = first.output_schema or "none"
    tried = {key: _text(value) for key, value in (settings or {}).items()}
    return Inputs(label, str(model.get("name")), facts, tried, _explained(model, config))


def differences(candidates: Sequence[Inputs]) -> list[str]:
    """`concurrency: 2 for haiku; 8 for sonnet, opus`, for all that is not the same for all."""
    explained = {name for one in candidates for name in one.explained}
    found = []
    for name in dict.fromkeys(name for one in candidates for name in one.facts):
        values: dict[str, list[str]] = defaultdict(list)
        for one in candidates:
            values[one.facts.get(name, "not sent")].append(one.label)
        if len(values) > 1 and name not in explained and not _of_the_sweep(name, candidates):
            said = "; ".join(
                f"{_clip(value)} for {', '.join(who)}" for value, who in values.items()
            )
            found.append(f"{name}: {said}")
    return found


def _of_the_sweep(name: str, candidates: Sequence[Inputs]) -> bool:
    """Whether a fact differs only where the sweep has made it differ.

    So it is when all models have it alike wherever the same is tried with them.
    """
    if name == _REPLAYED or not any(one.settings for one in candidates):
        return False
    tried: dict[Any, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for one in candidates:
        # What is tried of one model only can't be held against another.
        common = {key: v for key, v in one.settings.items() if not key.startswith("model.")}
        values = tried[frozenset(common.items())][one.model]
        values.add(one.facts.get(name, "not sent"))
    return all(len(set(map(frozenset, models.values()))) == 1 for models in tried.values())


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


def _text(value: Any) -> str:
    """Equal numbers are equal texts: 0 and 0.0."""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _clip(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
