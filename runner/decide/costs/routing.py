"""All requests to one model, or each to an arm of a router: what a month costs either way."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.config.schema import Single
from runner.config.validation import validated
from runner.decide.costs.scenario import Classifier, Routing
from runner.decide.costs.workload import FinishedRun, Sizes, Workload
from runner.errors import ConfigError
from runner.price import mixed, total

CLASSIFIER = "classifier"  # its key, beside those of the arms
TELLING = {"router.simple", "router.complex", "router.simple_share"}  # what a run knows, too
_INSTRUCTIONS = 100  # tokens that tell a classifier what to do

Usd = Callable[[str, Workload], float | None]  # of a mean request, by the model's option


@dataclass(frozen=True)
class ArmShare:
    model: str  # as in model=…
    share: float  # of the requests
    sizes: Sizes | None = None  # of its own requests; None: they are as all are

    def workload(self, asked: Workload) -> Workload:
        return asked if self.sizes is None else replace(asked, sizes=self.sizes)


@dataclass(frozen=True)
class Strategy:
    """One way to answer a month of requests."""

    name: str
    usd_per_month: float | None
    usd_before_classifier: float | None
    savings: float | None  # share of what the first strategy costs; below 0: dearer


def strategies(
    workload: Workload,
    routes: Sequence[Sequence[ArmShare]],
    usd: Usd,
    classifier_usd: float | None,
) -> list[Strategy]:
    """Every model alone, and each of the routes; the last arm of the first one is the baseline.

    Every routed request pays the classifier. What is unknown makes unknown what it is part of.
    """
    last = [arms[-1].model for arms in routes]
    others = [arm.model for arms in routes for arm in reversed(arms[:-1])]
    each = {option: usd(option, workload) for option in dict.fromkeys([*last, *others])}
    rows = {f"all {option}": (cost, cost) for option, cost in each.items()}
    for arms in routes:
        before = mixed(*((arm.share, usd(arm.model, arm.workload(workload))) for arm in arms))
        rows[routed(*(arm.model for arm in arms))] = total([before, classifier_usd]), before
    baseline = next(iter(each.values()))
    return [
        Strategy(
            name=name,
            usd_per_month=workload.a_month(cost),
            usd_before_classifier=workload.a_month(before),
            savings=None if cost is None or not baseline else 1 - cost / baseline,
        )
        for name, (cost, before) in rows.items()
    ]


def routed(*models: str) -> str:
    return f"routed: {' + '.join(models)}"


def planned(router: Routing) -> list[list[ArmShare]]:
    """As the config has it: `simple` with each of `complex`."""
    share = router.simple_share
    return [[ArmShare(router.simple, share), ArmShare(each, 1 - share)] for each in router.complex]


def measured(
    run: FinishedRun, workload: Workload, usd: Usd, router: Routing, told: set[str]
) -> list[list[ArmShare]]:
    """As a run of a router had it, the cheapest arm first; but for what is `told` of the router.

    An arm that answered nothing has the share 0, and is priced for the sizes of all requests.
    Raises ConfigError where it is told something of a router with more than two arms.
    """
    asked = sum(sum(sizes.values()) for sizes in run.arms.values())
    arms = [
        ArmShare(model.name, sum((run.arms.get(key) or {}).values()) / asked, run.arms.get(key))
        for key, model in models_of(run).items()
        if key != CLASSIFIER
    ]
    costs = {arm.model: usd(arm.model, workload) for arm in arms}
    # Of what nobody knows no savings can be told: it is what the others are held against.
    arms.sort(key=lambda arm: (costs[arm.model] is None, costs[arm.model] or 0.0))
    if not told:
        return [arms]
    if len(arms) != 2:
        raise ConfigError(f"router: {run.label} has {len(arms)} arms; leave out {min(told)}")
    cheap, dear = arms
    share = router.simple_share if "simple_share" in told else cheap.share
    simple = router.simple if "simple" in told else cheap.model
    complex_ = router.complex if "complex" in told else (dear.model,)
    return [
        [replace(cheap, model=simple, share=share), replace(dear, model=each, share=1 - share)]
        for each in complex_
    ]


def models_of(run: FinishedRun) -> dict[str, Single]:
    """The arms of a run's router, and its classifier, by their keys.

    Raises ConfigError for one that is made of models itself, or of another version.
    """
    nodes: dict[str, Any] = dict.fromkeys(run.arms) | dict(run.model.get("arms") or {})
    if run.classified:
        nodes[CLASSIFIER] = run.model.get("classifier")
    made_of = [key for key, node in nodes.items() if (node or {}).get("kind") != "single"]
    if made_of:
        raise ConfigError(
            f"from: {made_of[0]} of {run.label} is made of models; cost knows no such"
        )
    return {key: validated(Single, node, f"from: {key}: ") for key, node in nodes.items()}


def unused(run: FinishedRun) -> list[str]:
    """Models of the arms that answered nothing."""
    models = models_of(run)
    return [models[key].name for key in models if key != CLASSIFIER and key not in run.arms]


def classifier_usd(classifier: Classifier, usd: Usd, workload: Workload) -> float | None:
    """Of a mean request, as the config has it; it reads what is asked, and what it is to do."""
    if classifier.usd_per_request is not None:
        return classifier.usd_per_request
    read = classifier.input_tokens
    if read is None:
        read = round(workload.input_tokens) + _INSTRUCTIONS
    size = read, classifier.output_tokens
    return usd(classifier.model, Workload({size: 1}, workload.requests_per_month))


def measured_classifier_usd(run: FinishedRun, usd: Usd, workload: Workload) -> float | None:
    """Of a mean request: as many calls as there were, with the tokens that they had."""
    if not run.classified:
        return 0.0
    calls = sum(run.classified.values()) / run.answers
    each = usd(models_of(run)[CLASSIFIER].name, replace(workload, sizes=run.classified))
    return None if each is None else calls * each
