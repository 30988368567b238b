"""What a page embeds of every case: rows as its script reads them, and each text once.

Texts in rows are numbers of `Texts`, which takes no more of them than a browser does.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from pathlib import Path
from typing import Any

from runner.cases import attachments, strict_json
from runner.config.terminal import clean
from runner.errors import CallFailed
from runner.measure import formatting
from runner.record.outcomes import Answered, Attempt, Exchange, Failed, Message
from runner.report.text import clip

BUDGET = 20_000_000  # characters on a page; what comes after it is clipped

_ALIKE = 200  # characters that texts begin with, so that what they share is kept once

Mark = tuple[int, int, int]


def dense(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def joined(known: dict[str, Any], name: str, written: Sequence[str]) -> str:
    """An object with one more key, whose values are JSON already."""
    return f'{dense(known)[:-1]},"{name}":[{",".join(written)}]}}'


class Texts:
    """Hands out a number for each text. `clipped` counts those that are not there whole.

    Each of so many journals has a share of the budget, and what those before it left.
    """

    def __init__(self, journals: int, budget: int = BUDGET) -> None:
        self.all: list[str] = []
        self.clipped = 0
        self._numbers: dict[str, int] = {}
        self._beginnings: dict[str, tuple[str, bool]] = {}  # by how they begin; whether two have it
        self._left = 0
        self._share = budget // max(1, journals)

    def mark(self) -> Mark:
        return len(self.all), self.clipped, self._left

    def back_to(self, mark: Mark) -> None:
        """As if nothing had been added since."""
        count, self.clipped, self._left = mark
        for text in self.all[count:]:
            del self._numbers[text]
        del self.all[count:]

    def has_room(self, url: str) -> bool:
        """Whether it takes so little that texts have nearly as much room as before."""
        return len(url) * 20 < self._left

    def next_share(self) -> None:
        self._left += self._share

    def add(self, text: str) -> int:
        if (number := self._numbers.get(text)) is not None:  # those there are clean
            return number
        text = clean(text)
        if (number := self._numbers.get(text)) is not None:
            return number
        if (own := self._own(text)) > self._left and (short := clip(text)) != text:
            self.clipped += 1
            text, own = short, len(short)
        number = self._numbers.setdefault(text, len(self.all))
        if number == len(self.all):
            self.all.append(text)
            self._left -= own
        return number

    def _own(self, text: str) -> int:
        """How much of it no other one begins with: the prompts of a task begin alike."""
        if len(text) <= _ALIKE:
            return len(text)
        head = text[:_ALIKE]
        known, shared_by_two = self._beginnings.setdefault(head, (text, False))
        if known is text:
            return len(text)
        shared = _common(known, text)
        if shared_by_two and 2 * shared < len(known):
            return len(text)
        self._beginnings[head] = known[:shared], True
        return len(text) - shared

    def packed(self) -> dict[str, Any]:
        """`beginnings`, and `texts`: such a one is [the number of its beginning, the rest]."""
        beginnings: dict[str, int] = {}
        found: list[str | list[int | str]] = []
        for text in self.all:
            beginning, shared = self._beginnings.get(text[:_ALIKE], ("", False))
            if shared and text.startswith(beginning):
                number = beginnings.setdefault(beginning, len(beginnings))
                found.append([number, text.removeprefix(beginning)])
            else:
                found.append(text)
        return {"texts": found, "beginnings": list(beginnings)}


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one.startswith(other[:middle]) else (low, middle - 1)
    return low


def row(line: Answered | Failed, texts: Texts) -> dict[str, Any]:
    found = {
        "case": clean(line.case),
        "repeat": line.repeat,
        "tags": [clean(tag) for tag in line.tags],
        "prompt": prompt_of(line.messages, texts),
        "expected": None if line.expected is None else texts.add(_text(line.expected)),
        "cells": [],  # of the candidates, each as JSON
    }
    parts = (part for part in attachments.of(line.messages) if part["type"] == "image")
    images = [each for part in parts for each in _image(part, texts)]
    return found | {"images": images} if images else found


def _image(part: dict[str, str], texts: Texts) -> Iterator[int]:
    """As a data URL, where there is room and the file is what was asked about."""
    with suppress(CallFailed):
        url = attachments.data_url(part, {})["image_url"]["url"]
        if texts.has_room(url):
            yield texts.add(url)


def cell(
    line: Answered | Failed, quality: str, beside: dict[str, Any], texts: Texts
) -> dict[str, Any]:
    """One outcome; its row `beside` holds the prompt, unless this one was another."""
    found: dict[str, Any] = {
        "seconds": round(line.seconds, 4),
        "queued": round(line.queued_seconds, 4),
        "cost": _short(line.cost_usd),
        "replayed": line.replayed,
        "attempts": [_attempt(attempt, texts) for attempt in (*line.attempts, *line.judging)],
        "choices": [
            texts.add(f"{choice.model}: {choice.arm}, {choice.how}. {choice.why}")
            for choice in line.choices
        ],
        "skipped": [texts.add(f"{skipped.model}: {skipped.why}") for skipped in line.skipped],
    }
    if line.exchanges:
        found["talk"] = [said for each in line.exchanges for said in _talk(each, texts)]
    if isinstance(line, Failed):
        found["error"] = texts.add(line.error)
        found["kind"] = line.kind or next(
            (a.error for a in line.attempts[::-1] if a.error), "error"
        )
    else:
        score = line.scores.get(quality)
        found["score"] = score.value if score else None
        found["reply"] = texts.add(line.as_text)
        found["scores"] = [
            [name, each.value, texts.add(each.why)] for name, each in line.scores.items()
        ] + [[name, None, texts.add(why)] for name, why in line.unscored.items()]
        if line.human is not None:
            found["scores"].append(
                ["people", line.human, texts.add("who did not know whose it is")]
            )
        found["calls"] = _calls(line, texts)
        found["mute"] = bool(line.called) and not line.reply.strip()
        found["served"] = line.served_by + (f" · {line.arm}" if line.arm else "")
        found["fallback"] = line.fallback
        found["finish"] = line.finish_reason
        found["first_token"] = line.first_token_seconds
    if (prompt := prompt_of(line.messages, texts)) != beside["prompt"]:
        found["prompt"] = prompt
    return _known(found)


def _calls(line: Answered, texts: Texts) -> list[list[Any]]:
    """Name, arguments and verdict of each tool that was called, and of those that were missed."""
    judgements = (s.details["calls"] for s in line.scores.values() if _judged(s.details))
    told: list[dict[str, Any]] = next(judgements, [])
    made = line.called
    judged = [each for each in told if each["verdict"] not in ("missing", "in_text")]
    if [call.name for call in made][: len(judged)] != [each["name"] for each in judged]:
        judged = []  # it was of others: of one turn of several
    rows = [
        [clean(call.name), texts.add(_pretty(call.arguments)), _verdict(verdict, texts)]
        for call, verdict in zip_longest(made, judged)
    ]
    missed = [each for each in told if each["verdict"] in ("missing", "in_text")]
    return rows + [[clean(each["name"]), None, _verdict(each, texts)] for each in missed]


def _judged(details: dict[str, Any]) -> bool:
    """Whether a scorer has told an answer's calls apart, as `tool_calls` does."""
    calls = details.get("calls")
    return isinstance(calls, list) and all(
        isinstance(each, dict) and {"name", "verdict", "why"} <= each.keys() for each in calls
    )


