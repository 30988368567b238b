"""Whether the calls of tools in an answer are those that were to be made.

`expected` says which: a list of `{"name", "arguments"}`, `[]` or `none` where none is right; or
`{"any": [list, list]}` where several readings are, or `{"calls": …}`. An argument is its value, or
an object that says what may vary (`one_of`, `type`, `schema`, `optional`, `value`: see
_arguments.py). `order: kept` wants the calls in the order given; `arguments: type` looks at no
value, but at the tool's schema alone; `partial: true` gives the share of the calls that are right,
of those expected or made, whichever are more, where else all have to be.

Each call is told apart: right; wrong (another value, one too many or too few); malformed (no JSON
object, or not what the tool's schema allows); unexpected (a tool that was offered, and not to be
called, or not again); hallucinated (a tool that was not offered); missing; and in_text: written out
in the answer, which calls nothing.

What counts as right follows the AST check of the Berkeley Function-Calling Leaderboard
(https://gorilla.cs.berkeley.edu/leaderboard.html): every argument that is not optional is there and
none besides; a value is among the allowed ones, texts without regard to case, blanks and
punctuation, lists in their order; a whole number will do for a float; several calls match in any
order, and in number. Ours differs in these: a call must fit the tool's whole JSON schema, enum,
range and format too, since whoever runs the tool would turn it down; a point within a number and a
minus before one are no punctuation; Unicode is compared in one form; 3.0 is 3 where a whole number
is wanted, as JSON schema has it; the default of an argument may be said; and no call is right only
with an answer in its place, in which none is written out.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from runner.cases import strict_json
from runner.cases.cases import Case
from runner.config import json_schema
from runner.config.schema import Task, Tool
from runner.errors import did_you_mean
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _arguments, _calls_in_text, _expected
from runner.scorers._text import clip

PARTS = (_arguments, *_arguments.PARTS, _calls_in_text, strict_json)
Verdict = Literal["right", "wrong", "malformed", "unexpected", "hallucinated", "missing", "in_text"]
_MOST = 50  # calls that are told one by one


@dataclass(frozen=True)
class _Wanted:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class _Made:
    name: str
    arguments: Any  # None: malformed, see why
    why: str = ""


@dataclass(frozen=True)
class _Told:
    name: str
    verdict: Verdict
    why: str = ""


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    key: str | None = None,
    order: Literal["free", "kept"] = "free",
    arguments: Literal["exact", "type"] = "exact",
    partial: bool = False,
) -> Score:
    tools = {tool.name: tool for tool in task.tools}
    made = [_read(call.name, call.arguments, tools) for call in reply.tool_calls]
    written = [] if made else _calls_in_text.found(reply.text, tools)
    judged = [
        _judged(tools, wanted, made, order == "kept", arguments == "exact")
        for wanted in _readings(case, key)
    ]
    told, right, of = max(judged, key=lambda each: each[1] / each[2] if each[2] else 1.0)
    told = [*(_Told(name, "in_text", _arguments.shown(given)) for name, given in written), *told]
    if not of and not (written or reply.text.strip()):
        return _score(0.0, "no call, and no answer either", told)
    if not of:
        return _score(float(not written), "no call, as expected" if not written else "", told)
    share = right / of
    return _score(share if partial or share == 1 else 0.0, f"{right} of {of} calls right", told)


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _checked(case, task, key))


def example(case: Case, *, key: str | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Names and arguments of the calls of a right answer: of what may vary, the first.

    Raises ValueError where the case has none.
    """
    first, *_ = _readings(case, key)
    return [(want.name, _arguments.example(want.arguments)) for want in first]


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    said = [call for each in scores for call in each.details.get("calls", ())]
    if not said:
        return []
    counts = Counter((call["name"], call["verdict"]) for call in said)
    kinds = [kind for kind in get_args(Verdict) if any(kind == seen for _, seen in counts)]
    names = sorted({name for name, _ in counts})
    rows: list[tuple[str | int, ...]] = [
        (clip(name), *(counts[name, kind] for kind in kinds)) for name in names
    ]
    return [ScorerTable("Calls of tools", ("tool", *kinds), tuple(rows))]


def _score(value: float, why: str, told: Sequence[_Told]) -> Score:
    shown = [
        f"{clip(each.name) or '(no name)'} is {each.verdict.replace('_', ' ')}"
        + (f": {each.why}" if each.why else "")
        for each in told
        if each.verdict != "right"
    ]
    more = [f"and {len(shown) - 5} more"] if len(shown) > 5 else []
    calls = [{"name": t.name, "verdict": t.verdict, "why": t.why} for t in told[:_MOST]]
    details = {"calls": calls} | ({"calls_in_all": len(told)} if len(told) > _MOST else {})
    whole = "; ".join([*([why] if why else []), *shown[:5], *more])
    return Score(value=value, why=whole, details=details)


def _read(name: str, arguments: str, tools: dict[str, Tool]) -> _Made:
    """A call whose arguments are looked at as far as its tool's schema goes."""
    try:
        given = strict_json.loads(arguments) if arguments.strip() else {}
    except ValueError as error:
        return _Made(name, None, f"no JSON ({error}): {clip(arguments)}")
    if not isinstance(given, dict):
        return _Made(name, None, f"no JSON object: {clip(arguments)}")
    if name in tools and (why := json_schema.misfit(tools[name].parameters, given)):
        return _Made(name, None, f"{why} in {clip(arguments)}")
    return _Made(name, given)


