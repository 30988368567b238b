"""Requests on record, of whatever tool, as cases: each once, a sample of them, nobody in them."""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.cases.messages import checked
from runner.decide.bring.brought import Brought, BroughtTask, Left
from runner.decide.bring.personal import Scrubber
from runner.decide.bring.prompts import FOLDED, content_of, conversation
from runner.decide.bring.wanted import ids
from runner.decide.suggest import draft
from runner.errors import ConfigError, did_you_mean

ANSWERS = "answers"
_TAG_CHARS = 60


@dataclass
class Record:
    """One request, and what is known of it."""

    line: int
    messages: list[Any] = field(default_factory=list)
    variables: dict[str, Any] | None = None  # in place of messages
    answer: Any = None
    expected: Any = None  # that somebody wrote down; an answer of a model is none
    about: dict[str, str] = field(default_factory=dict)  # what `by` may name
    tags: list[str] = field(default_factory=list)
    id: str = ""
    system: str = ""
    lost: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """What to make of records."""

    expected: str | None = None  # `answers`, or the name of a column
    sample: int | None = None
    seed: int = 0
    by: str | None = None
    personal: bool | None = None  # is replaced; None: in records of real requests


class Fields:
    """Keys of rows that nobody carried: each once, with its first line and how often."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.seen: dict[tuple[str, str, str], tuple[int, int]] = {}

    def leave(self, line: int, what: str, why: str, how: str = "left out") -> None:
        first, count = self.seen.get((what, why, how), (line, 0))
        self.seen[what, why, how] = (min(first, line), count + 1)

    def rest(self, line: int, row: dict[str, Any], carried: Iterable[str], why: str) -> None:
        """All keys of a row, two deep, but those that are carried."""
        known = set(carried)
        for key, value in row.items():
            if key in known or value in (None, "", [], {}):
                continue
            if isinstance(value, dict) and any(each.startswith(f"{key}.") for each in known):
                for below in value:
                    if f"{key}.{below}" not in known and value[below] not in (None, "", [], {}):
                        self.leave(line, f"{key}.{below}", why)
            else:
                self.leave(line, str(key), why)

    def left(self) -> list[Left]:
        return [
            Left(self.file, line, what, why, how, times)  # type: ignore[arg-type]
            for (what, why, how), (line, times) in self.seen.items()
        ]


def brought(
    kind: str, found: Sequence[Record], wish: Wish, fields: Fields, prompt: str | None = None
) -> Brought:
    """A task of the records. Raises ConfigError where there are none, or `by` names nothing."""
    out = Brought(kind)
    talks = not any(record.variables is not None for record in found)  # the prompt is {{ input }}
    asked = [each for record in found if (each := _asked(record, fields, talks)) is not None]
    if not asked:
        raise ConfigError(f"{fields.file}: has no request that could be a case")
    once = list(_once(asked))
    if twice := len(asked) - len(once):
        out.notes.append(f"{twice:,} of {len(asked):,} requests ask the same as one before them")
    chosen = _sample(once, wish)
    if len(chosen) < len(once):
        by = f", by {wish.by}" if wish.by else ""
        out.notes.append(f"a sample of {len(chosen):,} of {len(once):,} (seed {wish.seed}{by})")
    cases, counts = [], Counter[str]()
    given = [record.id for record, _ in chosen]
    names = given if all(given) and len(set(given)) == len(given) else ids(given)
    for (record, case), id in zip(chosen, names, strict=True):
        cases.append(_case(record, case, id, wish, counts))
    _head(out, wish, counts, cases)
    systems = {case.get("system", "") for case in cases}
    shared = systems.pop() if len(systems) == 1 else ""
    for case in cases if shared else ():
        case.pop("system", None)
    suggested = draft(
        [case.get("input") for case in cases], [case.get("expected") for case in cases]
    )
    task = BroughtTask("", cases, prompt or suggested.prompt, shared)
    task.system = "\n\n".join(filter(None, (shared, suggested.system)))
    task.scorers, task.why, task.quality = suggested.scorers, suggested.why, suggested.quality
    task.output, task.json_schema = suggested.output, suggested.json_schema
    out.notes += suggested.notes
    out.tasks = [task]
    out.left = [each for each in fields.left() if each.what != wish.by]  # which is a tag
    return out


def _asked(record: Record, fields: Fields, talks: bool) -> tuple[Record, dict[str, Any]] | None:
    """The record with what its case asks: `input` or, of a conversation, `messages`; `system`."""
    for lost in record.lost:
        fields.leave(record.line, "messages", lost, "changed")
    if record.variables is not None:
        return record, {"input": record.variables, "system": record.system}
    try:
        system, text, folded = conversation(record.messages)
    except ValueError as error:
        fields.leave(record.line, "a request", str(error))
        return None
    if not text.strip():
        fields.leave(record.line, "a request", "has no text")
        return None
    talk = _talk(record.messages) if talks and folded else None
    if talk is not None:
        if lost := folded.removesuffix(FOLDED).removesuffix("; "):
            fields.leave(record.line, "messages", lost, "changed")
        return record, {"messages": talk, "system": record.system or system}
    if folded:
        fields.leave(record.line, "messages", folded, "changed")
    return record, {"input": text, "system": record.system or system}


def _talk(messages: list[Any]) -> list[dict[str, Any]] | None:
    """A conversation as a case has it, its system text aside; None where a case can't."""
    given: list[dict[str, Any]] = []
    for each in messages:
        if not isinstance(each, dict) or not isinstance(each.get("role"), str):
            continue
        role = {"developer": "system", "human": "user"}.get(each["role"], each["role"])
        text, lost = content_of(each)
        if role == "system" and not given:
            continue
        if lost and not each.get("tool_calls"):
            return None  # a part that a case can't have
        message = {"role": role, "content": each.get("content") or "" if lost else text}
        kept = ("tool_calls",) if role == "assistant" else ("tool_call_id",)
        given.append(message | {key: each[key] for key in kept if each.get(key)})
    return given if given and not checked(given, Path())[1] else None


