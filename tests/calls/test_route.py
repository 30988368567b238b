"""Which arm of a composite model answers, and what is written down of the choice."""

from collections import Counter
from typing import Any

import pytest
from pydantic import TypeAdapter

from runner.calls.ask import Asker
from runner.calls.dispatch import Dispatch
from runner.calls.route import AskModel, Served, questions, route
from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.loading import validate
from runner.config.schema import Model, Retry, Sampling, Single, Task
from runner.errors import CallFailed, ConfigError
from runner.record.outcomes import Choice, Reply
from tests.conftest import model

_model: TypeAdapter[Model] = TypeAdapter(Model)
SAMPLING = {"temperature": 0.0, "max_tokens": 10}
ONCE = Retry.model_validate(
    {"name": "once", "attempts": 1, "initial_wait": 1, "max_wait": 1, "jitter": 0, "total": 1}
)


def single(name: str) -> dict[str, Any]:
    return model("http://127.0.0.1:9/v1", name)


def router(**changes: Any) -> Model:
    return _model.validate_python(
        {
            "kind": "router",
            "name": "routed",
            "classifier": single("sorter"),
            "system": "simple or complex?",
            "sampling": SAMPLING,
            "arms": {"simple": single("small"), "complex": single("big")},
            "otherwise": "complex",
        }
        | changes
    )


def cascade(**changes: Any) -> Model:
    return _model.validate_python(
        {
            "kind": "cascade",
            "name": "steps",
            "arms": {"cheap": single("small"), "strong": single("big")},
        }
        | changes
    )


def split(**changes: Any) -> Model:
    return _model.validate_python(
        {
            "kind": "split",
            "name": "ab",
            "arms": {"a": single("small"), "b": single("big")},
            "weights": {"a": 3, "b": 1},
        }
        | changes
    )


TASK = Task.model_validate(
    {
        "name": "demo",
        "cases": "demo.jsonl",
        "system": None,
        "prompt": "{{ input }}",
        "output": "text",
        "json_schema": None,
        "sampling": SAMPLING,
        "scorers": {"exact": {}},
        "quality": None,
    }
)


def query(text: str = "hello", **case: Any) -> Query:
    return Query(
        case=Case(id=case.pop("id", "c1"), input=text, **case),
        messages=[{"role": "user", "content": f"Answer: {text}"}],
        sampling=Sampling.model_validate(SAMPLING),
        seed=7,
        task=TASK,
    )


def reply(text: str) -> Reply:
    reason = "length" if text.endswith("…") else "stop"
    return Reply(
        text=text, finish_reason=reason, usage=None, seconds=1, model_served=None, request={}
    )


