"""`drift`: from a sweep through a promotion to the question whether it still holds."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from runner.commands import drift, promote
from runner.commands.command_line import main
from runner.decide.promote.drift import Drift, Finding
from runner.record.files import read_json
from tests import loopback
from tests.commands.conftest import Once
from tests.commands.test_command_line import Run
from tests.conftest import write_cases
from tests.loopback import Loopback

TODAY = date(2026, 12, 1)
OWN = ["--config-dir", "conf", "task=demo", "mapping=mine", "requirements=base", "retry=quick"]


@pytest.fixture
def server(one_server: Loopback) -> Loopback:
    one_server.answer = loopback.echo
    return one_server


@pytest.fixture
def decided(runner: Run, server: Loopback, once: Once) -> Loopback:
    """first is promoted on 20 right answers, and the sweep is gone."""

    def decide() -> None:
        write_cases(Path("tasks/demo.jsonl"), 20)
        assert runner("-m", "model=first,second", "requirements.min_quality_score=0.8") == 0
        [sweep] = Path("outputs").glob("sweeps/*")
        own = [str(sweep), "candidate=first", "mapping=mine", "--config-dir", "conf"]
        assert promote.main(own, today=TODAY) == 0
        assert len(server.requests) == 40  # of the sweep
        shutil.rmtree(sweep)

    once("decision", decide)
    return server


def asked(*arguments: str, today: date = TODAY) -> int:
    return drift.main([*OWN, *arguments], today=today)


def found() -> dict[str, Finding]:
    path = max(Path("outputs").glob("drift/*/drift.json"))
    return {one.what: one for one in Drift.model_validate(read_json(path)).findings}


def test_nothing_moved(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """The same cases are asked again, ten of them, and nothing is proven to have moved."""
    before = len(decided.requests)
    assert asked() == 0
    assert len(decided.requests) == before + 10
    states = {what: one.state for what, one in found().items()}
    assert states.pop("latency") in ("as before", "may have moved", "moved")  # it is what it is
    assert set(states.values()) == {"as before"}
    out = capsys.readouterr().out
    assert "10 the same" in out
    assert asked("gate=proven") == 3  # so few cases prove nothing
    assert "gate: against the baseline: quality: " in capsys.readouterr().out


def test_estimate(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """What asking again would cost is said, and nothing is sent or left behind."""
    before = len(decided.requests)
    assert asked("estimate=true") == 0
    assert len(decided.requests) == before
    assert not list(Path("outputs").glob("drift/*"))
    assert "nothing was sent" in capsys.readouterr().out


def test_other_answers(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong answers of another snapshot: score and served model moved; here is the runner-up."""
    body = loopback.completion("wrong") | {"model": "first-2026-11-11"}
    decided.answer = lambda _: loopback.Answer(body=body)
    assert asked("gate=true") == 3
    states = {what: one.state for what, one in found().items()}
    assert (states["score"], states["served model"]) == ("moved", "moved")
    assert found()["served model"].now == "first-2026-11-11"
    assert states["answers"] == "may have moved"
    out = capsys.readouterr().out
    assert "Runner-up, as measured for this decision: second" in out
    assert "Next: python -m runner task=demo model=second --config-dir" in out


def test_other_case_and_spaces(decided: Loopback) -> None:
    """Answers that differ in spaces alone are counted as such."""
    decided.answer = lambda r: loopback.text(f" {r.text.upper()}\n")
    assert asked() == 0
    assert found()["answers"].now == "0 the same, 10 but for case and spaces"


def test_the_price_moved(decided: Loopback) -> None:
    """A price that is another in conf/ is a fact, and the costs show it."""
    model = Path("conf/model/first.yaml")
    model.write_text(
        model.read_text().replace("output_usd_per_mtok: 2.0", "output_usd_per_mtok: 9")
    )
    assert asked("gate=true") == 3
    price = found()["price"]
    assert (price.recorded, price.now) == (
        "first: output_usd_per_mtok 2.0", "first: output_usd_per_mtok 9.0",
    )  # fmt: skip
    assert found()["cost per request"].state == "moved"


def test_the_review_is_due(decided: Loopback) -> None:
    """Past its day a decision has to be looked at."""
    assert asked("gate=true", today=date(2027, 6, 1)) == 3
    assert found()["review"].state == "moved"


@pytest.mark.parametrize(
    ("today", "sent"), [(date(2026, 12, 20), 10), (date(2027, 1, 5), 0)], ids=["near", "past"]
)
def test_retirement(decided: Loopback, today: date, sent: int) -> None:
    """A retirement that is near has moved; a model that is retired is asked no more."""
    model = Path("conf/model/first.yaml")
    model.write_text(model.read_text() + "retires: 2027-01-01\nsuccessor: second\n")
    before = len(decided.requests)
    assert asked("gate=true", today=today) == 3
    retirement = found()["retirement of first"]
    assert (retirement.state, retirement.advice) == ("moved", "measure model=second now")
    assert len(decided.requests) == before + sent


def test_another_model_in_the_mapping(decided: Loopback) -> None:
    """A mapping that was changed by hand is no longer what was decided."""
    mapping = Path("conf/mapping/mine.yaml")
    mapping.write_text(mapping.read_text().replace("first", "second"))
    assert asked() == 0
    assert found()["model"].state == "moved"


def test_cases_that_changed(decided: Loopback) -> None:
    """A case that reads otherwise now is left out, and said."""
    cases = Path("tasks/demo.jsonl")
    cases.write_text(cases.read_text().replace('"input": "text', '"input": "new text'))
    assert asked() == 0
    assert found()["canary cases"].now == "10 gone or changed"
    assert found()["answers"].state == "unknown"
    assert asked("gate=true") == 3  # nothing was compared


def test_calls_that_fail(decided: Loopback, capsys: pytest.CaptureFixture[str]) -> None:
    """Failed calls are no wrong answers: nothing is known of the score, and exit is 4."""
    decided.answer = loopback.overloaded()
    assert asked() == 4
    assert found()["score"].state == "unknown"
    assert found()["calls answered"].state == "moved"
    assert "10 calls failed" in capsys.readouterr().err


def test_what_it_costs_is_accounted_for(
    decided: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its budget holds, and `spend` counts it."""
    assert main(["drift", *OWN, "budget_usd=0.000001"]) == 4
    assert asked() == 0
    capsys.readouterr()
    assert main(["spend"]) == 0
    assert "demo" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "mapping=default: no decision on record for task 'demo'; `python -m runner promote`"),
        (["reuse=x"], "reuse: has no meaning for drift"),
        (["-m"], "drift: takes one decision at a time"),
        (["gaet=true"], "gaet: no such key"),
    ],
)
def test_wrong_arguments(
    home: Path,
    server: Loopback,
    arguments: list[str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistake is one line and exit 2, and nothing is asked."""
    before = len(server.requests)
    assert main(["drift", *OWN, "mapping=default", "model=first", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"runner: {message}")
    assert len(server.requests) == before
    assert not Path("outputs").exists()
