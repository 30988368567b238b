"""Where candidates were not asked alike, the report says so; where they were, it is silent."""

from pathlib import Path
from typing import Any

import pytest

from runner.measure.like_for_like import Inputs, asked, differences, look
from runner.record.run import Run
from tests.report.make import Factory, answered, failed, job, model


@pytest.fixture
def unlike(write_run: Factory) -> Any:
    """The differences between runs, each given by its lines and the changes of its job."""

    def compare(*runs: tuple[list[Any], dict[str, Any]]) -> list[str]:
        found = []
        for label, (lines, changes) in zip("abc", runs, strict=False):
            directory = write_run(lines, job(**changes), name=label)
            run = Run(directory)
            found.append(asked(label, run.config, look(run, run.outcomes())))
        return differences(found)

    return compare


def sent(**request: Any) -> list[Any]:
    return [answered("1", request=request)]


def test_alike(unlike: Any) -> None:
    """Another model, its provider and its price are what is compared, and no difference."""
    expensive = model("big", data="self_hosted", price=None, context_tokens=9000)
    assert unlike((sent(), {}), (sent(), {"model": expensive})) == []


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("concurrency", 8, "concurrency: 1 for a; 8 for b"),
        ("repeats", 3, "repeats: 1 for a; 3 for b"),
        ("limit", 10, "limit: None for a; 10 for b"),
        ("seed", 7, "seed: None for a; 7 for b"),
        ("tags", ["hard"], "tags: [] for a; ['hard'] for b"),
    ],
)
def test_how_it_was_run(unlike: Any, key: str, value: Any, said: str) -> None:
    """Whatever shapes a run is compared."""
    assert unlike((sent(), {}), (sent(), {key: value})) == [said]


def test_what_the_task_asked_for(unlike: Any) -> None:
    """Each key of the task and of the requirements is compared by itself."""
    found = unlike(
        (sent(), {}),
        (sent(), {"task": {"prompt": "Sort: {{ input }}"}}),
        (sent(), {"requirements": {"min_quality_score": 0.5}}),
    )
    assert found == [
        "task.prompt: {{ input }} for a, c; Sort: {{ input }} for b",
        "requirements.min_quality_score: None for a, b; 0.5 for c",
    ]


def test_a_provider_may_take_fewer_at_once(unlike: Any) -> None:
    """What counts is how many requests there were at once, whoever limited them."""
    small = model("small")
    limited = {**small, "provider": small["provider"] | {"max_concurrency": 2}}
    found = unlike((sent(), {"concurrency": 8}), (sent(), {"concurrency": 8, "model": limited}))
    assert found == ["concurrency: 8 for a; 2 for b"]


def test_what_really_went_over_the_wire(unlike: Any) -> None:
    """Parameters are compared as they were sent: dropped, added or changed on the way."""
    found = unlike(
        (sent(model="a", messages=[], temperature=0.0, max_tokens=50), {}),
        (sent(model="b", max_tokens=50, top_k=40), {}),
        (sent(model="c", temperature=0, max_tokens=60), {}),
    )
    assert found == [
        "request.temperature: 0 for a, c; not sent for b",
        "request.max_tokens: 50 for a, b; 60 for c",
        "request.top_k: not sent for a, c; 40 for b",
    ]


def test_providers_have_words_of_their_own(unlike: Any) -> None:
    """One parameter under three names, in three places, is one parameter."""
    found = unlike(
        (sent(max_completion_tokens=50, temperature=0.0, stop=["x"]), {}),
        (sent(generationConfig={"max_output_tokens": 50, "temperature": 0, "stop": ["x"]}), {}),
        (sent(options={"num_predict": 50, "temperature": 0.0, "stop": ["x"]}, think=None), {}),
    )
    assert found == ["request.think: not sent for a, b; None for c"]


def test_what_the_notes_say_is_not_said_twice(unlike: Any) -> None:
    """A parameter that the model's file drops on purpose has its note already."""
    dropping = model("small", drop_params=["temperature"])
    assert unlike((sent(temperature=0), {}), (sent(), {"model": dropping})) == []


def test_a_model_that_may_write_less(unlike: Any) -> None:
    """Its own limit has a note where it is below what the task allows, and else is none of it."""
    for limit, said in ((40, []), (60, ["request.max_tokens: 50 for a; 40 for b"])):
        limited = model("small", max_output_tokens=limit)
        assert unlike((sent(max_tokens=50), {}), (sent(max_tokens=40), {"model": limited})) == said


def test_schemas(unlike: Any) -> None:
    """A schema that one provider enforces and another is only told of is a difference."""
    lines = ([answered(schema=how)] for how in ("enforced", "prompted"))
    assert unlike(*((each, {}) for each in lines)) == [
        "JSON schema: enforced for a; prompted for b"
    ]


def test_replayed_answers(unlike: Any) -> None:
    """Answers that were taken over were not asked for under these circumstances."""
    lines = [answered("1", replayed=True), answered("2")]
    assert unlike((lines, {}), ([answered("1"), answered("2")], {})) == [
        "replayed answers: 50% for a; none for b"
    ]


def test_the_same_case_is_compared(unlike: Any) -> None:
    """Journals are in any order, and a case may have a limit of its own."""
    long, short = (answered(case, request={"max_tokens": n}) for case, n in (("a", 900), ("b", 9)))
    assert unlike(([long, short], {}), ([short, long], {})) == []


def test_long_values_are_clipped(unlike: Any) -> None:
    """A prompt is no part of a line."""
    [said] = unlike((sent(), {}), (sent(), {"task": {"prompt": "word " * 100}}))
    assert len(said) < 100


def test_scores_are_those_of_the_model(write_run: Factory, tmp_path: Path) -> None:
    """A fallback's answers and failures have no part in the comparison; repeats stay together."""
    lines = [
        answered("1", 0.25),
        answered("1", 0.75, repeat=1),
        answered("2", 1.0, fallback="first", served_by="big"),
        answered("3", scores={}),
        failed("4"),
    ]
    run = Run(write_run(lines, job(chain={"first": model("big")})))
    assert look(run, run.outcomes()).scores == {"1": [0.25, 0.75]}
    nowhere = Run(tmp_path / "nowhere")
    assert look(nowhere, nowhere.outcomes()).scores == {}


def tried(model: str, effort: str, **facts: str) -> Inputs:
    return Inputs(f"{model} {effort}", model, facts, {"task.sampling.reasoning_effort": effort})


def test_what_is_tried_is_the_point() -> None:
    """A swept key, and what follows from it in every model alike, is no unlikeness."""
    efforts = [("a", "low"), ("b", "low"), ("a", "high"), ("b", "high")]
    alike = [
        tried(model, effort, **{"request.effort": effort, "request.budget": f"of {effort}"})
        for model, effort in efforts
    ]
    assert differences(alike) == []
    unlike = [
        tried(model, effort, **({"request.effort": effort} if model == "a" else {}))
        for model, effort in efforts
    ]
    assert differences(unlike) == [
        "request.effort: low for a low; not sent for b low, b high; high for a high"
    ]
    replayed = [
        tried("a", "low", **{"replayed answers": "none"}),
        tried("a", "high", **{"replayed answers": "50%"}),
    ]
    assert differences(replayed) == ["replayed answers: none for a low; 50% for a high"]