class Fake(Dispatch):
    """Answers by the name of the model; a list answers in turn, an error is raised."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Query]] = []

    async def send(
        self, model: Single, query: Query, log: CallLog, *, arm: str = "", **_: Any
    ) -> Reply:
        self.asked.append((model.name, arm, query))
        answer = self.answers[model.name]
        text = answer.pop(0) if isinstance(answer, list) else answer
        log.seconds += 1
        if isinstance(text, Exception):
            raise text
        return reply(text)

    async def answer(self, model: Model, query: Query) -> tuple[Reply, CallLog]:
        """Raises CallFailed."""
        log = await Asker(self, ONCE).ask(model, query)
        if log.error:
            raise log.error
        assert log.reply is not None
        return log.reply, log


def test_a_route_asks_nobody() -> None:
    """A route says what it wants next, one thing at a time, and goes on with what it is told."""
    way = route(router(), query())
    classify = next(way)
    assert isinstance(classify, AskModel)
    assert (classify.model.name, classify.stands) == ("sorter", False)
    choice = way.send(reply("simple"))
    assert choice == Choice(model="routed", arm="simple", how="classified")
    arm = next(way)
    assert isinstance(arm, AskModel)
    assert (arm.model.name, arm.arm, arm.stands) == ("small", "simple", True)
    with pytest.raises(StopIteration) as end:
        way.send(reply("s"))
    assert end.value.value == Served(arm, reply("s"))


@pytest.mark.parametrize(
    ("said", "arm", "how"),
    [
        ("simple", "simple", "classified"),
        ("The label is: Complex.", "complex", "classified"),
        ("simple or complex", "complex", "unparsable"),
        ("no idea", "complex", "unparsable"),
        (CallFailed("overloaded", "busy"), "complex", "unclassified"),
    ],
)
async def test_classifier_picks(said: Any, arm: str, how: str) -> None:
    """The arm that the classifier names answers; what names none, or fails, goes to `otherwise`."""
    fake = Fake(sorter=said, small="s", big="b")
    reply, asked = await fake.answer(router(), query())
    assert asked.arm == arm
    assert reply.text == {"simple": "s", "complex": "b"}[arm]
    assert [(choice.model, choice.how) for choice in asked.choices] == [("routed", how)]
    name, way, question = fake.asked[0]
    assert (name, way, question.role) == ("sorter", "classifier", "classifier")
    assert question.messages[1]["content"] == "hello"  # the input, without the task's prompt


async def test_wrong_key_of_the_classifier_is_raised() -> None:
    """What only a person can mend is not routed around."""
    fake = Fake(sorter=CallFailed("auth", "wrong key"), small="s", big="b")
    with pytest.raises(CallFailed, match="wrong key"):
        await fake.answer(router(), query())
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("text", "tags", "arm", "how"),
    [
        ("x" * 50, (), "complex", "rule"),
        ("short", ("hard",), "complex", "rule"),
        ("prove it", (), "complex", "rule"),
        ("short", (), "simple", "otherwise"),
    ],
)
async def test_rules_pick(text: str, tags: tuple[str, ...], arm: str, how: str) -> None:
    """The first rule that fits picks the arm, and nobody is asked for it."""
    rules = [
        {"arm": "complex", "min_chars": 50},
        {"arm": "complex", "tags": ["hard", "long"]},
        {"arm": "complex", "regex": r"\bprove\b"},
    ]
    fake = Fake(small="s", big="b")
    model = router(classifier=None, rules=rules, otherwise="simple")
    _, asked = await fake.answer(model, query(text, tags=tags))
    assert (asked.arm, asked.choices[0].how) == (arm, how)
    assert len(fake.asked) == 1


async def test_a_rule_that_takes_for_ever() -> None:
    """A pattern that backtracks without end on an input does not fit it, and the choice says so."""
    rules = [{"arm": "complex", "regex": "^(a|a)*$"}]
    model = router(classifier=None, rules=rules, otherwise="simple")
    _, asked = await Fake(small="s", big="b").answer(model, query("a" * 60 + "!"))
    assert (asked.arm, asked.choices[0].how) == ("simple", "otherwise")
    assert asked.choices[0].why == "rule 1: '^(a|a)*$' takes over 0.5 s"


async def test_cascade_escalates() -> None:
    """An answer that fails a check is followed by the next arm's, and the record says why."""
    steps = cascade(finish_reasons=["stop"], checks={"regex": {"pattern": r"\d+"}})
    for first, why in [("no number", "regex"), ("12…", "finish_reason: length")]:
        reply, asked = await Fake(small=first, big="b").answer(steps, query())
        assert (reply.text, asked.arm, asked.served_by) == ("b", "strong", "big")
        assert [choice.how for choice in asked.choices] == ["first", "escalated"]
        assert why in asked.choices[1].why
    reply, asked = await Fake(small="it is 12", big="b").answer(steps, query())
    assert (reply.text, asked.arm) == ("it is 12", "cheap")


