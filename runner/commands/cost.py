"""What a month of requests costs with each model, and how long an answer takes; nothing is sent.

    python -m runner cost model=haiku,gpt-4o requests_per_month=250000 cached_share=0.6
    python -m runner cost model=all format=csv to=costs.csv
    python -m runner cost from=outputs/runs/…
    python -m runner cost routing=true router.simple_share=0.8
    python -m runner cost routing=true from=outputs/runs/…        as a run of a router had it
    python -m runner cost scenario=seed

conf/cost.yaml holds every key and what it means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from runner.commands._arguments import Conf, arguments, as_it_is
from runner.config.schema import Single
from runner.decide import own_runs
from runner.decide.costs import monthly, routing
from runner.decide.costs.monthly import Row, Speed
from runner.decide.costs.routing import Arm
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
        models = _models(config, scenario, routed, told)
    speeds = own_runs.speeds(scenario.outputs, models, scenario.from_run)
    remarks = [f"tokens as counted in {run}; another model counts otherwise"] if run else []
    remarks += report.provenance(models, date.today())
    remarks += report.servers(models, speeds)
    quoted = as_it_is(overrides, "model", "models", "routing")
    if quoted:
        remarks += scenario.notes
    workload = scenario.workload(run)
    if scenario.routing:
        workload = scenario.router.workload(workload)
        _routing(scenario, models, speeds, workload, routed, told, remarks, quoted=quoted)
    else:
        _month(scenario, models, speeds, workload, remarks, quoted=quoted)
    return 0


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


def _month(
    scenario: CostScenario,
    models: Models,
    speeds: Speeds,
    workload: Workload,
    remarks: list[str],
    *,
    quoted: bool,
) -> None:
    rows = monthly.against_cheapest(
        [monthly.row(name, model, workload, speeds.get(name)) for name, model in models.items()]
    )
    if _ALL in scenario.models:
        rows.sort(key=lambda row: (row.usd_per_month is None, row.usd_per_month or 0))
    remarks = [*report.dearest(rows), *remarks, *report.unknowns(rows)]
    if quoted:
        remarks += report.printed_months(rows, models, workload, scenario.printed)
    plain = [_plain(row) for row in rows]
    emit(
        scenario.format,
        scenario.to,
        text=[
            title(str(workload)),
            report.month_table(rows, workload),
            *map(note, remarks),
        ],
        rows=plain,
        tree={"workload": workload.summary(), "models": plain, "notes": remarks},
    )


def _plain(row: Row) -> dict[str, Any]:
    low, high = row.response_seconds or (None, None)
    return {
        "model": row.model,
        "usd_per_month": row.usd_per_month,
        "usd_per_request": row.usd_per_request,
        "times_cheapest": row.times_cheapest,
        "usd_per_year_more": row.usd_per_year_more,
        "response_seconds": low,
        "response_seconds_at_most": high,
        "price_checked": row.price_checked and row.price_checked.isoformat(),
        "tokens_per_second": row.speed and row.speed.tokens_per_second,
        "unknown": row.unknown,
    }


def _routing(
    scenario: CostScenario,
    models: Models,
    speeds: Speeds,
    workload: Workload,
    routed: FinishedRun | None,
    told: set[str],
    remarks: list[str],
    *,
    quoted: bool,
) -> None:
    router = scenario.router

    def usd(option: str, asked: Workload) -> float | None:
        model = models[option]
        speed = speeds.get(option) or monthly.typical_speed(model)
        return monthly.usd_per_request(model.price, asked, speed)

    if routed is not None:
        routes = routing.measured(routed, workload, usd, router, told)
        classifier_usd = routing.measured_classifier_usd(routed, usd, workload)
        remarks = [f"shares, and what the classifier read and wrote, as in {routed}", *remarks]
    else:
        routes = routing.planned(router)
        classifier_usd = routing.classifier_usd(router.classifier, usd, workload)
    strategies = routing.strategies(workload, routes, usd, classifier_usd)
    if quoted:
        remarks += report.printed_strategies(strategies, router.simple, router.printed)
    plain = [asdict(strategy) for strategy in strategies]
    emit(
        scenario.format,
        scenario.to,
        text=[
            title(f"{workload}; routed: {_shares(routes)}"),
            report.routing_table(strategies),
            *map(note, remarks),
        ],
        rows=plain,
        tree={
            "workload": workload.summary(),
            "shares": [{arm.model: arm.share for arm in arms} for arms in routes],
            "classifier_usd_per_request": classifier_usd,
            "strategies": plain,
            "notes": remarks,
        },
    )


def _shares(routes: Sequence[Sequence[Arm]]) -> str:
    """Whom the others go to is the only thing in which routes differ."""
    first, *others = routes[0]
    several = len(routes) > 1
    rest = ["the rest to …"] if several else [f"{arm.share:.0%} to {arm.model}" for arm in others]
    return ", ".join([f"{first.share:.0%} to {first.model}", *rest])
