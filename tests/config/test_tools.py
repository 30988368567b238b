"""A task's tools: named or written out, checked before anything is asked."""

from pathlib import Path
from typing import Any

import pytest

from runner.cases.cases import Case
from runner.cases.query import about_tokens, differences, input_tokens_at_most, parameters, query
from runner.config import loading
from runner.config.catalogue import compose_config
from runner.config.schema import Task, Tool
from runner.errors import ConfigError
from tests.config.test_pins import single

OWN = """
description: Find an order.
parameters: {type: object, properties: {number: {type: string}}, required: [number]}
"""


def task(*overrides: str, config_dir: Path | None = None) -> Task:
    composed = compose_config("config", ["task=extraction", *overrides], config_dir)
    return loading.load(composed, overrides).task


def test_tools_are_named_or_written_out(tmp_path: Path) -> None:
    """A name is a file of conf/tools, a user's own before ours; an object is the tool itself."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "find_order.yaml").write_text(OWN)
    written = "{name: now, description: The time.}"
    found = task(f"task.tools=[track_parcel,find_order,{written}]", config_dir=tmp_path).tools
    assert [tool.name for tool in found] == ["track_parcel", "find_order", "now"]
    assert found[1].parameters["required"] == ["number"]
    assert found[2].parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (
            "task.tools=[track_parcl]",
            "no file conf/tools/track_parcl.yaml; did you mean 'track_parcel'",
        ),
        ("task.tools=[track_parcel,track_parcel]", "'track_parcel' stands there twice"),
        ("task.tools=[{name: 'a b', description: x}]", "task.tools.0.name"),
        ("task.tools=[{name: auto, description: x}]", "is a word of tool_choice"),
        ("task.tools=[{name: a}]", "task.tools.0.description: is missing"),
        ("task.tools=[{name: a, description: x, parameters: {type: objct}}]", "is no JSON schema"),
        ("task.tools=[{name: a, description: x, parameters: {type: array}}]", "of an object"),
        ("task.tools=[{name: a, descripton: x}]", "did you mean 'description'"),
        ("task.tool_choice=auto", "tool_choice: the task has no tools"),
        ("task.parallel_tool_calls=false", "parallel_tool_calls: the task has no tools"),
        ("task.tools=[track_parcel] task.tool_choice=track_parcl", "did you mean 'track_parcel'"),
    ],
)
def test_mistakes_are_named(given: str, line: str) -> None:
    """What is wrong with a tool is said with its key, before anything is asked."""
    with pytest.raises(ConfigError) as refused:
        task(*given.replace("] task", "]|task").split("|"))
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "sent"),
    [
        ({}, {}),
        ({"tool_choice": "required"}, {"tool_choice": "required"}),
        (
            {"tool_choice": "b", "parallel_tool_calls": False},
            {
                "tool_choice": {"type": "function", "function": {"name": "b"}},
                "parallel_tool_calls": False,
            },
        ),
    ],
)
def test_tools_are_asked_in_litellms_words(changes: dict[str, Any], sent: dict[str, Any]) -> None:
    """Tools, and how they may be called, are parameters of a request, and count as its tokens."""
    tools = tuple(Tool(name=name, description="It does." * 50) for name in "ab")
    plain = task()
    messages = [{"role": "user", "content": "x"}]
    case, model = Case(id="a", input="x"), single("openai", "x")
    without = query(plain, case, messages, None)
    asked = query(plain.model_copy(update={"tools": tools, **changes}), case, messages, None)
    given = parameters(model, asked)
    assert [tool["function"]["name"] for tool in given.pop("tools")] == ["a", "b"]
    given.pop("response_format")
    assert {key: given[key] for key in given if "tool" in key} == sent
    assert about_tokens(asked) > about_tokens(without) + 200
    assert input_tokens_at_most(model, asked) > input_tokens_at_most(model, without) + 800


def test_a_model_that_is_not_offered_tools_says_so() -> None:
    """What a model's file leaves out of the request is named: its numbers are not like for like."""
    tools = (Tool(name="a", description="It does."),)
    asked = task().model_copy(update={"tools": tools, "parallel_tool_calls": False})
    left_out = single("openai", "x", drop_params=["tools", "parallel_tool_calls"])
    assert differences(left_out, asked)[:2] == [
        "demo-model is not sent tools=a",
        "demo-model is not sent parallel_tool_calls=False",
    ]
    assert parameters(left_out, query(asked, Case(id="a", input="x"), [], None)).keys() == {
        *("max_tokens", "temperature", "response_format")
    }
