"""Whole runs against a loopback provider: what is asked, kept, resumed and replayed."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.config.schema import Job
from runner.errors import BudgetSpent, ConfigError
from runner.pipeline.plan import prepare
from runner.pipeline.resume import claim
from runner.pipeline.run import run
from runner.pipeline.session import connected
from runner.price import paid_at_most
from runner.record.files import JOURNAL, RESULT, RUN, read_json
from runner.record.journal import read_journal
from runner.record.outcomes import Answered, Failed, Result
from runner.record.run import Run
from runner.report import build
from runner.scorers import ScorerFailed
from tests import loopback
from tests.conftest import KEY, model, write_cases
from tests.loopback import Gate, Held, Loopback, Request, hang_after, in_turn

MakeJob = Callable[..., Job]


async def execute(job: Job, directory: Path) -> Result:
    plan = prepare(job)
    with claim(plan, directory):
        async with connected([job], earlier=Run(directory).paid()) as dispatch:
            await run(plan, directory, dispatch, lambda: None)
        return build(directory)


def answered(directory: Path) -> Counter[tuple[str, int]]:
    return Counter((line.case, line.repeat) for line in read_journal(directory / JOURNAL))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "runs"


async def test_record(make_job: MakeJob, runs: Path) -> None:
    """A run leaves who was asked, every outcome and what they add up to."""
    with Loopback(loopback.echo) as server:
        result = await execute(make_job(server.base_url, repeats=2), runs / "a")
    assert result.complete
    assert result.metrics["quality"].value == 1.0
    assert result.metrics["cost_total_usd"].value == pytest.approx(8 * 20e-6)
    assert set(answered(runs / "a").values()) == {1}
    assert len(answered(runs / "a")) == 8
    record = read_json(runs / "a" / RUN)
    assert record["cases"]["count"] == 4
    assert record["prices"]["demo-model"]["input_usd_per_mtok"] == 1.0
    line = json.loads((runs / "a" / JOURNAL).read_text().splitlines()[0])
    wanted = "case repeat status model served_by messages request reply finish_reason usage scores"
    assert set(f"{wanted} cost_usd seconds attempts error".split()) <= set(line)


async def test_a_server_of_ones_own_is_paid_for_by_its_time(make_job: MakeJob, runs: Path) -> None:
    """Its requests share each second, so that they cost no more than the whole run did.

    That cost is one at this run's concurrency and speed, which its result notes.
    """
    loop = asyncio.get_running_loop()
    with Loopback(loopback.echo) as server:
        began = loop.time()
        job = make_job(
            server.base_url, **{"model.price": {"usd_per_hour": 3600, "utilisation": 1.0}}
        )
        result = await execute(job, runs / "a")
        passed = loop.time() - began
    each = [line.cost_usd for line in read_journal(runs / "a" / JOURNAL)]
    assert all(each)
    cost = result.metrics["cost_per_request_usd"].value
    assert cost
    [note] = result.notes
    assert f"at a concurrency of 4 and {1 / cost:.2g} answers a second" in note
    assert result.spent_usd is not None and 0 < result.spent_usd <= passed  # $1 a second
    assert result.metrics["cost_per_request_usd"].value == pytest.approx(result.spent_usd / 4)


async def test_failures_are_not_scored(make_job: MakeJob, runs: Path) -> None:
    """When every call fails the quality is unknown, and each case got its attempts."""
    with Loopback(loopback.overloaded()) as server:
        result = await execute(make_job(server.base_url), runs / "a")
    per_case = Counter(request.text for request in server.requests)
    assert set(per_case.values()) == {3}
    assert result.metrics["quality"].value is None
    assert result.metrics["error_rate"].value == 1.0
    assert all(isinstance(line, Failed) for line in read_journal(runs / "a" / JOURNAL))


async def test_what_was_not_sent_is_no_failure(
    make_job: MakeJob, runs: Path, tmp_path: Path
) -> None:
    """A request that never left is in no rate, leaves its run open, and is asked by the next."""
    picture, png = tmp_path / "one.png", b"\x89PNG\r\n\x1a\n rest"
    picture.write_bytes(png)
    asked = [{"id": f"c{n}", "input": f"text {n}", "expected": f"text {n}"} for n in range(4)]
    lines = [asked[0], asked[1] | {"images": [str(picture)]}, *asked[2:]]
    cases = tmp_path / "seen.jsonl"
    cases.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    def answer(request: Request) -> loopback.Answer:
        picture.unlink(missing_ok=True)  # while the second case waits for its turn
        return loopback.echo(request)

    with Loopback(answer) as server:
        one = {"concurrency": 2, "model.provider.max_concurrency": 1}
        job = make_job(server.base_url, **{"task.cases": str(cases), "model.vision": True}, **one)
        result = await execute(job, runs / "a")
        assert (result.complete, len(server.requests)) == (False, 3)
        assert result.counts is not None
        assert (result.counts.answered, result.counts.failed, result.counts.unsent) == (3, 0, 1)
        assert result.metrics["error_rate"].n == 3
        assert "1 never sent" in (runs / "a" / "report.md").read_text()
        picture.write_bytes(png)
        server.answer = loopback.text("text 1")
        result = await execute(job, runs / "b")
    assert result.complete
    assert len(server.requests) == 4
    rates = ("error_rate", "retry_rate", "first_attempt_success_rate", "attempts_per_request")
    assert [result.metrics[name].value for name in rates] == [0.0, 0.0, 1.0, 1.0]


async def test_fallback_is_not_credited(make_job: MakeJob, runs: Path) -> None:
    """A fallback's right answers leave the quality of the model under test unknown."""
    with Loopback(loopback.overloaded()) as primary, Loopback(loopback.echo) as second:
        chain = {"first": model(second.base_url, "second-model")}
        fallback = {"name": "test", "chain": chain, "on": ["overloaded"]}
        result = await execute(make_job(primary.base_url, fallback=fallback), runs / "a")
    assert (len(primary.requests), len(second.requests)) == (12, 4)
    assert result.metrics["fallback_rate"].value == 1.0
    assert result.metrics["quality"].value is None
    verdicts = {verdict.requirement: verdict.verdict for verdict in result.verdicts}
    assert verdicts["bounds.fallback_rate"] == "missed"


