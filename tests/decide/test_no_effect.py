"""A setting that does nothing is said, and only where that is seen."""

from typing import Any

import pytest

from runner.decide.no_effect import Tried, without_effect
from runner.measure.like_for_like import JournalDigest

EFFORT, HEAT = "task.sampling.reasoning_effort", "task.sampling.temperature"


def tried(settings: dict[str, Any], sent: str, tokens: list[int], model: str = "m") -> Tried:
    seen = JournalDigest("exact")
    for case, count in enumerate(tokens):
        seen.requests[str(case)] = f"{sent}{case}".encode()
        seen.reasoning[str(case)] = count
    return Tried(" ".join(map(str, settings.values())), model, settings, seen)


@pytest.mark.parametrize(
    ("key", "before", "after", "said"),
    [
        (HEAT, ("x", [0] * 9), ("x", [0] * 9), "temperature changed nothing on the wire"),
        (HEAT, ("x", [0] * 9), ("y", [0] * 9), ""),
        ("concurrency", ("x", [0] * 9), ("x", [0] * 9), ""),  # nobody expects it there
        (EFFORT, ("x", [5] * 9), ("y", [5] * 9), "do not differ beyond chance: 5 a case with 1"),
        (EFFORT, ("x", [5, 7] * 9), ("y", [7, 5] * 9), "do not differ beyond chance"),
        (EFFORT, ("x", [5] * 9), ("y", [9] * 9), ""),
        (EFFORT, ("x", [5] * 3), ("y", [9] * 3), ""),  # too few to tell
        (EFFORT, ("x", [0] * 9), ("y", [0] * 9), "no reasoning tokens are reported"),
        (HEAT, ("x", []), ("x", []), ""),
    ],
)
def test_two_settings(
    key: str, before: tuple[str, list[int]], after: tuple[str, list[int]], said: str
) -> None:
    """Equal requests, or an effort that costs no more thought."""
    found = without_effect([tried({key: 1}, *before), tried({key: 2}, *after)])
    assert len(found) == bool(said)
    assert said in "".join(found)


def test_other_pairs() -> None:
    """Two models, and two that differ in more than one thing, say nothing of a setting."""
    first = tried({HEAT: 1, EFFORT: 1}, "x", [1] * 9)
    assert without_effect([first, tried({HEAT: 2, EFFORT: 2}, "x", [1] * 9)]) == []
    assert without_effect([first, tried({HEAT: 2, EFFORT: 1}, "x", [1] * 9, "other")]) == []
