"""A reply never ends a run: whatever it is, it is one outcome on record."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.config.schema import Job
from runner.drill.loopback.dialect import Dialect
from runner.drill.loopback.dialects import Anthropic, Gemini, Ollama, OpenAI
from runner.pipeline.plan import prepare
from runner.pipeline.session import connected, opened
from runner.record.files import JOURNAL
from runner.record.journal import read_journal
from runner.report import terminal
from tests.attack import forms
from tests.conftest import write_cases
from tests.loopback import Loopback
from tests.loopback.answers import Anything
from tests.pipeline.test_run import answered, execute

MakeJob = Callable[..., Job]
DIALECTS: dict[str, Dialect] = {
    "openai": OpenAI(),
    "hosted_vllm": OpenAI(),
    "anthropic": Anthropic(),
    "gemini": Gemini(),
    "ollama_chat": Ollama(),
}
ONCE = {
    "name": "once",
    "attempts": 1,
    "initial_wait": "1ms",
    "max_wait": "1ms",
    "jitter": 0,
    "total": "1s",
}


def job_of(make_job: MakeJob, server: Loopback, tmp_path: Path, prefix: str, count: int) -> Job:
    cases = str(write_cases(tmp_path / "many.jsonl", count))
    changes = {"task.cases": cases, "model.provider.litellm": prefix, "retry": ONCE}
    return make_job(server.base_url, **changes)


@pytest.mark.parametrize("prefix", DIALECTS)
async def test_whole(make_job: MakeJob, tmp_path: Path, prefix: str) -> None:
    """Every hostile reply is one outcome; the run goes on, ends, and has a report."""
    dialect = DIALECTS[prefix]
    hostile = [*forms.whole(dialect, 60, seed=1), *forms.errors(dialect, 30, seed=2)]
    if prefix in ("openai", "anthropic"):
        hostile += forms.bodies()
    with Loopback(lambda request: hostile[request.number - 1], Anything()) as server:
        job = job_of(make_job, server, tmp_path, prefix, len(hostile))
        result = await execute(job, tmp_path / "run")
        assert len(server.requests) == len(hostile)
    assert set(answered(tmp_path / "run").values()) == {1}
    assert len(answered(tmp_path / "run")) == len(hostile)
    assert result.complete
    assert terminal.run(tmp_path / "run", result)


@pytest.mark.parametrize("prefix", DIALECTS)
async def test_streamed(make_job: MakeJob, tmp_path: Path, prefix: str) -> None:
    """So it is with streams, whose pieces are whole characters."""
    dialect = DIALECTS[prefix]
    hostile = [*forms.streamed(dialect, 40, seed=3), *forms.errors(dialect, 10, seed=4)]
    pieces: list[str] = []
    with Loopback(lambda request: hostile[request.number - 1], Anything()) as server:
        job = job_of(make_job, server, tmp_path, prefix, len(hostile))
        journal = tmp_path / JOURNAL
        async with connected() as dispatch, opened(job, dispatch, journal) as session:
            for question in prepare(job).questions():
                await session.keep(await session.ask(question, on_text=pieces.append))
    assert len(list(read_journal(journal))) == len(hostile)
    assert "".join(pieces).encode()
