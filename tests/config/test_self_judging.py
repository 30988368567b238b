"""A model under test does not judge itself unawares."""

from collections.abc import Callable
from typing import Any

import pytest

from runner.config.loading import validate
from runner.config.self_judging import self_judging
from tests.conftest import model

URL = "http://127.0.0.1:9/v1"
ADVICE = "; name another, or set allow_self_judging: true beside it"


def named(name: str) -> dict[str, Any]:
    return model(URL, name)


def judged_by(judge: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    return {"judge": {"rubric": "Is it good?", "model": judge, **options}}


def cascade(check: dict[str, dict[str, Any]]) -> dict[str, Any]:
    arms = {"cheap": named("cheap"), "strong": named("strong")}
    return {"kind": "cascade", "name": "cascade", "arms": arms, "checks": check}


@pytest.fixture
def find(config: dict[str, Any]) -> Callable[..., list[str]]:
    """What is found where these scorers judge `tested`, or what else is given as `model`."""

    def found(scorers: dict[str, Any], *, allowed: bool = False, **changes: Any) -> list[str]:
        task = config["task"] | {"scorers": scorers}
        job = validate(config | {"model": named("tested"), "task": task} | changes)
        return self_judging(job, allowed=allowed)

    return found


def test_another_model_may_judge(find: Callable[..., list[str]]) -> None:
    """A judge that is not under test is no problem, and a scorer without a model is none."""
    assert find(judged_by(named("other"))) == []
    assert find({"exact": {}}) == []


@pytest.mark.parametrize("changes", [{}, {"name": "alias"}, {"price": None}])
def test_the_model_under_test_may_not(
    find: Callable[..., list[str]], changes: dict[str, Any]
) -> None:
    """The same pinned id is the same model, whatever its file is called."""
    judge = named("tested") | changes
    name = judge["name"]
    assert find(judged_by(judge)) == [
        f"task.scorers.judge.model: {name} judges its own answers{ADVICE}"
    ]


def test_another_address_makes_no_other_model(find: Callable[..., list[str]]) -> None:
    """A model that is asked at another address is the same one still."""
    judge = model("http://127.0.0.1:10/v1", "tested")
    assert len(find(judged_by(judge))) == 1


def test_it_may_where_the_config_says_so(find: Callable[..., list[str]]) -> None:
    """Allowed, it is no problem any more, but can be told."""
    judges = judged_by(named("tested"), allow_self_judging=True)
    assert find(judges) == []
    assert find(judges, allowed=True) == ["task.scorers.judge.model: tested judges its own answers"]
    assert find(judged_by(named("tested")), allowed=True) == []


def test_every_model_that_may_answer_counts(find: Callable[..., list[str]]) -> None:
    """The arms of a composite model and a fallback's chain answer too; a classifier does not."""
    arms = {"one": named("one"), "two": named("two")}
    router = {
        "kind": "router",
        "name": "router",
        "arms": arms,
        "classifier": named("sorter"),
        "system": "one or two?",
        "sampling": {"max_tokens": 5},
        "otherwise": "one",
    }
    assert len(find(judged_by(named("two")), model=router)) == 1
    assert find(judged_by(named("sorter")), model=router) == []
    chain = {"name": "chain", "chain": {"first": named("spare")}, "on": ["timeout"]}
    assert len(find(judged_by(named("spare")), fallback=chain)) == 1


def test_any_model_of_a_composite_judge_counts(find: Callable[..., list[str]]) -> None:
    """A judge made of models is under test as soon as one of them is."""
    split = {
        "kind": "split",
        "name": "panel",
        "arms": {"a": named("other"), "b": named("tested")},
        "weights": {"a": 1, "b": 1},
    }
    assert find(judged_by(split)) == [
        f"task.scorers.judge.model: tested judges its own answers{ADVICE}"
    ]


def test_a_check_judges_what_comes_before_the_last_arm(find: Callable[..., list[str]]) -> None:
    """The last arm may decide whether a cheaper one's answer stands; no arm decides on its own."""
    exact: dict[str, Any] = {"exact": {}}
    assert find(exact, model=cascade(judged_by(named("strong")))) == []
    assert find(exact, model=cascade(judged_by(named("cheap")))) == [
        f"model.checks.judge.model: cheap judges its own answers{ADVICE}"
    ]
    inner = {
        "kind": "split",
        "name": "split",
        "arms": {"a": cascade(judged_by(named("cheap")))},
        "weights": {"a": 1},
    }
    (found,) = find(exact, model=inner)
    assert found.startswith("model.arms.a.checks.judge.model: cheap")