async def test_self_consistency() -> None:
    """The answer that most samples give stands; too little agreement escalates."""
    steps = cascade(self_consistency={"samples": 3, "min_agreement": 0.6, "temperature": 0.5})
    fake = Fake(small=["Paris", " paris ", "Rome"], big="b")
    reply, asked = await fake.answer(steps, query())
    assert (reply.text, asked.arm) == ("Paris", "cheap")
    assert asked.seconds == 1  # they were asked at once
    assert {question.sampling.temperature for _, _, question in fake.asked} == {0.5}
    assert len({question.seed for _, _, question in fake.asked}) == 3
    reply, asked = await Fake(small=["a", "b", "c"], big="big").answer(steps, query())
    assert (reply.text, asked.arm) == ("big", "strong")
    assert "1 of 3 samples agree" in asked.choices[1].why


async def test_samples_that_are_the_same_json_agree() -> None:
    """Samples are compared by what they mean and not by how it is written."""
    steps = cascade(self_consistency={"samples": 2, "min_agreement": 1.0})
    _, asked = await Fake(small=['{"a":1,"b":2}', '{ "b": 2, "a": 1 }'], big="b").answer(
        steps, query()
    )
    assert asked.arm == "cheap"


async def test_split_is_sticky_and_weighted() -> None:
    """A key always meets the same arm, and arms share the keys by their weights."""
    arms: Counter[str] = Counter()
    for number in range(2000):
        _, asked = await Fake(small="s", big="b").answer(split(), query(id=f"c{number}"))
        arms[asked.arm] += 1
    assert 1400 < arms["a"] < 1600
    by_user = split(key="user")
    _, one = await Fake(small="s", big="b").answer(by_user, query(id="x", user="ada"))
    _, two = await Fake(small="s", big="b").answer(by_user, query(id="y", user="ada"))
    assert one.arm == two.arm


async def test_weight_zero_is_never_picked() -> None:
    """An arm of weight 0 gets nothing."""
    only = split(weights={"a": 0, "b": 2})
    for number in range(50):
        _, asked = await Fake(small="s", big="b").answer(only, query(id=f"c{number}"))
        assert asked.arm == "b"


async def test_nested() -> None:
    """Models made of models nest, and the way to the answer is on record."""
    inner = cascade(finish_reasons=["stop"]).model_dump(mode="json")
    model = router(arms={"simple": single("tiny"), "complex": inner})
    fake = Fake(sorter="complex", tiny="t", small="cut…", big="b")
    reply, asked = await fake.answer(model, query())
    assert (reply.text, asked.arm) == ("b", "complex.strong")
    assert [way for _, way, _ in fake.asked] == ["classifier", "complex.cheap", "complex.strong"]


def test_questions_names_all_that_may_be_asked() -> None:
    """Every model below is listed with its own question, the classifier's among them."""
    found = {model.name: asked.role for model, asked in questions(router(), query())}
    assert found == {"sorter": "classifier", "small": "answer", "big": "answer"}


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"otherwise": "complx"}, "model: otherwise: no arm 'complx'; did you mean 'complex'?"),
        ({"classifier": None}, "model: give either a classifier or rules"),
        ({"rules": [{"arm": "simple"}]}, "model.rules.0: give at least one of"),
        ({"arms": {"simple": {"kind": "singel"}}}, "model.arms.simple.kind: says what a model is"),
        ({"armz": {}}, "model.armz: no such key; did you mean 'arms'?"),
        (
            {"arms": {"simple": single("a") | {"idd": 1}, "complex": single("b")}},
            "model.arms.simple.idd: no such key; did you mean 'id'?",
        ),
    ],
)
def test_mistakes_name_their_key(
    config: dict[str, Any], changes: dict[str, Any], line: str
) -> None:
    """A mistake in a composite model is said in a line with the key as it stands in the file."""
    good = {
        "kind": "router",
        "name": "routed",
        "classifier": single("sorter"),
        "system": "?",
        "sampling": SAMPLING,
        "arms": {"simple": single("small"), "complex": single("big")},
        "otherwise": "complex",
    }
    with pytest.raises(ConfigError) as caught:
        validate(config | {"model": good | changes})
    assert any(problem.startswith(line) for problem in caught.value.problems), caught.value