def _verdict(judged: dict[str, Any] | None, texts: Texts) -> int | None:
    if judged is None:
        return None
    said = str(judged["verdict"]).replace("_", " ")
    return texts.add(f"{said}: {judged['why']}" if judged["why"] else said)


def _pretty(arguments: str) -> str:
    """As JSON with a line a key; as it was sent, where it is none."""
    try:
        return _text(strict_json.loads(arguments)) if arguments.strip() else "{}"
    except ValueError:
        return arguments


def _attempt(attempt: Attempt, texts: Texts) -> dict[str, Any]:
    who = (attempt.model, attempt.arm, attempt.role, attempt.fallback and "fallback")
    status = f"HTTP {attempt.status}" if attempt.status else "answered"
    how = f"{attempt.error}: {attempt.message or status}" if attempt.error else status
    found: dict[str, Any] = {
        "who": texts.add(" · ".join(filter(None, who))),
        "how": texts.add(how),
        "failed": attempt.error is not None,
        "seconds": round(attempt.seconds, 4),
        "waited": round(attempt.waited_seconds, 4),
        "cost": _short(attempt.cost_usd),
        "in": attempt.usage and attempt.usage.input_tokens,
        "out": attempt.usage and attempt.usage.output_tokens,
    }
    return _known(found)


def _known(found: dict[str, Any]) -> dict[str, Any]:
    """Without what is false, empty or unknown: a page holds many thousands of these."""
    return {name: v for name, v in found.items() if v or (v == 0 and v is not False)}


def _talk(exchange: Exchange, texts: Texts) -> Iterator[list[Any]]:
    """Role, text and a note on each message of one exchange."""
    for message in exchange.said:
        yield [message["role"], texts.add(_content(message)), None]
    cost = "" if exchange.cost_usd is None else formatting.show(exchange.cost_usd, "usd")
    scores = [f"{name} {each.value:.3g}" for name, each in exchange.scores.items()]
    known = [f"{exchange.seconds:.2f} s", cost, exchange.served_by, *scores, *exchange.problems]
    yield [
        "assistant",
        texts.add(_content(exchange.message)),
        texts.add(" · ".join(filter(None, known))),
    ]


def prompt_of(messages: Sequence[Message], texts: Texts) -> list[list[Any]]:
    """Of each message its role, and the number of its text."""
    return [[message["role"], texts.add(_content(message))] for message in messages]


def _content(message: Message) -> str:
    """Its words, the names of its files, the tools that it calls."""
    content = message["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    lines = [
        part["text"]
        if part.get("type") == "text"
        else f"[{part.get('type')}: {Path(str(part.get('path'))).name}]"
        for part in parts
    ]
    calls = (call.get("function", {}) for call in message.get("tool_calls") or ())
    lines += [f"{call.get('name')}({call.get('arguments')})" for call in calls]
    return "\n".join(filter(None, lines))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def _short(usd: float | None) -> float | None:
    return None if usd is None else float(f"{usd:.6g}")
