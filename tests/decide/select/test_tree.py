"""The tree is walked question by question, and says why it answers as it does."""

from typing import Any

import pytest
import yaml

from runner.config import paths
from runner.config.schema import Requirements, Single
from runner.config.validation import validated
from runner.decide.select.tree import Condition, DecisionTree, facts, walk
from runner.errors import ConfigError
from tests.conftest import model

DEFAULT = yaml.safe_load((paths.builtin("conf") / "decision/default.yaml").read_text())
CHECKLIST = {  # the lesson's own: every answer is no
    "max_latency_ms": 3000,
    "max_cost_per_request": 0.01,
    "min_quality_score": 0.85,
    "context_needed": 8000,
    "data_privacy": "standard",
    "output_format": "json",
    "requests_per_month": 500000,
    "availability": 0.999,
}


def tree(**changes: Any) -> DecisionTree:
    return validated(DecisionTree, {**DEFAULT, **changes})


def required(**changes: Any) -> Requirements:
    return Requirements(**{"name": "mine", **CHECKLIST, **changes})


@pytest.mark.parametrize(
    ("changes", "needs", "question", "suggests", "why"),
    [
        ({"data_privacy": "strict"}, [], 1, "llama-70b-vllm", "data_privacy is strict"),
        ({"data_privacy": "air_gapped"}, [], 1, "mistral-large-vllm", "data_privacy is air_gapped"),
        ({"context_needed": 200_001}, [], 2, "long documents",
         "context_needed is 200,001, above 200,000"),
        ({}, ["complex reasoning"], 3, "complex reasoning", "needs are complex reasoning"),
        ({}, ["data-sensitive"], 1, "llama-70b-vllm", "needs are data-sensitive"),
        ({}, ["long documents"], 2, "long documents", "needs are long documents"),
        ({"requests_per_month": 200_000_000}, [], 4, "high throughput",
         "peak_per_minute is 13,689.3, above 10,000"),
        ({}, ["high throughput"], 4, "high throughput", "needs are high throughput"),
        ({"max_latency_ms": 1999}, [], 5, "haiku", "max_latency_ms is 1,999, below 2,000"),
        ({"max_latency_ms": 1999}, ["complex reasoning"], 5, "haiku",
         "max_latency_ms is 1,999, below 2,000"),
        ({"max_cost_per_request": 0.004}, [], 6, "mistral-small",
         "max_cost_per_request is 0.004, below 0.005"),
        ({"output_format": "code"}, [], 7, "sonnet", "output_format is code"),
        ({}, ["instruction following"], 7, "sonnet", "needs are instruction following"),
        ({}, ["classification"], 8, "classification", "needs are classification"),
        ({}, ["creative writing"], 9, "creative writing", "needs are creative writing"),
        ({}, ["multilingual"], 10, "multilingual", "needs are multilingual"),
    ],
)  # fmt: skip
def test_each_question_has_its_yes(
    changes: dict[str, Any], needs: list[str], question: int, suggests: str, why: str
) -> None:
    """One fact is enough for a yes, all questions before it are a no, and none is asked after."""
    path, suggestion = walk(tree(), facts(required(**changes), None, needs))
    assert [step.yes for step in path] == [False] * (question - 1) + [True]
    assert path[-1].why == why
    assert suggests in (*suggestion.models, *suggestion.strengths)


def test_ten_times_no_is_the_safe_default() -> None:
    """The lesson's own requirements end at the default, each no with the fact behind it."""
    path, suggestion = walk(tree(), facts(required(), None))
    assert [step.why for step in path] == [
        "data_privacy is standard",
        "context_needed is 8,000, not above 200,000",
        "needs: no task says so",
        "peak_per_minute is 34.2, not above 10,000",
        "max_latency_ms is 3,000, not below 2,000",
        "max_cost_per_request is 0.01, not below 0.005",
        "output_format is json",
        *["needs: no task says so"] * 3,
    ]
    assert suggestion.models[0] == "gpt-6.1-sol"