def _once(asked: list[tuple[Record, dict[str, Any]]]) -> Iterator[tuple[Record, dict[str, Any]]]:
    seen = set()
    for record, case in asked:
        key = json.dumps(case, sort_keys=True, default=str)
        if key not in seen:
            seen.add(key)
            yield record, case


def _sample(
    found: list[tuple[Record, dict[str, Any]]], wish: Wish
) -> list[tuple[Record, dict[str, Any]]]:
    """So many in all; of each value of `by` its share of them, by the largest remainders."""
    known = {key for record, _ in found for key in record.about}
    if wish.by and wish.by not in known:
        raise ConfigError(f"by={wish.by}: no record has it{did_you_mean(wish.by, known)}")
    if wish.sample is None or wish.sample >= len(found):
        return found
    strata: dict[str, list[int]] = {}
    for number, (record, _) in enumerate(found):
        strata.setdefault(record.about.get(wish.by or "", ""), []).append(number)
    share = {key: wish.sample * len(each) / len(found) for key, each in strata.items()}
    taken = {key: int(share[key]) for key in strata}
    for key in sorted(strata, key=lambda each: (taken[each] - share[each], each)):
        taken[key] += sum(taken.values()) < wish.sample
    draw = random.Random(wish.seed)
    chosen = {n for key in sorted(strata) for n in draw.sample(strata[key], taken[key])}
    return [each for number, each in enumerate(found) if number in chosen]


def _case(
    record: Record, asked: dict[str, Any], id: str, wish: Wish, counts: Counter[str]
) -> dict[str, Any]:
    case: dict[str, Any] = {"id": id}
    case |= {key: asked[key] for key in ("input", "messages") if key in asked}
    if wish.expected == ANSWERS and record.answer is not None:
        case["expected"] = record.answer
    elif record.expected is not None:
        case["expected"] = record.expected
    tags = list(record.tags)
    if wish.by and wish.by in record.about:
        tags.append(f"{wish.by}={record.about[wish.by]}"[:_TAG_CHARS])
    if tags:
        case["tags"] = list(dict.fromkeys(tags))
    if asked["system"]:
        case["system"] = asked["system"]
    if not wish.personal:
        return case
    scrubber = Scrubber()
    try:
        clean = {key: scrubber.scrub(value) for key, value in case.items() if key != "id"}
        if Scrubber().scrub(id) != id:  # two of them may become one placeholder
            case["id"] = f"line-{record.line}"
    except TimeoutError:
        raise ConfigError(f"line {record.line}: takes too long to look for personal data") from None
    counts.update(scrubber.counts)
    return {"id": case["id"], **clean}


def _head(out: Brought, wish: Wish, counts: Counter[str], cases: Sequence[dict[str, Any]]) -> None:
    if wish.personal:
        said = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items())) or "none"
        out.notes.append(f"personal data and secrets replaced: {said}; names have no form, look")
    if wish.expected == ANSWERS:
        count = sum("expected" in case for case in cases)
        out.head.append(
            f"`expected` of {count} cases is what a model answered then, and was "
            "judged by nobody: it shows what has changed, not what is right."
        )
        out.notes.append(out.head[-1])
    elif any("expected" not in case for case in cases):
        out.notes.append("answers on record are not taken as expected; expected=answers does")
