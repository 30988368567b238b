"""What a month of requests costs with each model, and how long an answer takes; nothing is sent.

    python -m runner cost model=haiku,gpt-4o requests_per_month=250000 cached_share=0.6
    python -m runner cost model=all format=csv to=costs.csv
    python -m runner cost from=outputs/runs/…
    python -m runner cost routing=true router.simple_share=0.8
    python -m runner cost scenario=seed

conf/cost.yaml holds every key and what it means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from runner.commands._settings import Conf, as_it_is, conf
from runner.commands.command_line import parser
from runner.config.schema import Single
from runner.decide.costs import monthly
from runner.decide.costs.monthly import Row
from runner.decide.costs.scenario import Classifier, CostScenario
from runner.decide.costs.workload import Workload, finished
from runner.errors import ConfigError
from runner.price import dollars
from runner.record.outcomes import Usage
from runner.report import cost as report
from runner.report.console import emit, note, title

Models = Mapping[str, Single]

_ALL = "all"  # the whole catalogue, in place of a name


def main(argv: Sequence[str]) -> int:
    with conf("cost", parser("cost", __doc__), argv) as (config, overrides):
        named = {override.partition("=")[0] for override in overrides}
        scenario = config.settings(CostScenario, [_list(override) for override in overrides])
        if scenario.routing and named & {"model", "models"}:
            raise ConfigError("model: with routing=true name router.simple and router.complex")
        models = _models(config, scenario)
    run = finished(scenario.from_run) if scenario.from_run else None
    remarks = [f"tokens as counted in {run}; another model counts otherwise"] if run else []
    remarks += report.provenance(models, date.today())
    quoted = as_it_is(overrides, "model", "models", "routing")
    if quoted:
        remarks += scenario.notes
    workload = scenario.workload(run)
    if scenario.routing:
        _routing(scenario, models, scenario.router.workload(workload), remarks, quoted=quoted)
    else:
        _month(scenario, models, workload, remarks, quoted=quoted)
    return 0


def _list(override: str) -> str:
    """`model=a,b`, as one names models everywhere else, is the list `models` here."""
    key, _, value = override.partition("=")
    return f"models=[{value.strip('[]')}]" if key in ("model", "models") else override


def _models(config: Conf, scenario: CostScenario) -> Models:
    if scenario.routing:
        return config.models(scenario.router.models, at="router")
    named = config.models((name for name in scenario.models if name != _ALL), at="models")
    return config.catalogue() | named if _ALL in scenario.models else named


def _month(
    scenario: CostScenario, models: Models, workload: Workload, remarks: list[str], *, quoted: bool
) -> None:
    rows = [monthly.row(option, model, workload) for option, model in models.items()]
    if _ALL in scenario.models:
        rows.sort(key=lambda row: (row.usd_per_month is None, row.usd_per_month or 0))
    remarks += report.unknowns(rows)
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
        "response_seconds": low,
        "response_seconds_at_most": high,
        "price_checked": row.price_checked and row.price_checked.isoformat(),
        "unknown": row.unknown,
    }


def _routing(
    scenario: CostScenario, models: Models, workload: Workload, remarks: list[str], *, quoted: bool
) -> None:
    router = scenario.router
    classifier_usd = _classifier_usd(router.classifier, models)
    strategies = monthly.strategies(
        {option: model.price for option, model in models.items()},
        workload,
        simple=router.simple,
        complex=router.complex,
        simple_share=router.simple_share,
        classifier_usd=classifier_usd,
    )
    if quoted:
        remarks += report.printed_strategies(strategies, router.simple, router.printed)
    heading = f"{workload}; routed: {router.simple_share:.0%} to {router.simple}, the rest to …"
    plain = [asdict(strategy) for strategy in strategies]
    emit(
        scenario.format,
        scenario.to,
        text=[title(heading), report.routing_table(strategies), *map(note, remarks)],
        rows=plain,
        tree={
            "workload": workload.summary(),
            "simple_share": router.simple_share,
            "classifier_usd_per_request": classifier_usd,
            "strategies": plain,
            "notes": remarks,
        },
    )


def _classifier_usd(classifier: Classifier, models: Models) -> float | None:
    if classifier.usd_per_request is not None:
        return classifier.usd_per_request
    usage = Usage(input_tokens=classifier.input_tokens, output_tokens=classifier.output_tokens)
    return dollars(models[classifier.model].price, usage)
