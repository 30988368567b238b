"""Candidates are named by what differs, whatever that is."""

from typing import Any

import pytest

from runner.decide.configuration import arguments, configurations, find
from runner.errors import ConfigError

LABELS = ["small · effort=low", "small · effort=high", "big · effort=high", "big"]


@pytest.mark.parametrize(
    ("runs", "labels"),
    [
        pytest.param(
            [{"m": "a", "model": {"k": 1}}, {"m": "b", "model": {"k": 2}}], ["a", "b"], id="models"
        ),
        pytest.param(
            [{"task": {"temperature": t}} for t in (0.0, 0.5, None)],
            ["small · temperature=0", "small · temperature=0.5", "small · temperature=null"],
            id="a value",
        ),
        pytest.param(
            [{"model": {"extra_body": {}}}, {"model": {"extra_body": {"top_k": 4}}}],
            ["small · top_k=null", "small · top_k=4"],
            id="a key that one has not",
        ),
        pytest.param(
            [{"retry": {"name": name, "attempts": n}} for name, n in (("none", 1), ("quick", 3))],
            ["small · retry=none", "small · retry=quick"],
            id="what comes with a name",
        ),
        pytest.param(
            [
                {"task": {"prompt_name": name, "system": text, "effort": effort}}
                for name, text in (("a", "A"), ("b", "B"))
                for effort in (1, 2)
            ],
            [f"small · prompt={name} · effort={effort}" for name in "ab" for effort in (1, 2)],
            id="what varies beside a name",
        ),
        pytest.param(
            [{"task": {"x": {"k": n}, "y": {"k": n}}} for n in (1, 2)],
            [f"small · task.x.k={n} · task.y.k={n}" for n in (1, 2)],
            id="one word for two keys",
        ),
        pytest.param([{"gate": True}, {"gate": False}], ["small", "small"], id="gate"),
        pytest.param(
            [{}, {"seed": 1}, {"seed": 2}],
            ["small", "small · seed=1", "small · seed=2"],
            id="no record",
        ),
    ],
)
def test_names(runs: list[dict[str, Any]], labels: list[str]) -> None:
    """A model alone where only models differ, else with each thing that tells it from others."""
    given = [({key: run[key] for key in run if key != "m"}, run.get("m", "small")) for run in runs]
    found = configurations([(model, config) for config, model in given])
    assert [one.label for one in found] == labels


@pytest.mark.parametrize(
    ("wanted", "label"),
    [
        ("small · effort=low", "small · effort=low"),
        ("effort=low", "small · effort=low"),
        ("low", "small · effort=low"),
        ("high big", "big · effort=high"),
        ("big", "big"),  # its very label, though it is a part of another
    ],
)
def test_asked_for(wanted: str, label: str) -> None:
    """A label, or the parts that only one has."""
    assert LABELS[find(LABELS, wanted, "sweep")] == label


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("high", "'high' may be 'small · effort=high' or 'big · effort=high'"),
        ("smal · effort=low", "sweep has no .* did you mean 'small · effort=low'"),
        ("", "sweep has no ''"),
    ],
)
def test_nobody_in_particular(wanted: str, said: str) -> None:
    """More than one, or none, is refused with what there is."""
    with pytest.raises(ConfigError, match=said):
        find(LABELS, wanted, "sweep")


def test_as_they_are_typed() -> None:
    """Settings become the overrides that make them."""
    settings = {
        "task.prompt_name": "brief",
        "retry.name": "none",
        "seed": None,
        "task.system": "a b",
    }
    assert arguments(settings) == ["prompt=brief", "retry=none", "seed=null", "'task.system=a b'"]
