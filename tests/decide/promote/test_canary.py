"""Canary cases stand for all kinds of a task's cases, and are always the same."""

from pathlib import Path

from runner.decide.promote import canary
from runner.record.outcomes import Answered, Failed
from runner.record.run import Run
from tests.report import make
from tests.report.make import answered, failed


def test_every_kind_is_there() -> None:
    """As many kinds of tags as fit are among them, however rare they are."""
    tags = {f"c{n:03}": ["long"] for n in range(90)} | {"x": ["rare"], "y": ["rare", "long"]}
    chosen = canary.choose(tags, 4)
    assert len(chosen) == 4
    assert {"x", "y"} < set(chosen)


def test_the_same_every_time() -> None:
    """The order in which cases are given changes nothing."""
    tags: dict[str, list[str]] = {f"c{n}": [] for n in range(50)}
    assert canary.choose(tags, 10) == canary.choose(dict(reversed(tags.items())), 10)
    assert canary.choose(tags, 10) != sorted(tags)[:10]


def test_fewer_cases_than_asked_for() -> None:
    """A task with few cases has them all asked again."""
    assert canary.choose({"b": [], "a": ["x"]}, 10) == ["a", "b"]
    assert canary.choose({}, 10) == []


def test_what_is_taken_along(tmp_path: Path) -> None:
    """Answers of the model itself, at their first repeat; no failure, and no fallback's answer."""
    lines: list[Answered | Failed] = [
        answered("a", 0.5, reply="first", seconds=2.0, model_served="small-1"),
        answered("a", 1.0, reply="second", repeat=1, model_served="small-2"),
        answered("b", fallback="other", model_served="large"),
        failed("c"),
    ]
    found, served = canary.taken(Run(make.run(tmp_path / "run", lines)), 10)
    assert [(each.case, each.answer, each.latency_ms) for each in found] == [("a", "first", 2000)]
    assert found[0].scores == {"exact": 0.5}
    assert served == ["small-1", "small-2"]