async def test_concurrency(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """Never more requests at once than `concurrency` and the provider's own limit allow."""
    cases = str(write_cases(tmp_path / "many.jsonl", 30))

    def in_groups(most: int) -> loopback.AnswerFunction:
        """The first ones are held back until there are as many as may be."""
        gate = Gate(opens_at=most)
        return lambda request: Held.by(gate, loopback.text(request.text, delay=0.01))

    with Loopback(in_groups(4)) as server:
        await execute(make_job(server.base_url, **{"task.cases": cases}), runs / "a")
        assert server.peak == 4
    with Loopback(in_groups(2)) as server:
        limits = {"task.cases": cases, "model.provider.max_concurrency": 2}
        await execute(make_job(server.base_url, **limits), runs / "b")
        assert server.peak == 2


async def test_repeats_differ_in_seed(make_job: MakeJob, runs: Path) -> None:
    """Each repeat of a case gets a seed of its own, so that it can give another answer."""
    with Loopback(loopback.echo) as server:
        await execute(make_job(server.base_url, seed=10, repeats=2, limit=1), runs / "a")
    assert sorted(request.body["seed"] for request in server.requests) == [10, 11]


async def interrupted(job: Job, directory: Path, server: Loopback, after: int) -> None:
    """Start a run and cancel it once so many requests have arrived."""
    task = asyncio.create_task(execute(job, directory))
    await asyncio.to_thread(server.wait_for, after)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_resume(make_job: MakeJob, runs: Path) -> None:
    """The same job takes an interrupted run over and asks only what has no answer."""
    with Loopback(hang_after(2)) as server:
        job = make_job(server.base_url, concurrency=1)
        await interrupted(job, runs / "a", server, 3)
        server.answer = loopback.echo
        result = await execute(job, runs / "b")
    assert not (runs / "a").exists()
    assert set(answered(runs / "b").values()) == {1}
    assert result.complete
    assert result.counts is not None
    assert result.counts.replayed == 0
    assert len(server.requests) == 5  # four cases, one of them cut off while it was asked
    assert read_json(runs / "b" / RUN)["taken_over"] == 2


async def test_resume_scores_anew(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """Answers taken over are held against the expected values of today."""
    with Loopback(hang_after(2)) as server:
        job = make_job(server.base_url, concurrency=1)
        await interrupted(job, runs / "a", server, 3)
        cases = tmp_path / "demo.jsonl"
        cases.write_text(cases.read_text().replace('"expected": "text 0"', '"expected": "other"'))
        server.answer = loopback.echo
        result = await execute(job, runs / "b")
    assert result.metrics["quality"].value == 0.75


async def test_another_question_is_not_resumed(make_job: MakeJob, runs: Path) -> None:
    """A change of anything that shapes the answers starts afresh."""
    with Loopback(hang_after(2)) as server:
        job = make_job(server.base_url, concurrency=1)
        await interrupted(job, runs / "a", server, 3)
        server.answer = loopback.echo
        other = make_job(server.base_url, **{"task.sampling.temperature": 0.5})
        await execute(other, runs / "b")
    assert (runs / "a").exists()
    assert len(server.requests) == 3 + 4


async def test_finished_run_is_not_reused_silently(make_job: MakeJob, runs: Path) -> None:
    """The same job after a finished run asks everything again."""
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url)
        await execute(job, runs / "a")
        await execute(job, runs / "b")
    assert len(server.requests) == 8


async def test_live_run_is_left_alone(make_job: MakeJob, runs: Path) -> None:
    """A second start of the same job does not take over a run that is still going."""
    with Loopback(hang_after(2)) as server:
        job = make_job(server.base_url, concurrency=1)
        task = asyncio.create_task(execute(job, runs / "a"))
        await asyncio.to_thread(server.wait_for, 3)
        server.answer = loopback.echo
        await execute(job, runs / "b")
        assert (runs / "a").exists()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert len(server.requests) == 3 + 4


async def test_reuse(make_job: MakeJob, runs: Path) -> None:
    """`reuse` replays answers at their own cost and time, marked so, and asks only the failed."""
    with Loopback(in_turn(loopback.wrong_key, loopback.echo)) as server:
        job = make_job(server.base_url, concurrency=1)
        await execute(job, runs / "a")
        again = make_job(server.base_url, concurrency=1, reuse=str(runs / "a"))
        result = await execute(again, runs / "b")
    assert len(server.requests) == 5
    assert result.counts is not None
    assert (result.counts.answered, result.counts.replayed) == (4, 3)
    assert result.metrics["cost_total_usd"].value == pytest.approx(4 * 20e-6)
    assert result.spent_usd == pytest.approx(20e-6)
    assert result.metrics["latency_p50_ms"].n == 1
    assert (runs / "a" / RESULT).exists()


async def test_reuse_of_nothing(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """`reuse` of a directory that is no run is refused before anything is asked."""
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, reuse=str(tmp_path / "nowhere"))
        with pytest.raises(ConfigError, match=r"reuse: .* is no run"):
            await execute(job, runs / "a")
    assert server.requests == []


async def test_broken_scorer_keeps_the_answer(
    make_job: MakeJob, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer whose scorer raises is kept, and scored once the scorer is mended."""
    scorer = tmp_path / "tasks" / "demo" / "mine.py"
    scorer.parent.mkdir(parents=True)
    scorer.write_text("def score(reply, case, task):\n    return 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    with Loopback(loopback.echo) as server:
        changes: dict[str, Any] = {"task.scorers": {"mine": {}}, "concurrency": 1}
        with pytest.raises(ScorerFailed, match=r"mine.*c0.*division"):
            await execute(make_job(server.base_url, **changes), runs / "a")
        assert len(answered(runs / "a")) == 1
        scorer.write_text("def score(reply, case, task):\n    return 1.0\n")
        result = await execute(make_job(server.base_url, **changes), runs / "b")
    assert len(server.requests) == 4
    assert result.metrics["quality"].value == 1.0


async def test_interrupt_while_scoring_keeps_the_answer(
    make_job: MakeJob, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that was being scored when the run was interrupted is not asked for again."""
    scorer = tmp_path / "tasks" / "demo" / "mine.py"
    scorer.parent.mkdir(parents=True)
    begun = tmp_path / "begun"
    begun.mkdir()
    slow = "import asyncio, pathlib\nasync def score(reply, case, task):\n"
    slow += f"    (pathlib.Path({str(begun)!r}) / case.id).touch()\n    await asyncio.sleep({{}})\n"
    scorer.write_text(slow.format(3600) + "    return 1.0\n")
    monkeypatch.chdir(tmp_path)
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, **{"task.scorers": {"mine": {}}})
        task = asyncio.create_task(execute(job, runs / "a"))
        while len(list(begun.iterdir())) < 4:
            await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        scorer.write_text(slow.format(0) + "    return 1.0\n")
        result = await execute(job, runs / "b")
    assert len(server.requests) == 4
    assert result.metrics["quality"].value == 1.0


async def test_key_is_nowhere(
    make_job: MakeJob, runs: Path, files_with: Callable[[str], list[Path]]
) -> None:
    """A key that the server echoes in errors and answers reaches no file."""
    tell = lambda request: loopback.text(f"your key is {request.key}")  # noqa: E731
    with Loopback(in_turn(loopback.wrong_key_in_full, tell)) as server:
        await execute(make_job(server.base_url), runs / "a")
    lines = list(read_journal(runs / "a" / JOURNAL))
    assert any("[redacted]" in line.reply for line in lines if isinstance(line, Answered))
    assert list(files_with(KEY)) == []


async def test_budget_is_never_exceeded(make_job: MakeJob, runs: Path, tmp_path: Path) -> None:
    """Half of the money a run needs buys no more than that, at any concurrency; more resumes it."""
    cases = str(write_cases(tmp_path / "many.jsonl", 100))
    changes = {"task.cases": cases, "concurrency": 64, "task.sampling.max_tokens": 10}
    price, needs = 20e-6, 100 * 20e-6
    with Loopback(lambda request: loopback.text(request.text, delay=0.005)) as server:
        job = make_job(server.base_url, budget_usd=needs / 2, **changes)
        with pytest.raises(BudgetSpent, match="higher budget_usd"):
            await execute(job, runs / "a")
        assert 0 < len(server.requests) * price <= needs / 2
        before = len(server.requests)
        job = make_job(server.base_url, budget_usd=needs * 2, **changes)
        result = await execute(job, runs / "b")
    assert len(server.requests) == 100  # what was paid for is not asked again
    assert before > 0
    assert result.complete
    assert result.counts is not None
    assert result.counts.answered == 100


async def test_money_of_the_interrupted_run_counts(make_job: MakeJob, runs: Path) -> None:
    """Resumed under the same cap, a run that has used it up sends nothing more."""
    with Loopback(loopback.echo) as server:
        job = make_job(server.base_url, budget_usd=250e-6, concurrency=1)
        with pytest.raises(BudgetSpent):
            await execute(job, runs / "a")
        sent = len(server.requests)
        with pytest.raises(BudgetSpent):
            await execute(job, runs / "b")
    assert 0 < sent == len(server.requests)


async def test_streamed(make_job: MakeJob, runs: Path) -> None:
    """With stream=true every answer is streamed and timed; one that breaks off is tried again."""
    broken = iter([True])

    def answer(request: Request) -> loopback.Answer:
        whole = loopback.text("one two three")
        if not next(broken, False):
            return whole
        first = loopback.sse(loopback.chunks(loopback.completion("one"))[1])
        headers = {"content-type": "text/event-stream"}
        return loopback.Answer(headers=headers, pieces=(loopback.Piece(first),), ending="close")

    with Loopback(answer) as server:
        result = await execute(make_job(server.base_url, stream=True, repeats=2), runs / "a")
        assert all(request.body["stream"] for request in server.requests)
    metrics = result.metrics
    assert (metrics["ttft_p50_ms"].n, metrics["error_rate"].value) == (8, 0)
    assert metrics["retry_rate"].value == 1 / 8


async def test_litellm_is_named(make_job: MakeJob, runs: Path) -> None:
    """What litellm sent by itself is said in the result, with the reason."""
    with Loopback(loopback.echo) as server:
        ours = await execute(make_job(server.base_url), runs / "a")
        job = make_job(server.base_url, **{"model.compiled": False})
        theirs = await execute(job, runs / "b")
    assert not any("litellm" in note for note in ours.notes)
    assert "4 of 4 requests were sent by litellm itself: compiled: false" in theirs.notes


async def test_all_was_reasoning(make_job: MakeJob, runs: Path) -> None:
    """Where max_tokens went into reasoning alone, the result says in how many answers."""
    usage = loopback.tokens(10, 7, reasoning=7)
    with Loopback(loopback.text("", usage=usage, finish_reason="length")) as server:
        result = await execute(make_job(server.base_url), runs / "a")
    said = "reasoning took all of max_tokens in 4 of 4 answers: nothing came but that"
    assert said in result.notes


async def test_arms_have_rows(make_job: MakeJob, runs: Path) -> None:
    """Each arm of a composite model has its row, and the classifier is paid for like any other."""

    def answer(request: Request) -> loopback.Answer:
        if request.model.startswith("sorter"):
            return loopback.text("complex" if request.text == "text 1" else "simple")
        return loopback.echo(request)

    with Loopback(answer) as server:
        arms = {"simple": model(server.base_url, "small"), "complex": model(server.base_url, "big")}
        routed = {
            "kind": "router",
            "name": "routed",
            "classifier": model(server.base_url, "sorter"),
            "system": "simple or complex?",
            "sampling": {"temperature": 0.0, "max_tokens": 10},
            "arms": arms,
            "otherwise": "complex",
        }
        result = await execute(make_job(server.base_url, model=routed), runs / "a")
    rows = {row.arm: row for row in result.arms}
    assert {arm: (row.requests, row.answers) for arm, row in rows.items()} == {
        "classifier": (4, 0),
        "simple": (3, 3),
        "complex": (1, 1),
    }
    assert rows["classifier"].metrics["cost_total_usd"].value == pytest.approx(4 * 20e-6)
    assert result.metrics["cost_total_usd"].value == pytest.approx(8 * 20e-6)
    assert result.metrics["quality"].value == 1.0
    assert result.metrics["fallback_rate"].value == 0.0
    assert result.choices == {"routed: classified": 4}


def test_privacy_names_the_way(make_job: MakeJob) -> None:
    """A model three levels down that is not on this machine is refused, with the way to it."""
    near = model("http://127.0.0.1:9/v1", "near")
    near["provider"]["data"] = "on_device"
    inner = {
        "kind": "router",
        "name": "inner",
        "classifier": model("http://127.0.0.1:9/v1", "far"),
        "system": "?",
        "sampling": {"max_tokens": 10},
        "arms": {"a": near},
        "otherwise": "a",
    }
    steps = {
        "kind": "cascade",
        "name": "steps",
        "finish_reasons": ["stop"],
        "arms": {"one": near, "two": inner},
    }
    job = make_job(
        "",
        model={"kind": "split", "name": "ab", "weights": {"x": 1}, "arms": {"x": steps}},
        **{"requirements.data_privacy": "air_gapped"},
    )
    with pytest.raises(ConfigError) as caught:
        prepare(job)
    assert caught.value.problems == (
        "model.arms.x.arms.two.classifier goes to loopback (third_party), "
        "but requirements.data_privacy is air_gapped",
    )


def test_a_prompt_that_fails_names_its_cases(make_job: MakeJob, tmp_path: Path) -> None:
    """One line says why a prompt can't be written for a case, and for which others it can't."""
    file = tmp_path / "cases.jsonl"
    for bad, named in (
        ([3], "division by zero"),
        ([3, 5], "division by zero; it fails for 'c5', too"),
        (range(9), "'c4', 'c5' and 3 more, too"),
    ):
        given = ({"x": int(n not in bad)} for n in range(9))
        lines = ({"id": f"c{n}", "input": x, "expected": "1"} for n, x in enumerate(given))
        file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
        changes = {"task.cases": str(file), "task.prompt": "{{ 1 / x }}"}
        with pytest.raises(ConfigError) as caught:
            prepare(make_job("http://127.0.0.1:9/v1", **changes))
        [line] = caught.value.problems
        assert line.startswith(f"task.prompt, case 'c{bad[0]}': ZeroDivisionError")
        assert line.endswith(named)


async def test_budget_stop_is_not_an_end(make_job: MakeJob, runs: Path) -> None:
    """Even where the budget stops all cases that are left, the run can be gone on with."""
    with Loopback(lambda request: loopback.text(request.text, delay=0.05)) as server:
        job = make_job(server.base_url, budget_usd=0.00022)
        with pytest.raises(BudgetSpent):
            await execute(job, runs / "a")
        sent = len(server.requests)
        assert not (runs / "a" / RESULT).exists()
        result = await execute(make_job(server.base_url, budget_usd=1), runs / "b")
    assert 0 < sent < 4
    assert len(server.requests) == 4
    assert result.complete


def two_steps(base_url: str, **strong: Any) -> dict[str, Any]:
    """A cascade whose first answer never stands."""
    return {
        "kind": "cascade",
        "name": "steps",
        "checks": {"regex": {"pattern": "never"}},
        "arms": {"cheap": model(base_url, "small"), "strong": model(base_url, "big") | strong},
    }


async def test_paid_arms_survive_every_interrupt(make_job: MakeJob, runs: Path) -> None:
    """What the first arm cost is still on record after a budget stop and two resumptions."""
    dear = {"input_usd_per_mtok": 1.0, "output_usd_per_mtok": 1e6}
    price = {"checked": "2026-11-23", "source": "tests"} | dear
    with Loopback(loopback.echo) as server:
        steps = two_steps(server.base_url, price=price)
        job = make_job(server.base_url, model=steps, budget_usd=0.01, limit=2)
        for name in ("a", "b", "c"):
            with pytest.raises(BudgetSpent):
                await execute(job, runs / name)
        asked = len(server.requests)
        assert paid_at_most(Run(runs / "c").paid()) == pytest.approx(asked * 20e-6)


async def test_wrong_key_of_a_checking_judge(make_job: MakeJob, runs: Path) -> None:
    """A judge in a cascade's checks that has a wrong key fails the case; nobody else answers it."""
    with Loopback(loopback.echo) as server, Loopback(loopback.wrong_key) as other:
        judge = {"model": model(other.base_url, "judge"), "rubric": "good?", "min_score": 0.5}
        steps = two_steps(server.base_url) | {"checks": {"judge": judge}}
        result = await execute(make_job(server.base_url, model=steps, limit=1), runs / "a")
    assert [request.model for request in server.requests] == ["small-2026-01-01"]
    assert result.counts is not None
    assert result.counts.failed == 1


async def test_broken_check_keeps_what_was_paid(
    make_job: MakeJob, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that raises ends the run, and the answer that it looked at is on record."""
    scorer = tmp_path / "tasks" / "demo" / "mine.py"
    scorer.parent.mkdir(parents=True)
    scorer.write_text("def score(reply, case, task):\n    return 1 / 0\n")
    monkeypatch.chdir(tmp_path)
    with Loopback(loopback.echo) as server:
        steps = two_steps(server.base_url) | {"checks": {"mine": {}}}
        with pytest.raises(ScorerFailed, match="division"):
            await execute(make_job(server.base_url, model=steps, concurrency=1), runs / "a")
        assert paid_at_most(Run(runs / "a").paid()) == pytest.approx(20e-6)


async def test_unknown_costs_count_at_their_worst(make_job: MakeJob, runs: Path) -> None:
    """Replies without token counts use a budget up, over all starts of the run together."""
    with Loopback(loopback.text("hi", usage=None)) as server:
        job = make_job(server.base_url, budget_usd=0.0005, concurrency=1)
        for name in ("a", "b", "c"):
            with pytest.raises(BudgetSpent):
                await execute(job, runs / name)
    assert len(server.requests) == 2


async def test_what_picks_an_arm_is_part_of_the_question(make_job: MakeJob, runs: Path) -> None:
    """A case that would go to another arm today is not answered by the arm of yesterday."""
    with Loopback(loopback.echo) as server:
        routed = {
            "kind": "router",
            "name": "routed",
            "system": "?",
            "sampling": {"max_tokens": 5},
            "rules": [{"arm": "dear", "tags": ["hard"]}],
            "otherwise": "cheap",
            "arms": {n: model(server.base_url, n) for n in ("cheap", "dear")},
        }
        job = make_job(server.base_url, model=routed)
        await execute(job, runs / "a")
        cases = runs.parent.parent / "demo.jsonl"
        cases.write_text(cases.read_text().replace('"expected"', '"tags": ["hard"], "expected"'))
        result = await execute(job.model_copy(update={"reuse": runs / "a"}), runs / "b")
    assert [arm.arm for arm in result.arms] == ["dear"]
