"""Answers that take several steps: calls of tools, their results, and what comes of them."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ConfigError
from runner.pipeline.plan import check_job, prepare
from runner.record.outcomes import Answered
from tests import loopback
from tests.loopback import Answer, Loopback, Request
from tests.pipeline.test_conversation import line_of, written
from tests.pipeline.test_run import MakeJob, execute

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "The weather of a city.", "parameters": CITY}]
ASKED = {"input": "Rain in Lima?", "expected": "no rain"}
TASK = {"task.tools": TOOLS, "task.steps": 4}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "runs"


def calling(*calls: tuple[str, str]) -> Answer:
    """An answer that calls tools."""
    body = loopback.completion(None, finish_reason="tool_calls")
    body["choices"][0]["message"]["tool_calls"] = [
        {"id": f"x{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return Answer(body=body)


def once(*calls: tuple[str, str]) -> Callable[[Request], Answer]:
    """Calls tools until it has a result, and says that."""

    def answer(request: Request) -> Answer:
        last = request.body["messages"][-1]
        return loopback.text(last["content"]) if last["role"] == "tool" else calling(*calls)

    return answer


async def ended(
    make_job: MakeJob, runs: Path, answer: Any, *cases: dict[str, Any], **changes: Any
) -> tuple[Answered, Loopback]:
    with Loopback(answer) as server:
        file = written(runs.parents[1], *cases)
        await execute(
            make_job(server.base_url, **{"task.cases": file} | TASK | changes), runs / "a"
        )
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    return line, server


LIMA = ("weather", '{"city": "Lima"}')


async def test_results_of_the_case(make_job: MakeJob, runs: Path) -> None:
    """The model gets them in the form of its provider; all is on record, and is scored."""
    case = ASKED | {"results": {"weather": "no rain"}}
    line, server = await ended(make_job, runs, once(LIMA), case)
    _, assistant, result = server.requests[1].body["messages"]
    assert [call["function"]["name"] for call in assistant["tool_calls"]] == ["weather"]
    assert result == {"role": "tool", "tool_call_id": "x0", "content": "no rain"}
    first, second = line.exchanges
    assert ([call.arguments for call in first.tool_calls], first.reply) == ([LIMA[1]], "")
    assert (second.said, second.reply) == ([result], "no rain")
    assert (line.reply, line.scores["exact"].value) == ("no rain", 1.0)
    assert [call.name for call in line.as_reply().tool_calls] == ["weather"]
    assert (len(line.attempts), [a.exchange for a in line.attempts]) == (2, [1, 2])


async def test_who_must_call_need_not_call_again(make_job: MakeJob, runs: Path) -> None:
    """A choice is for the first step: with results the model may say what came of them."""
    case = ASKED | {"results": {"weather": "no rain"}}
    line, server = await ended(make_job, runs, once(LIMA), case, **{"task.tool_choice": "required"})
    assert [each.body["tool_choice"] for each in server.requests] == ["required", "auto"]
    assert line.reply == "no rain"


async def test_results_by_their_arguments(make_job: MakeJob, runs: Path) -> None:
    """Of several the one for these arguments is given back, whatever their order and spacing."""
    listed = [
        {"name": "weather", "arguments": {"city": "Oslo"}, "result": "snow"},
        {"name": "weather", "arguments": {"city": "Lima"}, "result": {"rain": False}},
    ]
    call = ("weather", '{ "city":"Lima" }')
    line, _ = await ended(make_job, runs, once(call), ASKED | {"results": listed})
    assert line.reply == '{"rain": false}'


async def test_without_a_result_the_calls_are_the_answer(make_job: MakeJob, runs: Path) -> None:
    """Also where one of two calls has one: no provider takes half of them."""
    listed = [{"name": "weather", "arguments": {"city": "Lima"}, "result": "dry"}]
    both = (LIMA, ("weather", '{"city": "Oslo"}'))
    line, server = await ended(make_job, runs, once(*both), ASKED | {"results": listed})
    assert len(server.requests) == 1
    assert (line.reply, line.finish_reason) == ("", "tool_calls")
    assert [call.arguments for call in line.tool_calls] == [arguments for _, arguments in both]


async def test_it_ends(make_job: MakeJob, runs: Path) -> None:
    """Who calls for ever is asked no more often than the task says."""
    case = ASKED | {"results": {"weather": "no rain"}}
    line, server = await ended(make_job, runs, calling(LIMA), case)
    assert len(server.requests) == len(line.exchanges) == TASK["task.steps"]
    assert len(line.as_reply().tool_calls) == 4


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (("wether", "{}"), "there is no tool wether; there are: weather"),
        (("weather", "{city}"), "the arguments are no JSON"),
        (("weather", "[]"), "the arguments are no object"),
        (("weather", "{}"), "the arguments do not fit: at $: "),
    ],
)
async def test_what_a_call_gets_wrong(
    make_job: MakeJob, runs: Path, call: tuple[str, str], says: str
) -> None:
    """It is told so in place of a result, as at work, and that is on record."""
    line, server = await ended(make_job, runs, once(call), ASKED)
    assert json.loads(server.requests[1].body["messages"][-1]["content"])["error"].startswith(says)
    assert line.exchanges[0].problems[0].startswith(f"{call[0]}: {says}")


async def test_functions_of_a_task(
    make_job: MakeJob, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function of the task's tools.py gives the result; what it raises, and that it is late, is
    told to the model.
    """
    own = tmp_path / "tasks" / "demo" / "tools.py"
    own.parent.mkdir(parents=True)
    own.write_text(
        "import time\n"
        "async def weather(city):\n"
        "    if city == 'Oslo':\n        raise KeyError(city)\n"
        "    if city == 'Rome':\n        time.sleep(60)\n"
        "    if city == 'Bern':\n        raise SystemExit(3)\n"
        "    if city == 'Bonn':\n        return float('nan')\n"
        "    return {'city': city}\n"
    )
    monkeypatch.chdir(tmp_path)
    found = {}
    for city in ("Lima", "Oslo", "Rome", "Bern", "Bonn"):
        call = ("weather", json.dumps({"city": city}))
        (runs / "a").exists() and (runs / "a").rename(runs / f"before-{city}")
        line, _ = await ended(make_job, runs, once(call), ASKED, **{"task.tool_timeout": "500ms"})
        found[city] = line.reply
    assert found["Lima"] == '{"city": "Lima"}'
    assert json.loads(found["Oslo"])["error"].startswith("KeyError: 'Oslo'")
    assert "took over 0.5 s, which is task.tool_timeout" in found["Rome"]
    assert "SystemExit 3" in found["Bern"]
    assert "not JSON" in found["Bonn"]