def _judged(
    tools: dict[str, Tool],
    wanted: Sequence[_Wanted],
    made: Sequence[_Made],
    in_order: bool,
    exactly: bool,
) -> tuple[list[_Told], int, int]:
    """What is said of each call, how many are right, and of how many."""

    def fits(call: _Made, want: _Wanted) -> bool:
        if call.name != want.name or call.arguments is None:
            return False
        return not (exactly and any(_differs(tools, want, call)))

    pairs = _in_order(wanted, made, fits) if in_order else _matched(wanted, made, fits)
    left = [want for number, want in enumerate(wanted) if number not in pairs.values()]
    told = []
    for number, call in enumerate(made):
        if number in pairs:
            told.append(_Told(call.name, "right"))
            continue
        told.append(_said(tools, call, next((w for w in left if w.name == call.name), None)))
        if told[-1].verdict in ("wrong", "malformed"):
            left = _without(left, call.name)
    told += [_Told(want.name, "missing", _arguments.shown(want.arguments)) for want in left]
    return told, len(pairs), max(len(wanted), len(made))


def _said(tools: dict[str, Tool], call: _Made, want: _Wanted | None) -> _Told:
    if call.name not in tools:
        near = did_you_mean(call.name, tools)
        return _Told(call.name, "hallucinated", f"no such tool was offered{near}")
    if call.arguments is None:
        return _Told(call.name, "malformed", call.why)
    if want is None:
        return _Told(call.name, "unexpected", _arguments.shown(call.arguments))
    why = "; ".join(_differs(tools, want, call)) or "not where it was to be made"
    return _Told(call.name, "wrong", why)


def _differs(tools: dict[str, Tool], want: _Wanted, call: _Made) -> list[str]:
    return list(_arguments.differences(tools[want.name], want.arguments, call.arguments))


def _without(left: list[_Wanted], name: str) -> list[_Wanted]:
    at = next((n for n, want in enumerate(left) if want.name == name), None)
    return left if at is None else [*left[:at], *left[at + 1 :]]


Fits = Callable[[_Made, _Wanted], bool]


def _in_order(wanted: Sequence[_Wanted], made: Sequence[_Made], fits: Fits) -> dict[int, int]:
    pairs = zip(made, wanted, strict=False)
    return {number: number for number, (call, want) in enumerate(pairs) if fits(call, want)}


def _matched(wanted: Sequence[_Wanted], made: Sequence[_Made], fits: Fits) -> dict[int, int]:
    """As many pairs as there can be, by augmenting paths: `{made: wanted}`."""
    who: dict[int, int] = {}  # takes a wanted one
    might = {
        m: [w for w, want in enumerate(wanted) if fits(call, want)] for m, call in enumerate(made)
    }

    def take(m: int, tried: set[int]) -> bool:
        for w in might[m]:
            if w not in tried:
                tried.add(w)
                if w not in who or take(who[w], tried):
                    who[w] = m
                    return True
        return False

    for m in might:
        take(m, set())
    return {m: w for w, m in who.items()}


def _readings(case: Case, key: str | None) -> list[list[_Wanted]]:
    """The lists of calls of which any is right. Raises ValueError saying what is wrong."""
    expected = _expected.value(case, key)
    if isinstance(expected, dict) and expected.keys() == {"calls"}:
        expected = expected["calls"]
    if isinstance(expected, dict) and expected.keys() == {"any"}:
        if not isinstance(expected["any"], list) or not expected["any"]:
            raise ValueError("any: is a list of lists of calls")
        return [_calls(each) for each in expected["any"]]
    return [_calls(expected)]


def _calls(expected: Any) -> list[_Wanted]:
    if expected == "none":
        return []
    if not isinstance(expected, list):
        raise ValueError(
            'expected must be a list of calls, {"name", "arguments"} each; [] where none is right; '
            'or {"any": [list, list]}'
        )
    return [_call(each) for each in expected]


def _call(expected: Any) -> _Wanted:
    if not isinstance(expected, dict) or not isinstance(expected.get("name"), str):
        raise ValueError(
            f"a call is an object with a name and arguments, not {_arguments.shown(expected)}"
        )
    if odd := next((key for key in expected if key not in ("name", "arguments")), None):
        raise ValueError(f"{expected['name']}: a call has no '{odd}'")
    arguments = expected.get("arguments", {})
    if not isinstance(arguments, dict):
        raise ValueError(f"{expected['name']}: arguments must be an object")
    return _Wanted(expected["name"], arguments)


def _checked(case: Case, task: Task, key: str | None) -> None:
    """Raises ValueError."""
    tools, readings = {tool.name: tool for tool in task.tools}, _readings(case, key)
    if not tools:
        raise ValueError("the task has no tools")
    for want in (want for calls in readings for want in calls):
        if want.name not in tools:
            raise ValueError(f"no tool '{want.name}'{did_you_mean(want.name, tools)}")
        if problem := _arguments.problem(tools[want.name], want.arguments):
            raise ValueError(problem)
