"""The checks of a case hold, each of which it names itself: `expected` is a list of them.

    [{"contains": "refund"}, {"not_regex": "sorry|apolog"}, {"json": {"type": "object"}}]

equals         the whole answer, spaces around it aside; what is no text is compared as JSON
contains       a text of it, letter by letter; contains_any, contains_all: of a list
starts_with    its beginning
regex          a pattern found somewhere in it, in the syntax of Python's `re`
json           all of it is JSON, and fits the schema that stands here (`true`: any)
contains_json  there is JSON somewhere in it, likewise

`icontains`, `icontains_any` and `icontains_all` ignore case, and `not_` before each denies it. A
check may have a `weight` and a `name`, by which the report sums up. The value is the weighted share
of the checks that hold; with `all: true` it is 1 where every one does, and else 0.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from runner.cases import reading
from runner.cases.cases import Case
from runner.config import json_schema, patterns
from runner.config.schema import Task
from runner.errors import did_you_mean
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _expected
from runner.scorers._text import clip

PARTS = (reading, json_schema, patterns)
_SECONDS = 3.0  # of a pattern, for one answer
_BESIDE = ("weight", "name")


async def score(
    reply: Reply, case: Case, task: Task, *, key: str | None = None, all: bool = False
) -> Score:
    checks = _checks(case, key)
    # Off the loop: a pattern may take its time.
    held = [
        await asyncio.to_thread(_holds, kind, wanted, reply.text, task.fenced)
        for kind, wanted, _, _ in checks
    ]
    weights = [weight for _, _, weight, _ in checks]
    share = sum(w for w, holds in zip(weights, held, strict=True) if holds) / sum(weights)
    failed = [c for c, holds in zip(checks, held, strict=True) if not holds]
    why = f"{sum(held)} of {len(held)} hold in '{clip(reply.text)}'"
    if failed:
        why += "; not: " + clip("; ".join(_shown(kind, wanted) for kind, wanted, *_ in failed), 240)
    names = [name or kind for kind, _, _, name in checks]
    details = {"held": [[name, holds] for name, holds in zip(names, held, strict=True)]}
    value = float(not failed) if all else min(share, 1.0)
    return Score(value=value, why=why, details=details)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _checks(case, key))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    seen: dict[str, list[bool]] = {}
    for name, holds in (pair for each in scores for pair in each.details["held"]):
        seen.setdefault(name, []).append(holds)
    rows = tuple((name, sum(h), len(h), sum(h) / len(h)) for name, h in seen.items())
    return [ScorerTable("Checks", ("check", "hold", "asked", "rate"), rows)] if rows else []


def _checks(case: Case, key: str | None) -> list[tuple[str, Any, float, str]]:
    """Kind, what it wants, weight and name of each. Raises ValueError."""
    found = _expected.value(case, key)
    if not isinstance(found, list) or not found:
        raise ValueError('expected must be a list of checks, as in [{"contains": "refund"}]')
    checks = [_check(each) for each in found]
    if not sum(weight for _, _, weight, _ in checks):
        raise ValueError("expected has checks of weight 0 alone")
    return checks


def _check(given: Any) -> tuple[str, Any, float, str]:
    kinds = [k for k in given if k not in _BESIDE] if isinstance(given, dict) else []
    if len(kinds) != 1:
        raise ValueError(f"expected has a check that is not one kind and its value: {given!r}")
    kind, wanted, weight = kinds[0], given[kinds[0]], given.get("weight", 1)
    plain = kind.removeprefix("not_")
    if plain not in KINDS:
        raise ValueError(f"expected has no check '{kind}'{did_you_mean(plain, KINDS)}")
    if isinstance(weight, bool) or not isinstance(weight, int | float) or weight < 0:
        raise ValueError(f"expected has the weight {weight!r}, which is no number from 0")
    if problem := _problem(plain, wanted):
        raise ValueError(f"expected, {kind}: {problem}")
    return kind, wanted, float(weight), str(given.get("name") or "")


def _problem(kind: str, wanted: Any) -> str | None:
    if kind == "equals":
        return None
    if kind in ("json", "contains_json"):
        if isinstance(wanted, dict):
            return json_schema.problem(wanted)
        return None if wanted is True else "takes a schema, or true"
    if kind.endswith(("_any", "_all")):
        texts = isinstance(wanted, list) and wanted and all(isinstance(w, str) for w in wanted)
        return None if texts else "takes a list of texts"
    if not isinstance(wanted, str) or not wanted:
        return "takes a text"
    if kind == "regex":
        patterns.compiled(wanted)
    return None


def _holds(kind: str, wanted: Any, text: str, fenced: bool) -> bool:
    plain = kind.removeprefix("not_")
    return KINDS[plain](text, wanted, fenced) != kind.startswith("not_")


def _equals(text: str, wanted: Any, fenced: bool) -> bool:
    if isinstance(wanted, str):
        return text.strip() == wanted.strip()
    try:
        return json.dumps(reading.as_json(text, fenced=fenced)[0], sort_keys=True) == json.dumps(
            wanted, sort_keys=True
        )
    except ValueError:
        return False


def _json(text: str, wanted: Any, fenced: bool) -> bool:
    try:
        return _fits(wanted, reading.as_json(text, fenced=fenced)[0])
    except ValueError:
        return False


def _contains_json(text: str, wanted: Any, fenced: bool) -> bool:
    """Objects and arrays alone: a lone number is in most texts."""
    at, decoder = 0, json.JSONDecoder()
    while (at := min((i for s in "{[" if (i := text.find(s, at)) >= 0), default=-1)) >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
            continue
        if _fits(wanted, value):
            return True
        at = end
    return False


def _fits(wanted: Any, value: Any) -> bool:
    return wanted is True or json_schema.misfit(wanted, value) is None


KINDS: dict[str, Callable[[str, Any, bool], bool]] = {
    "equals": _equals,
    "contains": lambda text, wanted, _: wanted in text,
    "contains_any": lambda text, wanted, _: any(each in text for each in wanted),
    "contains_all": lambda text, wanted, _: all(each in text for each in wanted),
    "icontains": lambda text, wanted, _: wanted.lower() in text.lower(),
    "icontains_any": lambda text, wanted, _: any(w.lower() in text.lower() for w in wanted),
    "icontains_all": lambda text, wanted, _: all(w.lower() in text.lower() for w in wanted),
    "starts_with": lambda text, wanted, _: text.startswith(wanted),
    "regex": lambda text, wanted, _: patterns.found(wanted, text, seconds=_SECONDS),
    "json": _json,
    "contains_json": _contains_json,
}


def _shown(kind: str, wanted: Any) -> str:
    return f"{kind} {clip(json.dumps(wanted, ensure_ascii=False), 80)}"
