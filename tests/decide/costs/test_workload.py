"""A finished run says how large its requests were, and how fast its server is."""

from pathlib import Path
from typing import Any

import pytest

from runner.decide.costs.workload import Workload, finished
from runner.errors import ConfigError
from runner.record.files import JOURNAL, RESULT, RUN, SWEEP, write_json
from runner.record.outcomes import Answered, Attempt, Failed, Result, Usage
from runner.record.run import Run

_OUTCOME: dict[str, Any] = {
    "repeat": 0, "model": "own", "key": "k", "messages": [], "request": {}, "cost_usd": 0.0,
    "queued_seconds": 0.0,
}  # fmt: skip


def answer(
    case: str, usage: Usage | None, sent: str | None = None, seconds: float = 2.0, **changes: Any
) -> Answered:
    attempt = Attempt(
        model="own", seconds=seconds, waited_seconds=0, cost_usd=0, http_requests=1, at=sent
    )
    fields: dict[str, Any] = {
        "case": case, "served_by": "own", "model_served": None, "reply": "", "seconds": seconds,
        "finish_reason": "stop", "usage": usage, "scores": {}, "attempts": [attempt],
    }  # fmt: skip
    return Answered.model_validate(_OUTCOME | fields | changes)


def write_run(
    directory: Path, *lines: Answered | Failed, data: str = "self_hosted", complete: bool = True
) -> Path:
    directory.mkdir()
    write_json(directory / RUN, {"config": {"model": {"provider": {"data": data}}}})
    text = "".join(line.model_dump_json() + "\n" for line in lines)
    (directory / JOURNAL).write_text(text)
    finish(directory, complete)
    return directory


def finish(directory: Path, complete: bool = True) -> None:
    stamp = Run(directory).stamp
    result = Result(task="demo", model="own", id="own-1", complete=complete, stamp=stamp)
    write_json(directory / RESULT, result.model_dump(mode="json"))


def usage(input_tokens: int, output_tokens: int) -> Usage:
    return Usage(input_tokens=input_tokens, output_tokens=output_tokens)


def at(second: int) -> str:
    return f"2026-11-24T00:00:{second:02}.000+00:00"


def test_a_workload_has_means() -> None:
    """The mean request counts every size as often as it occurs."""
    found = Workload({(100, 10): 3, (500, 50): 1}, requests_per_month=1)
    assert (found.input_tokens, found.output_tokens) == (200, 20)


def test_sizes_are_those_of_the_answers(tmp_path: Path) -> None:
    """Answers whose tokens were counted are taken; failures and uncounted ones are not."""
    failed = Failed.model_validate(
        _OUTCOME | {"case": "d", "seconds": 1.0, "attempts": [], "error": "timeout"}
    )
    run = finished(
        write_run(
            tmp_path / "run",
            answer("a", usage(100, 10)),
            answer("b", usage(100, 10)),
            answer("c", None),
            failed,
        )
    )
    assert run.sizes == {(100, 10): 2}
    assert (run.label, run.data) == ("demo-own", "self_hosted")


def test_speed_is_of_all_requests_together(tmp_path: Path) -> None:
    """Tokens a second count the time in which a request was at work, once, and no pause."""
    run = finished(
        write_run(
            tmp_path / "run",
            answer("a", usage(5, 30), sent=at(0), seconds=4.0),
            answer("b", usage(5, 30), sent=at(2), seconds=4.0),
            answer("c", usage(5, 30), sent=at(2), seconds=1.0),
            answer("d", usage(5, 30), sent=at(50), seconds=4.0),
            answer("e", usage(5, 999), sent=at(20), seconds=4.0, replayed=True),
        )
    )
    assert run.tokens_per_second == pytest.approx(120 / 10)
    assert run.in_flight == pytest.approx(13 / 10)


def test_no_speed_without_times(tmp_path: Path) -> None:
    """A run that only replays others, or does not say when it asked, has no speed."""
    assert (
        finished(write_run(tmp_path / "run", answer("a", usage(5, 30)))).tokens_per_second is None
    )


@pytest.mark.parametrize(
    ("prepare", "problem"),
    [
        (lambda path: None, "is no run: there is no such directory"),
        (lambda path: write_run(path, complete=False), "is not complete"),
        (lambda path: (write_run(path) / RESULT).unlink(), "is not complete"),
        (lambda path: write_run(path, answer("a", None)), "no answer in"),
        (lambda path: write_json(path / SWEEP, {}), "is no run but a sweep"),
        (lambda path: write_json(write_run(path) / RESULT, 1), f"{RESULT}: is no JSON object"),
        (lambda path: (write_run(path) / RUN).unlink(), f"is no run: it has no {RUN}"),
        (lambda path: (write_run(path) / JOURNAL).unlink(), f"is no run: it has no {JOURNAL}"),
    ],
)
def test_what_is_no_finished_run(tmp_path: Path, prepare: Any, problem: str) -> None:
    """Anything but a finished run is one line that says what it is."""
    prepare(tmp_path / "run")
    with pytest.raises(ConfigError, match=problem):
        finished(tmp_path / "run")