async def test_steps_within_turns(make_job: MakeJob, runs: Path) -> None:
    """Calls that nothing answers end a turn; the next one has a history that providers take."""
    case = {"turns": [{"input": "Rain?"}, {"input": "so?", "expected": "so?"}]}

    def answer(request: Request) -> Answer:
        return calling(LIMA) if len(request.body["messages"]) == 1 else loopback.echo(request)

    line, server = await ended(make_job, runs, answer, case)
    roles = [message["role"] for message in server.requests[1].body["messages"]]
    assert roles == ["user", "assistant", "tool", "user"]
    assert [each.turn for each in line.exchanges] == [1, 2]
    assert [message["role"] for message in line.exchanges[1].said] == ["tool", "user"]
    assert line.scores["exact"].value == 1.0


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def wether(city): ...", "no function has the name of a tool: weather"),
        ("def weather(city:", "can't be imported: SyntaxError"),
    ],
)
def test_no_such_function(
    make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, says: str
) -> None:
    """A tools.py that nothing could come of is a slip, told before anything is sent."""
    own = tmp_path / "tasks" / "demo" / "tools.py"
    own.parent.mkdir(parents=True)
    own.write_text(code)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=says):
        check_job(make_job("http://nowhere", **TASK), date.today())


def test_results_of_no_tool(make_job: MakeJob, runs: Path) -> None:
    """A result of a tool that the task does not have is for nothing: it is a slip."""
    file = written(runs.parents[1], ASKED | {"results": {"wether": "dry"}})
    with pytest.raises(ConfigError, match="no tool 'wether'; did you mean 'weather'"):
        prepare(make_job("http://nowhere", **{"task.cases": file} | TASK))


def test_steps_without_tools(make_job: MakeJob) -> None:
    """There is nothing that they could be for."""
    with pytest.raises(ConfigError, match="steps: the task has no tools"):
        prepare(make_job("http://nowhere", **{"task.steps": 2}))


@pytest.mark.parametrize(
    ("results", "says"),
    [
        ([{"name": "f", "argments": {}, "result": 1}], "results.0.argments: no such key; did you"),
        ([{"name": "f"}], "results.0.result: field required"),
        (7, "results: "),
    ],
)
def test_wrong_results(make_job: MakeJob, tmp_path: Path, results: Any, says: str) -> None:
    """One line that names file, line and key."""
    file = written(tmp_path, ASKED | {"results": results})
    with pytest.raises(ConfigError) as raised:
        prepare(make_job("http://nowhere", **{"task.cases": file} | TASK))
    assert raised.value.problems[0].startswith(f"{file}:1: {says}")
