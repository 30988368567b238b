"""Conversations from the first turn to the last: asked, paid for, scored, resumed."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from runner.config.loading import validate
from runner.errors import BudgetSpent, ConfigError
from runner.pipeline.plan import prepare
from runner.record.files import JOURNAL
from runner.record.journal import read_journal
from runner.record.outcomes import Answered, Failed, Line
from tests import loopback
from tests.conftest import model
from tests.loopback import Answer, Loopback, Request
from tests.pipeline.test_run import MakeJob, execute

TURNS = [{"input": f"text {n}", "expected": f"text {n}"} for n in range(3)]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "runs"


def written(folder: Path, *cases: dict[str, Any]) -> str:
    path = folder / "talks.jsonl"
    path.write_text("".join(json.dumps({"id": f"c{n}"} | c) + "\n" for n, c in enumerate(cases)))
    return str(path)


def line_of(run: Path) -> Line:
    [line] = read_journal(run / JOURNAL)
    return line


def said(request: Request) -> list[str]:
    return [message["content"] for message in request.body["messages"]]


def wrong_in(turn: int) -> Any:
    def answer(request: Request) -> Answer:
        asked = sum(m["role"] == "user" for m in request.body["messages"])
        return loopback.text("no") if asked == turn else loopback.echo(request)

    return answer


async def test_each_answer_is_put_into_the_history(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """What is said in a turn is asked after all that was said and answered before."""
    cases = written(tmp_path, {"turns": TURNS, "system": "Be brief."})
    with Loopback(wrong_in(2)) as server:
        result = await execute(make_job(server.base_url, **{"task.cases": cases}), runs / "a")
    assert [said(request)[1:] for request in server.requests] == [
        ["text 0"],
        ["text 0", "text 0", "text 1"],
        ["text 0", "text 0", "text 1", "no", "text 2"],
    ]
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    assert [each.reply for each in line.exchanges] == ["text 0", "no", "text 2"]
    assert [each.scores["exact"].value for each in line.exchanges] == [1, 0, 1]
    assert [attempt.exchange for attempt in line.attempts] == [1, 2, 3]
    sent = [request.body["messages"] for request in server.requests]
    assert [line.asked_in(number) for number in (1, 2, 3)] == sent
    assert line.cost_usd == pytest.approx(sum(each.cost_usd or 9 for each in line.exchanges))
    # A whole conversation is a request; latency is of each of its turns.
    assert result.metrics["cost_per_request_usd"].n == result.metrics["quality"].n == 1
    assert result.metrics["latency_p50_ms"].n == 3
    assert result.request is not None and "3 turns in 1 conversations" in result.request
    for report in ("report.md", "report.html"):
        assert "request here is a whole conversation" in (runs / "a" / report).read_text()


@pytest.mark.parametrize(("rule", "value"), [("all", 0), ("last", 1), ("mean", 2 / 3)])
async def test_what_a_conversation_scores(
    make_job: MakeJob, runs: Path, tmp_path: Path, rule: str, value: float
) -> None:
    """All: as its worst turn, which is named; last: as its last; mean: as their mean."""
    cases = written(tmp_path, {"turns": TURNS})
    with Loopback(wrong_in(2)) as server:
        job = make_job(server.base_url, **{"task.cases": cases, "task.turns_score": rule})
        result = await execute(job, runs / "a")
    assert result.metrics["quality"].value == pytest.approx(value)
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    assert line.scores["exact"].why.startswith("turn 3" if rule == "last" else "turn 2")


async def test_only_turns_that_expect_something_are_scored(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """The others are asked; and a case's own `expected` is that of its last turn."""
    cases = written(tmp_path, {"turns": ["hello", "text 1"], "expected": "text 1"})
    with Loopback(loopback.echo) as server:
        result = await execute(make_job(server.base_url, **{"task.cases": cases}), runs / "a")
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    assert [list(each.scores) for each in line.exchanges] == [[], ["exact"]]
    assert (result.metrics["quality"].value, line.expected) == (1.0, [None, "text 1"])


