"""What a month of requests costs with each model, and how long an answer takes; nothing is sent.

    python -m runner cost model=haiku,sonnet requests_per_month=250000 cached_share=0.6
    python -m runner cost model=all format=csv to=costs.csv
    python -m runner cost model=gemini-flash day=2027-01
    python -m runner cost from=outputs/runs/…
    python -m runner cost routing=true router.simple_share=0.8
    python -m runner cost routing=true from=outputs/runs/…        as a run of a router had it
    python -m runner cost scenario=seed

conf/cost.yaml holds every key and what it means.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from rich.console import RenderableType
from rich.table import Table

from runner.commands._arguments import Conf, arguments, as_it_is
from runner.config.schema import Single
from runner.decide import own_runs
from runner.decide.costs import monthly, routing
from runner.decide.costs.monthly import MonthlyCost, Speed
from runner.decide.costs.routing import ArmShare, Strategy
from runner.decide.costs.scenario import CostScenario
from runner.decide.costs.workload import FinishedRun, Workload, finished
from runner.errors import ConfigError
from runner.report import cost as report
from runner.report.console import emit, note, title

Models = Mapping[str, Single]
Speeds = Mapping[str, Speed]

_ALL = "all"  # the whole catalogue, in place of a name


def main(argv: Sequence[str]) -> int:
    given = arguments("cost", __doc__, argv)
    overrides = given.overrides
    with given.conf() as config:
        named = {override.partition("=")[0] for override in overrides}
        scenario = config.settings(CostScenario, [_list(override) for override in overrides])
        if scenario.routing and named & {"model", "models"}:
            raise ConfigError("model: with routing=true name router.simple and router.complex")
        run = finished(scenario.from_run) if scenario.from_run else None
        routed = run if scenario.routing and run and run.arms else None
        told = {name.partition(".")[2] for name in named if name in routing.TELLING}
        day = scenario.day or date.today()
        models = {
            name: model.on(day) for name, model in _models(config, scenario, routed, told).items()
        }
    speeds = own_runs.speeds(scenario.outputs, models, scenario.from_run)
    remarks = [f"tokens as counted in {run}; another model counts otherwise"] if run else []
    remarks += report.provenance(models, day)
    remarks += report.servers(models, speeds)
    quoted = as_it_is(overrides, "model", "models", "routing")
    if quoted:
        remarks += scenario.notes
    workload = scenario.workload(run)
    if scenario.routing:
        workload = scenario.router.workload(workload)
        found = _routing(scenario, models, speeds, workload, routed, told)
    else:
        found = _month(scenario, models, speeds, workload)
    notes = [*found.first, *remarks, *found.last, *(found.quoted if quoted else ())]
    rows = [asdict(row) for row in found.rows]
    data = {"workload": workload.summary(), **found.data, found.named: rows, "notes": notes}
    shown: list[RenderableType] = [title(found.title), found.table, *map(note, notes)]
    emit(scenario.format, scenario.to, text=shown, rows=rows, tree=data)
    return 0


@dataclass(frozen=True)
class _Found:
    title: str
    named: str  # what the rows are
    rows: Sequence[MonthlyCost | Strategy]
    table: Table
    first: Iterable[str] = ()  # remarks before those on prices, and after them
    last: Iterable[str] = ()
    quoted: Iterable[str] = ()  # where the source of a scenario is another mind
    data: Mapping[str, Any] = field(default_factory=dict)


def _list(override: str) -> str:
    """`model=a,b`, as one names models everywhere else, is the list `models` here."""
    key, _, value = override.partition("=")
    return f"models=[{value.strip('[]')}]" if key in ("model", "models") else override


def _models(
    config: Conf, scenario: CostScenario, routed: FinishedRun | None, told: set[str]
) -> Models:
    """Those of a run's router as conf/ has them today; what it has not, as the run had it."""
    if routed is not None:
        found = {model.name: model for model in routing.models_of(routed).values()}
        found |= config.models((name for name in found if config.has_model(name)), at="from")
        return found | config.models(scenario.router.named(told), at="router")
    if scenario.routing:
        return config.models(scenario.router.models, at="router")
    named = config.models((name for name in scenario.models if name != _ALL), at="models")
    return config.catalogue() | named if _ALL in scenario.models else named


def _month(scenario: CostScenario, models: Models, speeds: Speeds, workload: Workload) -> _Found:
    rows = monthly.against_cheapest(
        [monthly.row(name, model, workload, speeds.get(name)) for name, model in models.items()]
    )
    if _ALL in scenario.models:
        rows.sort(key=lambda row: (row.usd_per_month is None, row.usd_per_month or 0))
    return _Found(
        title=str(workload),
        named="models",
        rows=rows,
        table=report.month_table(rows, workload),
        first=report.dearest(rows),
        last=report.unknowns(rows),
        quoted=report.printed_months(rows, models, workload, scenario.printed),
    )


def _routing(
    scenario: CostScenario,
    models: Models,
    speeds: Speeds,
    workload: Workload,
    routed: FinishedRun | None,
    told: set[str],
) -> _Found:
    router, first = scenario.router, []

    def usd(option: str, asked: Workload) -> float | None:
        model = models[option]
        speed = speeds.get(option) or monthly.typical_speed(model)
        return monthly.usd_per_request(model.price, asked, speed)

    if routed is not None:
        routes = routing.measured(routed, workload, usd, router, told)
        classifier_usd = routing.measured_classifier_usd(routed, usd, workload)
        first = [f"shares, and what the classifier read and wrote, as in {routed}"]
        first += [
            f"{name} answered none of them: alone it would take the tokens of all"
            for name in routing.unused(routed)
        ]
    else:
        routes = routing.planned(router)
        classifier_usd = routing.classifier_usd(router.classifier, usd, workload)
    strategies = routing.strategies(workload, routes, usd, classifier_usd)
    return _Found(
        title=f"{workload}; routed: {_shares(routes)}",
        named="strategies",
        rows=strategies,
        table=report.routing_table(strategies),
        first=first,
        quoted=report.printed_strategies(strategies, router.simple, router.printed),
        data={
            "shares": [{arm.model: arm.share for arm in arms} for arms in routes],
            "classifier_usd_per_request": classifier_usd,
        },
    )


def _shares(routes: Sequence[Sequence[ArmShare]]) -> str:
    """Whom the others go to is the only thing in which routes differ."""
    first, *others = routes[0]
    several = len(routes) > 1
    rest = ["the rest to …"] if several else [f"{arm.share:.0%} to {arm.model}" for arm in others]
    return ", ".join([f"{first.share:.0%} to {first.model}", *rest])
