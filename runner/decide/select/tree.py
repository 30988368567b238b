"""The decision tree: questions in order over what is known of the work; the first yes suggests.

`conf/decision/` holds them as data. A tree only suggests: bounds exclude, a sweep decides.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import Field, model_validator

from runner.config.schema import Name, Output, Privacy, Requirements, Single, Strict, Task
from runner.errors import ConfigError, did_you_mean
from runner.measure.capacity import peak_per_minute

# What questions may be about, by the name that a condition has for it; None and () are unknown.
Facts = Mapping[str, Any]


class Limit(Strict):
    above: float | None = None
    below: float | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.above is None and self.below is None:
            raise ValueError("give above, below or both")
        return self

    def holds(self, value: float) -> bool:
        return (self.above is None or value > self.above) and (
            self.below is None or value < self.below
        )

    def __str__(self) -> str:
        sides = {"above": self.above, "below": self.below}
        return " and ".join(
            f"{side} {_number(value)}" for side, value in sides.items() if value is not None
        )


_UNSAID = " says so"

Limited = Limit | None
OneOf = tuple[str, ...] | None


class Condition(Strict):
    """What facts must be for a yes: all that are named. A fact that is unknown never is."""

    task: OneOf = None
    needs: OneOf = None  # strengths that the work calls for
    output_format: tuple[Output, ...] | None = None
    data_privacy: tuple[Privacy, ...] | None = None
    context_needed: Limited = None
    max_latency_ms: Limited = None
    max_cost_per_request: Limited = None
    min_quality_score: Limited = None
    requests_per_month: Limited = None
    peak_per_minute: Limited = None  # requests in the busiest minute of that month
    availability: Limited = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.wanted():
            raise ValueError("name at least one fact")
        return self

    def wanted(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: value for name, value in named.items() if value is not None}


def facts(requirements: Requirements, task: Task | None, needs: Collection[str] = ()) -> Facts:
    """Those of the requirements and of the task; `needs` are added to the task's own."""
    known: dict[str, Any] = {
        name: getattr(requirements, name, None) for name in Condition.model_fields
    }
    if month := requirements.requests_per_month:
        known["peak_per_minute"] = round(peak_per_minute(month, requirements.peak_factor), 1)
    if task is not None:
        known["task"] = task.name
        known["output_format"] = requirements.output_format or task.output
        needs = [*task.needs, *needs]
    return known | {"needs": tuple(dict.fromkeys(needs))}


class Suggestion(Strict):
    """Models by name, and all whose file names one of the strengths."""

    models: tuple[str, ...] = ()
    strengths: tuple[str, ...] = ()
    why: str

    @model_validator(mode="after")
    def _suggests(self) -> Self:
        if not (self.models or self.strengths):
            raise ValueError("give at least one of models and strengths")
        return self

    def includes(self, option: str, model: Single) -> bool:
        return option in self.models or bool(set(self.strengths) & set(model.strengths))

    def __str__(self) -> str:
        good = [f"what is good at {' or '.join(self.strengths)}"] if self.strengths else []
        return ", ".join([*self.models, *good])


class Branch(Suggestion):
    """Asks whether one of `when` holds, and none of `unless`."""

    question: str
    when: tuple[Condition, ...] = Field(min_length=1)
    unless: tuple[Condition, ...] = ()


class DecisionTree(Strict):
    name: Name
    rules: tuple[Branch, ...]
    otherwise: Suggestion

    def check_names(self, models: Mapping[str, Single], needs: Collection[str]) -> None:
        """Raises ConfigError for a model or a strength that there is not, `needs` included."""
        strengths = {strength for model in models.values() for strength in model.strengths}
        conditions = [each for rule in self.rules for each in (*rule.when, *rule.unless)]
        asked = {need for each in conditions for need in each.needs or ()}
        problems = []
        for place, suggestion in self._places():
            for key, known in (("models", set(models)), ("strengths", strengths)):
                problems += [
                    f"decision.{place}.{key}: there is no '{name}'{did_you_mean(name, known)}"
                    for name in getattr(suggestion, key)
                    if name not in known
                ]
        problems += [
            f"needs: no model is good at '{need}'{did_you_mean(need, strengths | asked)}"
            for need in needs
            if need not in strengths | asked
        ]
        if problems:
            raise ConfigError(*problems)

    def _places(self) -> Iterator[tuple[str, Suggestion]]:
        for number, rule in enumerate(self.rules):
            yield f"rules.{number}", rule
        yield "otherwise", self.otherwise


@dataclass(frozen=True)
class PathStep:
    """A question that was asked, its answer, and why it is so."""

    question: str
    yes: bool
    why: str


def walk(decision: DecisionTree, facts: Facts) -> tuple[list[PathStep], Suggestion]:
    """The way to the first yes."""
    path: list[PathStep] = []
    for rule in decision.rules:
        yes, whys = _any(rule.when, facts)
        if yes and rule.unless:
            but, because = _any(rule.unless, facts)
            yes, whys = (False, because) if but else (True, whys)
        path.append(PathStep(rule.question, yes, "; ".join(whys)))
        if yes:
            return path, rule
    return path, decision.otherwise


def _any(conditions: Sequence[Condition], facts: Facts) -> tuple[bool, list[str]]:
    """Whether one of them holds, and why; where none does, the facts against each."""
    answers = [_answer(condition, facts) for condition in conditions]
    if yes := [why for holds, why in answers if holds]:
        return True, yes[:1]
    whys = list(dict.fromkeys(why for _, why in answers))
    return False, [why for why in whys if not why.endswith(_UNSAID)] or whys


def _answer(condition: Condition, facts: Facts) -> tuple[bool, str]:
    """A no is explained by the first fact that is not as it must be."""
    whys = []
    for name, wanted in condition.wanted().items():
        holds, why = _holds(name, wanted, facts[name])
        if not holds:
            return False, why
        whys.append(why)
    return True, ", ".join(whys)


def _holds(name: str, wanted: Any, value: Any) -> tuple[bool, str]:
    if value in (None, ()):
        sources = {"task": "task", "needs": "task", "peak_per_minute": "requests_per_month"}
        source = sources.get(name, "requirement")
        return False, f"{name}: no {source}{_UNSAID}"
    if isinstance(wanted, Limit):
        holds, must = wanted.holds(value), str(wanted)
        return holds, f"{name} is {_number(value)}, {'' if holds else 'not '}{must}"
    values = value if isinstance(value, tuple) else (value,)
    verb = "are" if isinstance(value, tuple) else "is"
    return bool(set(wanted) & set(values)), f"{name} {verb} {', '.join(values)}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,g}"