async def test_a_turn_that_fails(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """The case has failed, with every turn before on record and paid for, and none is asked after.

    Its attempts are those of one turn: what was retried in the second is not added to the third.
    """

    def answer(request: Request) -> Answer:
        return loopback.overloaded() if len(said(request)) > 1 else loopback.echo(request)

    cases = written(tmp_path, {"turns": TURNS})
    with Loopback(answer) as server:
        result = await execute(make_job(server.base_url, **{"task.cases": cases}), runs / "a")
    line = line_of(runs / "a")
    assert isinstance(line, Failed)
    assert [each.reply for each in line.exchanges] == ["text 0"]
    assert [attempt.exchange for attempt in line.attempts] == [1, 2, 2, 2]
    assert len(server.requests) == 4
    assert line.cost_usd == pytest.approx(line.exchanges[0].cost_usd)
    assert result.metrics["error_rate"].value == 1.0


async def test_a_fallback_in_one_turn_counts_for_the_case(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """It is no answer of the model under test, which is asked first again in the next turn."""

    def answer(request: Request) -> Answer:
        second = len(said(request)) == 3
        return loopback.overloaded() if second else loopback.echo(request)

    cases = written(tmp_path, {"turns": TURNS})
    with Loopback(answer) as primary, Loopback(loopback.echo) as other:
        chain = {"first": model(other.base_url, "second-model")}
        fallback = {"name": "test", "chain": chain, "on": ["overloaded"]}
        job = make_job(primary.base_url, fallback=fallback, **{"task.cases": cases})
        result = await execute(job, runs / "a")
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    assert [each.served_by for each in line.exchanges] == [
        "demo-model",
        "second-model",
        "demo-model",
    ]
    assert line.fallback == "first"
    assert result.metrics["fallback_rate"].value == 1.0
    assert result.metrics["quality"].value is None


async def test_nothing_is_asked_twice(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """Stopped in the midst of a conversation, it goes on with the answers that it had."""
    cases = written(tmp_path, {"turns": TURNS})

    def stuck(request: Request) -> Answer:
        return loopback.hang() if len(said(request)) == 3 else loopback.echo(request)

    with Loopback(stuck) as server:
        job = make_job(server.base_url, **{"task.cases": cases})
        running = asyncio.create_task(execute(job, runs / "a"))
        await asyncio.to_thread(server.wait_for, 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        server.answer = loopback.echo
        result = await execute(job, runs / "b")
    assert [len(said(request)) for request in server.requests] == [1, 3, 3, 5]
    line = line_of(runs / "b")
    assert isinstance(line, Answered)
    assert [each.reply for each in line.exchanges] == ["text 0", "text 1", "text 2"]
    assert result.metrics["quality"].value == 1.0
    # All four requests are on record, that which was under way at its most.
    assert len(line.attempts) == 3
    assert result.spent_usd == pytest.approx(sum(each.cost_usd or 0 for each in line.attempts))


async def test_a_router_looks_at_the_last_turn(
    config: dict[str, Any], runs: Path, tmp_path: Path
) -> None:
    """Each turn is routed for itself, by what the user says in it."""
    cases = written(tmp_path, {"turns": TURNS})
    with Loopback(loopback.echo) as server:
        arms = {name: model(server.base_url, name) for name in ("a", "b")}
        config["model"] = {
            "kind": "router",
            "name": "routed",
            "classifier": None,
            "rules": [{"arm": "b", "regex": "1$"}],
            "arms": arms,
            "otherwise": "a",
            "system": "",
            "sampling": {"max_tokens": 4},
        }
        config["task"]["cases"] = cases
        await execute(validate(config), runs / "a")
    line = line_of(runs / "a")
    assert isinstance(line, Answered)
    assert [each.arm for each in line.exchanges] == ["a", "b", "a"]


async def test_the_budget_in_the_midst(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """What it stops goes on, once there is more, with the answers that were paid for."""
    cases = written(tmp_path, {"turns": TURNS})
    with Loopback(loopback.echo) as server:
        capped = {"task.cases": cases, "task.sampling": {"max_tokens": 64}}
        with pytest.raises(BudgetSpent):
            await execute(make_job(server.base_url, budget_usd=0.00025, **capped), runs / "a")
        asked = len(server.requests)
        result = await execute(make_job(server.base_url, budget_usd=1.0, **capped), runs / "b")
    assert 0 < asked < 3
    assert len(server.requests) == 3
    assert result.metrics["quality"].value == 1.0
    assert result.spent_usd == pytest.approx(3 * 20e-6)


async def test_a_split_keeps_a_conversation_with_its_arm(
    config: dict[str, Any], runs: Path, tmp_path: Path
) -> None:
    """All turns of a case go to one model."""
    config["task"]["cases"] = written(tmp_path, *[{"turns": TURNS} for _ in range(6)])
    with Loopback(loopback.echo) as server:
        arms = {name: model(server.base_url, name) for name in ("a", "b")}
        split = {"kind": "split", "name": "ab", "arms": arms, "weights": {"a": 1, "b": 1}}
        config["model"] = split | {"key": "case", "seed": 0}
        await execute(validate(config), runs / "a")
    of_cases = [
        {each.arm for each in line.exchanges} for line in read_journal(runs / "a" / JOURNAL)
    ]
    assert all(len(arms) == 1 for arms in of_cases)
    assert set().union(*of_cases) == {"a", "b"}


async def test_a_judge_reads_the_conversation(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """It gets what was said until the turn that it judges, and by whom."""
    seen: list[str] = []

    def answer(request: Request) -> Answer:
        if request.model.startswith("judge"):
            seen.append(request.text)
            return loopback.json_text({"reasoning": "fine", "score": 5})
        return loopback.echo(request)

    cases = written(tmp_path, {"turns": ["one", "two"]})
    with Loopback(answer) as server:
        judge = {"model": model(server.base_url, "judge"), "rubric": "good?"}
        changes = {"task.cases": cases, "task.scorers": {"judge": judge}}
        result = await execute(make_job(server.base_url, **changes), runs / "a")
    assert result.metrics["quality"].value == 1.0
    first, second = seen
    assert "user: one" not in first and "one" in first
    assert "user: one\n\nassistant: one\n\nuser: two" in second


def test_a_turn_without_what_its_scorer_needs(make_job: MakeJob, tmp_path: Path) -> None:
    """It is named, with its case, before anything is sent."""
    cases = written(tmp_path, {"turns": [{"input": "x", "expected": {"a": 1}}]})
    scorer = {"label": {"labels": ["yes", "no"]}}
    with pytest.raises(ConfigError, match="case 'c0', turn 1: label: "):
        prepare(make_job("http://nowhere", **{"task.cases": cases, "task.scorers": scorer}))


async def test_the_page_shows_the_conversation(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """In its order, and of a file its name: nothing of the machine."""
    png = tmp_path / "far" / "dot.png"
    png.parent.mkdir()
    png.write_bytes(b"\x89PNG\r\n\x1a\n rest")
    first = {"input": "look", "images": [str(png)]}
    cases = written(tmp_path, {"turns": [first, "and?"], "expected": "and?"})
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, **{"task.cases": cases, "model.vision": True})
        await execute(job, runs / "a")
    shown = (runs / "a" / "report.html").read_text()
    assert "[image: dot.png]" in shown and '"talk"' in shown
    assert str(png.parent) not in shown
    assert str(png.parent) not in (runs / "a" / JOURNAL).read_text()