def test_unless_takes_a_yes_back() -> None:
    """What thinks for seconds is not suggested to who waits for less than two: it says so."""
    wanted = required(max_latency_ms=1500)
    path, _ = walk(tree(), facts(wanted, None, ["complex reasoning"]))
    assert (path[2].yes, path[2].why) == (False, "max_latency_ms is 1,500, below 2,000")


def test_the_first_yes_decides() -> None:
    """Privacy is asked before latency."""
    wanted = required(data_privacy="strict", max_latency_ms=500)
    assert len(walk(tree(), facts(wanted, None))[0]) == 1


@pytest.mark.parametrize("value", [2000, 0.005, 200_000])
def test_a_limit_itself_is_neither_above_nor_below(value: float) -> None:
    """2 s is not less than 2 s."""
    names = {2000: "max_latency_ms", 0.005: "max_cost_per_request", 200_000: "context_needed"}
    path, _ = walk(tree(), facts(required(**{names[value]: value}), None))
    assert not any(step.yes for step in path)


def test_what_is_not_required_is_a_no() -> None:
    """An unset requirement answers no, and the reason says that there is none."""
    path, _ = walk(tree(), facts(Requirements(name="base"), None))
    assert [step.yes for step in path] == [False] * 10
    assert path[4].why == "max_latency_ms: no requirement says so"


def test_all_facts_of_a_condition_must_hold() -> None:
    """Within one condition every fact counts, and a range has two sides."""
    condition = {"max_latency_ms": {"above": 1000, "below": 5000}, "output_format": ["json"]}
    rule = {"question": "Both?", "when": [condition], "models": ["haiku"], "why": "so"}
    decision = tree(rules=[rule])
    [step], _ = walk(decision, facts(required(), None))
    assert step.why == "output_format is json, max_latency_ms is 3,000, above 1,000 and below 5,000"
    for changes in ({"output_format": "text"}, {"max_latency_ms": 900}, {"max_latency_ms": 5000}):
        [step], _ = walk(decision, facts(required(**changes), None))
        assert not step.yes


def test_every_fact_can_be_asked_for() -> None:
    """What is known of the work and what a condition may name are the same."""
    assert set(Condition.model_fields) == set(facts(required(), None))


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ({"max_latency": {"below": 1}}, "rules.0.when.0.max_latency: no such key; did you mean"),
        ({"max_latency_ms": {"bellow": 1}}, "rules.0.when.0.max_latency_ms.bellow: no such key"),
        ({"max_latency_ms": {}}, "rules.0.when.0.max_latency_ms: give above, below or both"),
        ({"data_privacy": ["strikt"]}, "rules.0.when.0.data_privacy.0: input should be 'standard'"),
        ({}, "rules.0.when.0: name at least one fact"),
    ],
)
def test_a_wrong_rule_is_a_line(when: dict[str, Any], problem: str) -> None:
    """A fact that there is not is refused, with the nearest one."""
    with pytest.raises(ConfigError) as caught:
        tree(rules=[{**DEFAULT["rules"][0], "when": [when]}])
    assert caught.value.problems[0].startswith(problem)


def test_names_of_nothing_are_lines() -> None:
    """A model, a strength or a need that no file knows is told with the nearest that is there."""
    known = Single.model_validate({**model("http://127.0.0.1:9"), "strengths": ["poetry"]})
    decision = tree(
        rules=[],
        otherwise={"models": ["demo-modle"], "strengths": ["poetri"], "why": "so"},
    )
    with pytest.raises(ConfigError) as caught:
        decision.check_names({"demo-model": known}, ["poetries", "poetry"])
    assert caught.value.problems == (
        "decision.otherwise.models: there is no 'demo-modle'; did you mean 'demo-model'?",
        "decision.otherwise.strengths: there is no 'poetri'; did you mean 'poetry'?",
        "needs: no model is good at 'poetries'; did you mean 'poetry'?",
    )
