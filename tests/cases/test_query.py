"""How one model is asked: what `lowest` comes to, for each of them."""

from collections.abc import Mapping
from typing import Any

import pytest

from runner.calls.translate import check_parameters
from runner.cases.cases import Case
from runner.cases.query import Query, effort, parameters
from runner.config.schema import LOWEST, Sampling, Single
from tests.config.test_pins import single

SAMPLING = Sampling(max_tokens=2000, reasoning_effort=LOWEST)
QUERY = Query(case=Case(id="a", input="x"), messages=[], sampling=SAMPLING)


@pytest.mark.parametrize(
    ("model", "sent", "named"),
    [
        ({}, None, None),
        ({"reasoning": {"default": "medium", "lowest": "low"}}, "low", "reasoning_effort=low"),
        ({"reasoning": {"default": None, "lowest": "none"}}, "none", "reasoning_effort=none"),
        ({"reasoning": {"default": "none", "lowest": "none"}}, None, None),
        ({"reasoning": {"default": "max"}}, None, "by default (max): its lowest is unknown"),
        ({"reasoning": {"default": None}}, None, "(how much is unknown)"),
        (
            {
                "reasoning": {"default": "medium", "lowest": "low"},
                "drop_params": ["reasoning_effort"],
            },
            None,
            None,
        ),
    ],
)
def test_the_lowest_effort_is_the_models_own(
    model: dict[str, Any], sent: str | None, named: str | None
) -> None:
    """It is sent as the model's file has it, else not at all, and a report names what it was."""
    asked = single("openai", "x", **model)
    assert parameters(asked, QUERY).get("reasoning_effort") == sent
    said = effort(asked, SAMPLING)
    assert (said is None) if named is None else named in str(said)
    assert effort(asked, SAMPLING.model_copy(update={"reasoning_effort": "high"})) is None


def test_each_model_takes_its_lowest(catalogue: Mapping[str, Single]) -> None:
    """No model that ships is refused for the lowest effort that its file names."""
    thinking = [model for model in catalogue.values() if model.reasoning]
    assert len(thinking) > 40
    for model in thinking:
        asked = parameters(model, QUERY)
        check_parameters(model, {key: asked[key] for key in asked if key == "reasoning_effort"})
