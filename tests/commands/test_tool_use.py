"""The shipped task of tools, on models whose skill is known beforehand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import load as client
from runner.commands.command_line import main
from runner.decide.sweep import SweepResult, load
from runner.record.outcomes import Answered, made_up_id
from runner.record.run import Run
from tests import loopback
from tests.conftest import KEY
from tests.loopback import Answer, Loopback, Request
from tests.tasks import shipped
from tests.tasks.test_tool_use import readings

PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: loop
litellm: openai
api_base: {base_url}
api_key_env: LOOPBACK_API_KEY
data: third_party
rpm: 5000
"""
MODEL = """
defaults: [/base/model@_here_, /provider: loop, _self_]
name: {name}
id: {name}-2026-01-01
context_tokens: 128000
price: {{input_usd_per_mtok: 0.15, output_usd_per_mtok: 0.6, checked: 2026-11-23, source: tests}}
"""
# How many of the 66 cases each has wrong: 5 % and 30 %; the third writes its calls out as text.
WRONG = {"steady": 3, "shaky": 20, "writer": 0}
CASES = list(shipped.load("tool_use").values())
BY_TEXT = {shipped.text(case): number for number, case in enumerate(CASES)}
Calls = list[dict[str, Any]]


def answer(request: Request) -> Answer:
    """The right calls, or wrong ones of some kind for cases that lie evenly among the others."""
    number = BY_TEXT[request.text]
    name, calls = request.model.partition("-")[0], readings(CASES[number])[0]
    assert len(request.body["tools"]) == 10
    if name == "writer" and calls:
        return loopback.text(json.dumps(calls, ensure_ascii=False))
    if (number * WRONG[name]) % len(CASES) < WRONG[name]:
        calls = spoilt(calls, number)
    return called(calls) if calls else loopback.text("Which one, please?")


def spoilt(calls: Calls, number: int) -> Calls:
    """Wrong in one of four ways."""
    if not calls:
        return [{"name": "get_order", "arguments": {"order_id": "FF-00000"}}]
    [first, *rest] = calls
    other = [{"name": "get_weather", "arguments": {}}, {"name": first["name"], "arguments": "{"}]
    return [[], [other[0], *rest], [other[1], *rest], [*calls, first]][number % 4]


def called(calls: Calls) -> Answer:
    body = loopback.completion(None, finish_reason="tool_calls")
    body["choices"][0]["message"]["tool_calls"] = [
        {
            "id": made_up_id(number),
            "type": "function",
            "function": {
                "name": call["name"],
                "arguments": call["arguments"]
                if isinstance(call["arguments"], str)
                else json.dumps(call["arguments"], ensure_ascii=False),
            },
        }
        for number, call in enumerate(calls, 1)
    ]
    return Answer(body=body)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working directory, with a conf/ that has the models."""
    tmp_path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as set_up, Loopback(answer) as server:
        set_up.setenv("LOOPBACK_API_KEY", KEY)
        set_up.chdir(tmp_path)
        files = {"provider/loop": PROVIDER.format(base_url=server.base_url)}
        files |= {f"model/{name}": MODEL.format(name=name) for name in WRONG}
        for name, text in files.items():
            path = tmp_path / "conf" / f"{name}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        yield tmp_path


@pytest.fixture(scope="module")
def swept(home: Path) -> tuple[Path, SweepResult]:
    wanted = ["task=tool_use", f"model={','.join(WRONG)}", "--config-dir", "conf"]
    assert main(["-m", *wanted]) == 0
    sweep = max(home.glob("outputs/sweeps/*"))
    return sweep, load(sweep)


def test_planted_skill_is_found(swept: tuple[Path, SweepResult]) -> None:
    """Who has 95 % right meets the bound and is recommended, who has 70 % misses it; who only
    writes calls out has none right; the page shows the calls and what was wrong with them."""
    sweep, found = swept
    runs = {row.label: row for row in found.runs}
    quality = {name: runs[name].metrics["quality"].value for name in WRONG}
    none = sum([] in readings(case) for case in CASES)
    assert quality == {
        "steady": pytest.approx(63 / 66),
        "shaky": pytest.approx(46 / 66),
        "writer": pytest.approx(none / 66),
    }
    verdicts = {
        name: next(v.verdict for v in row.verdicts if v.requirement == "min_quality_score")
        for name, row in runs.items()
    }
    assert verdicts == {"steady": "met", "shaky": "missed", "writer": "missed"}
    assert found.best["tool_use"] == "steady"
    assert "steady" in found.recommendations["tool_use"].headline
    page = (sweep / "report.html").read_text()
    assert "hallucinated: no such tool was offered" in page
    assert "in text: " in page


def test_calls_are_on_record(swept: tuple[Path, SweepResult]) -> None:
    """Names, arguments as sent and the order; an answer of calls alone has ended with them."""
    sweep, _ = swept
    [steady] = sweep.glob("*steady")
    lines = [line for line in Run(steady).outcomes() if isinstance(line, Answered)]
    assert len(lines) == len(CASES)
    right = [line for line in lines if line.scores["tool_calls"].value == 1 and line.tool_calls]
    assert len(right) > 40
    for line in right:
        [wanted] = readings(shipped.load("tool_use")[line.case])[:1]
        made = [(call.name, json.loads(call.arguments)) for call in line.tool_calls]
        assert made == [(call["name"], call["arguments"]) for call in wanted]
        assert (line.reply, line.finish_reason) == ("", "tool_calls")
    report = (steady / "report.md").read_text()
    assert "Calls of tools" in report


def test_production_hands_on_the_calls(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line of `run`, what it prints of one text, and a client's answer have the calls."""
    case = next(case for case in CASES if "parallel" in case.tags and "de" not in case.tags)
    wanted = readings(case)[0]
    given = ["task=tool_use", "model=shaky", "requirements=base"]
    Path("one.txt").write_text(shipped.text(case))
    own = ["run", *given, "--config-dir", "conf"]
    assert main([*own, "input=one.txt", "output=answers.jsonl"]) == 0
    said = json.loads(Path("answers.jsonl").read_text())
    assert [call["name"] for call in said["tool_calls"]] == [call["name"] for call in wanted]
    capsys.readouterr()
    assert main([*own, f"input={shipped.text(case)}"]) == 0
    shown = "".join(f"{call['name']}({json.dumps(call['arguments'])})\n" for call in wanted)
    assert capsys.readouterr().out == shown
    with client(*given, config_dir="conf") as production:
        found = production.ask(shipped.text(case))
    assert (found.output, found.finish_reason) == ("", "tool_calls")
    made = [(call.name, json.loads(call.arguments)) for call in found.tool_calls]
    assert made == [(call["name"], call["arguments"]) for call in wanted]
