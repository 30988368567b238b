"""Models made of models: router, cascade and split."""

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from runner.config import patterns
from runner.config.schema.base import Name, Sampling, Share, Strict
from runner.config.schema.single import Single
from runner.errors import did_you_mean


class Composite(Strict):
    """A model made of models; what it consists of may be composite again."""

    name: Name
    arms: dict[Name, "Model"] = Field(min_length=1)

    @property
    def id(self) -> str:
        """What stands where a single model has its pinned id."""
        return f"{self.kind} of {', '.join(arm.name for arm in self.arms.values())}"  # type: ignore[attr-defined]

    @property
    def context_tokens(self) -> int:
        return min(arm.context_tokens for arm in self.arms.values())

    def parts(self) -> dict[str, "Model"]:
        """The models below this one, by their key."""
        return {f"arms.{key}": arm for key, arm in self.arms.items()}

    @field_validator("arms")
    @classmethod
    def _plain_names(cls, arms: dict[str, Any]) -> dict[str, Any]:
        """A way through the arms is written with points: complex.cheap."""
        for name in arms:
            if "." in name or name == "classifier":
                raise ValueError(f"'{name}' can't name an arm: no points, and not classifier")
        return arms

    def _known_arm(self, key: str, arm: str) -> None:
        if arm not in self.arms:
            raise ValueError(f"{key}: no arm '{arm}'{did_you_mean(arm, self.arms)}")


class Rule(Strict):
    """Picks `arm` for a request that fits everything the rule names."""

    arm: Name
    min_chars: int | None = Field(None, ge=1)  # of the case's input
    max_chars: int | None = Field(None, ge=1)
    tags: tuple[str, ...] = ()  # one of them
    regex: str | None = None  # found in the input

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.regex is not None:
            patterns.compiled(self.regex)
        if not (self.min_chars or self.max_chars or self.tags or self.regex):
            raise ValueError("give at least one of min_chars, max_chars, tags and regex")
        return self


class Router(Composite):
    """Picks one arm for each request: by a classifier's answer, or by the first rule that fits."""

    kind: Literal["router"]
    classifier: "Model | None" = None
    system: str  # tells the classifier to answer with the name of an arm
    sampling: Sampling
    rules: tuple[Rule, ...] = ()
    otherwise: Name  # the arm for what no rule fits and no classifier could name

    @model_validator(mode="after")
    def _can_pick(self) -> Self:
        if (self.classifier is None) == (not self.rules):
            raise ValueError("give either a classifier or rules")
        self._known_arm("otherwise", self.otherwise)
        for rule in self.rules:
            self._known_arm("rules", rule.arm)
        return self

    def parts(self) -> dict[str, "Model"]:
        found = super().parts()
        return found if self.classifier is None else {"classifier": self.classifier, **found}


class SelfConsistency(Strict):
    """Ask several times; the answer that most samples give stands when enough of them agree."""

    samples: int = Field(3, ge=2)
    min_agreement: Share = 0.6
    temperature: float = Field(0.7, gt=0, le=2)


def with_models(scorers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """A scorer that asks a model of its own has it among its options."""
    return {
        name: {key: _as_model(f"{name}.{key}", value) for key, value in options.items()}
        for name, options in scorers.items()
    }


def models_of(scorers: dict[str, dict[str, Any]]) -> dict[str, "Model"]:
    return {
        f"{name}.{key}": value
        for name, options in scorers.items()
        for key, value in options.items()
        if isinstance(value, MODELS)
    }


class Cascade(Composite):
    """Asks its arms in order, until an answer passes all checks; the last arm's answer stands."""

    kind: Literal["cascade"]
    # Scorers that need no expected value, with their options and `min_score` (1 unless said).
    checks: dict[str, dict[str, Any]] = Field({})
    finish_reasons: tuple[str, ...] = ()  # any other escalates; empty: none does
    self_consistency: SelfConsistency | None = None

    _judges = field_validator("checks")(with_models)

    @model_validator(mode="after")
    def _can_escalate(self) -> Self:
        if len(self.arms) < 2:
            raise ValueError("arms: a cascade has two or more, the cheapest first")
        if not (self.checks or self.finish_reasons or self.self_consistency):
            raise ValueError("give at least one of checks, finish_reasons and self_consistency")
        return self

    def parts(self) -> dict[str, "Model"]:
        judges = {f"checks.{key}": model for key, model in models_of(self.checks).items()}
        return super().parts() | judges


class Split(Composite):
    """Sends each key to one arm, always the same one, in the proportion of the weights."""

    kind: Literal["split"]
    weights: dict[Name, float]
    key: Literal["case", "user"] = "case"  # what stays with its arm
    seed: int = 0

    @model_validator(mode="after")
    def _weighs_its_arms(self) -> Self:
        for arm in self.weights:
            self._known_arm("weights", arm)
        if set(self.weights) != set(self.arms):
            missing = ", ".join(arm for arm in self.arms if arm not in self.weights)
            raise ValueError(f"weights: none for {missing}; 0 keeps an arm out")
        if min(self.weights.values()) < 0 or not sum(self.weights.values()):
            raise ValueError("weights: none may be negative, and one must be above 0")
        return self


Model = Annotated[Single | Router | Cascade | Split, Field(discriminator="kind")]
for _made_of_models in (Router, Cascade, Split):
    _made_of_models.model_rebuild(force=True)  # now that what they are made of is known
MODELS = Single, Router, Cascade, Split
_KINDS = {"single", "router", "cascade", "split"}
_model: TypeAdapter[Model] = TypeAdapter(Model)


def _as_model(where: str, value: Any) -> Any:
    """A model where `value` describes one, else `value` itself."""
    if not (isinstance(value, dict) and value.get("kind") in _KINDS):
        return value
    try:
        return _model.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        inside = ".".join(map(str, first["loc"][1:]))  # less the kind
        raise ValueError(f"{where}.{inside}: {first['msg']}") from None


def singles(model: Model, key: str) -> Iterator[tuple[str, Single]]:
    """Every pinned model that a request to `model` may reach, with the key it stands at."""
    if isinstance(model, Single):
        yield key, model
        return
    for name, part in model.parts().items():
        yield from singles(part, f"{key}.{name}")


def reached(models: Mapping[str, Model]) -> dict[str, Single]:
    """The same for several, which stand at these keys."""
    return dict(found for key, model in models.items() for found in singles(model, key))


def with_singles(value: Any, new: Callable[[Single], Single]) -> Any:
    """A part of a config with every single model in it replaced."""
    if isinstance(value, Single):
        return new(value)
    if isinstance(value, dict):
        return {key: with_singles(inner, new) for key, inner in value.items()}
    if isinstance(value, BaseModel):
        fields = {name: getattr(value, name) for name in type(value).model_fields}
        return value.model_copy(update=with_singles(fields, new))
    return value


def answerers(model: Model, arm: str = "") -> Iterator[tuple[str, Single]]:
    """Every single model that may give an answer, with the way to it: complex.cheap."""
    if isinstance(model, Single):
        yield arm, model
        return
    for name, part in model.arms.items():
        yield from answerers(part, f"{arm}.{name}" if arm else name)
