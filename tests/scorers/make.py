"""What a scorer is called with, as short as a test wants to write it."""

import asyncio
import re
from pathlib import Path
from typing import Any

from runner import scorers
from runner.cases.cases import Case
from runner.config.schema import Sampling, Task
from runner.record.outcomes import Reply, Score


def task(
    given: dict[str, dict[str, Any]],
    *,
    name: str = "demo",
    json_schema: Any = None,
    fenced: bool = True,
) -> Task:
    return Task(
        name=name,
        cases="demo/cases.jsonl",
        system=None,
        prompt="{{ input }}",
        output="text",
        json_schema=json_schema,
        fenced=fenced,
        sampling=Sampling(temperature=0.0, max_tokens=64),
        scorers=given,
        quality=next(iter(given)),
    )


def reply(text: str) -> Reply:
    return Reply(
        text=text, finish_reason="stop", usage=None, seconds=0.1, model_served=None, request={}
    )


def case(expected: Any, given: str | dict[str, Any] = "?") -> Case:
    return Case(id="c1", input=given, expected=expected)


def judge(
    name: str,
    text: str,
    expected: Any = None,
    *,
    json_schema: Any = None,
    fenced: bool = True,
    given: str | dict[str, Any] = "?",
    **options: Any,
) -> Score:
    """The score of one answer by a built-in scorer, bound and called as a run does it."""
    asked = task({name: options}, json_schema=json_schema, fenced=fenced)
    scorer = scorers.load(asked, [])[name]
    return asyncio.run(call(scorer, text, expected, asked, given))


async def call(
    scorer: scorers.Scorer,
    text: str,
    expected: Any,
    asked: Task,
    given: str | dict[str, Any] = "?",
) -> Score:
    return await scorer(reply(text), case(expected, given), asked)


def problem(
    name: str, expected: Any = None, *, json_schema: Any = None, **options: Any
) -> str | None:
    """What the scorer's check says about a case."""
    asked = task({name: options}, json_schema=json_schema)
    return scorers.load(asked, [])[name].check(case(expected), asked)


def own(folder: Path, name: str, source: str, *, task_name: str = "demo") -> Path:
    """A scorer of the user's own in a directory of tasks."""
    path = folder / task_name / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    return path


def programs(file: str) -> dict[str, str]:
    """Those of a file in this folder, by the names above them (`#: name`)."""
    text = Path(__file__).with_name(file).read_text(encoding="utf-8")
    parts = re.split(r"^#: (.+)\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))
