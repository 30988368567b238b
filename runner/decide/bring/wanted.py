"""What is asked, and what an answer has to be; tests that want the same kinds make one task."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta

from runner.cases.prompt import Bounded
from runner.decide.bring.brought import BroughtTask
from runner.decide.suggest import draft

JUDGE = "sonnet"  # of a file that names none: that of conf/task/summarization_judged.yaml
_RUBRIC = """\
The reference says what an answer has to meet.
2: the answer meets all of it.
1: it does not."""
_SHARED = """\
{rubric}
2: the answer meets that.
1: it does not."""
_jinja = Bounded(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
_DUMP = re.compile(r"\|\s*dump\b(?=[^{}]*[%}]\})")  # Nunjucks' name of a filter


@dataclass
class Wanted:
    """What is asked of one answer."""

    checks: list[dict[str, Any]] = field(default_factory=list)  # of the scorer `assertions`
    rubrics: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)  # for `rouge`
    variant: str = "rouge1"

    @property
    def kinds(self) -> tuple[str, ...]:
        held = {"checks": self.checks, "rubric": self.rubrics, "reference": self.references}
        return tuple(kind for kind, each in held.items() if each)


@dataclass
class Test:
    """One case, and what is wanted of its answer."""

    id: str
    variables: dict[str, Any]
    wanted: Wanted
    tags: list[str] = field(default_factory=list)
    system: str | None = None


def as_ours(text: str) -> str:
    """A template of Nunjucks as one of Jinja."""
    return _DUMP.sub("| tojson", text)


def printed(name: str, texts: Sequence[str]) -> bool:
    """Whether templates only write a variable down, and never look into it."""
    plain = re.compile(r"\{\{-?\s*" + re.escape(name) + r"\s*-?\}\}")
    tags = (tag for text in texts for tag in re.findall(r"\{[{%].*?[%}]\}", plain.sub("", text)))
    return not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", tag) for tag in tags)


def filled(text: str, variables: dict[str, Any]) -> str:
    """A template with its variables; as it stands where that can't be done."""
    if "{{" not in text and "{%" not in text:
        return text
    try:
        return _jinja.from_string(as_ours(text)).render(variables)
    except Exception:  # a template may do anything with values
        return text


def named(text: str) -> set[str] | str:
    """The variables of a template, or why it is none that we can fill."""
    try:
        _jinja.from_string(text)
        return set(meta.find_undeclared_variables(_jinja.parse(text)))
    except TemplateError as error:
        return f"is no template that is filled here: {error.message}"


def tasks(
    tests: Sequence[Test], judge: str, transform: Callable[[BroughtTask], None]
) -> list[BroughtTask]:
    """One task for all tests that want the same kinds; `transform` puts in what they share."""
    groups: dict[tuple[str, ...], list[Test]] = {}
    for test in tests:
        groups.setdefault(test.wanted.kinds, []).append(test)
    found = []
    for kinds, group in groups.items():
        suffix = "_".join(kinds) or "unscored"
        task = BroughtTask(suffix if len(groups) > 1 else "", [])
        _score(task, kinds, group, judge)
        transform(task)
        found.append(task)
    return found


def _score(task: BroughtTask, kinds: tuple[str, ...], tests: list[Test], judge: str) -> None:
    expected: list[Any]
    if not kinds:
        suggested = draft([], [None])
        task.scorers, task.why, expected = suggested.scorers, suggested.why, [None] * len(tests)
    elif kinds == ("checks",):
        expected = _of_checks(task, tests)
    else:
        parts = {kind: _part(task, kind, tests, judge, alone=len(kinds) == 1) for kind in kinds}
        alone = parts[kinds[0]] if len(kinds) == 1 else None
        given = [kind for kind in kinds if parts[kind]]
        expected = alone or [
            {kind: parts[kind][n] for kind in given} if given else None for n in range(len(tests))
        ]
        if not any(parts.values()):
            expected = [None] * len(tests)
        if len(task.scorers) > 1:
            task.quality = next(iter(task.scorers))
    _schema(task, tests)
    task.cases = [_case(test, want) for test, want in zip(tests, expected, strict=True)]


def _of_checks(task: BroughtTask, tests: list[Test]) -> list[Any]:
    """The plainest scorer that holds what all of them ask."""
    single = [test.wanted.checks[0] if len(test.wanted.checks) == 1 else {} for test in tests]
    for kind, scorer in (("equals", "exact"), ("regex", "regex")):
        if all(list(each) == [kind] and isinstance(each[kind], str) for each in single):
            task.scorers = {scorer: {}}
            return [each[kind] for each in single]
    if all(list(each) == ["json"] and each == single[0] for each in single):
        task.scorers, task.output, task.fenced = {"json_valid": {}}, "json", False
        return [None] * len(tests)
    task.scorers, task.fenced = {"assertions": {"all": True}}, not _of_json(tests)
    return [test.wanted.checks for test in tests]


def _part(task: BroughtTask, kind: str, tests: list[Test], judge: str, *, alone: bool) -> list[Any]:
    """What each case expects of one kind; nothing where the scorer's options say it all."""
    key = {} if alone else {"key": kind}
    if kind == "checks":
        task.scorers["assertions"], task.fenced = {**key, "all": True}, not _of_json(tests)
        return [test.wanted.checks for test in tests]
    if kind == "reference":
        variants = {test.wanted.variant for test in tests}
        task.scorers["rouge"] = {"variant": min(variants), **key}
        return [test.wanted.references for test in tests]
    texts = ["\n".join(test.wanted.rubrics) for test in tests]
    options: dict[str, Any] = {"model": judge, "scale": 2}
    if len(set(texts)) == 1:
        task.scorers["judge"] = options | {
            "rubric": _SHARED.format(rubric=texts[0]),
            "reference": False,
        }
        return []
    task.scorers["judge"] = options | {"rubric": _RUBRIC, **key}
    return list(texts)


def _of_json(tests: list[Test]) -> bool:
    """Whether a fence around an answer is held against it."""
    checks = (check for test in tests for check in test.wanted.checks)
    return any({"json", "not_json"} & check.keys() for check in checks)


def _schema(task: BroughtTask, tests: list[Test]) -> None:
    """A schema that every test names is the task's: it is sent, where a provider takes one."""
    asked = [[c["json"] for c in test.wanted.checks if "json" in c] for test in tests]
    if asked and all(len(each) == 1 and each == asked[0] for each in asked):
        task.output = "json"
        task.json_schema = asked[0][0] if isinstance(asked[0][0], dict) else None


def _case(test: Test, expected: Any) -> dict[str, Any]:
    only = test.variables.get("input") if len(test.variables) == 1 else None
    found: dict[str, Any] = {"id": test.id, "input": only if isinstance(only, str) else None}
    if found["input"] is None:
        found["input"] = test.variables
    if expected is not None:
        found["expected"] = expected
    if test.tags:
        found["tags"] = test.tags
    if test.system is not None:
        found["system"] = test.system
    return found


def ids(names: Sequence[str]) -> Iterator[str]:
    """An id for each, of its name where there is one, and no two alike."""
    seen: set[str] = set()
    for number, name in enumerate(names, 1):
        stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or str(number)
        found, count = stem, 1
        while found in seen:
            count += 1
            found = f"{stem}-{count}"
        seen.add(found)
        yield found
