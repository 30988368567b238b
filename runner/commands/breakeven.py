"""From which volume on a server of your own costs less than an API; nothing is sent.

    python -m runner breakeven api_model=haiku server.gpu_usd_per_hour=1.5 server.utilisation=0.3
    python -m runner breakeven from=outputs/runs/…        size and speed of a run on your own server
    python -m runner breakeven scenario=seed

conf/breakeven.yaml holds every assumption and its unit.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from runner.commands._arguments import arguments, as_it_is
from runner.config.schema import Price, ServerPrice, Single
from runner.decide.costs.breakeven import BreakEven, Month, curve
from runner.decide.costs.scenario import BreakevenScenario, Server
from runner.decide.costs.sensitivity import sensitivity
from runner.decide.costs.workload import FinishedRun, finished
from runner.errors import ConfigError
from runner.report import breakeven as report
from runner.report.console import emit, note, title
from runner.report.cost import provenance

# Keys of a server, and where a price by the hour states them.
_STATED = {
    "gpu_usd_per_hour": "usd_per_hour",
    "gpus_per_replica": "gpus",
    "utilisation": "utilisation",
}


def main(argv: Sequence[str]) -> int:
    given = arguments("breakeven", __doc__, argv)
    overrides = given.overrides
    with given.conf() as config:
        scenario = config.settings(BreakevenScenario)
        models = config.models([scenario.api_model], at="api_model")
    day = scenario.day or date.today()
    models = {name: model.on(day) for name, model in models.items()}
    run = finished(scenario.from_run) if scenario.from_run else None
    told = {override.partition("=")[0] for override in overrides}
    comparison = BreakEven(
        workload=scenario.workload(run),
        price=_price(scenario, models[scenario.api_model]),
        server=_measured(scenario.server, run, told) if run else scenario.server,
    )
    if not comparison.known:
        raise ConfigError(
            f"api_model: {scenario.api_model} has no known price for these requests; give "
            "api_input_usd_per_mtok and api_output_usd_per_mtok, or leave out what it has none for"
        )
    remarks = [*_measurement(run), *provenance(models, day)]
    month = comparison.month(comparison.workload.requests_per_month)
    if as_it_is(overrides):
        remarks += [*report.printed_figures(month, scenario.printed.items()), *scenario.notes]
    _print(scenario, comparison, month, remarks)
    return 0


def _price(scenario: BreakevenScenario, model: Single) -> Price:
    """The model's price, with what you pay instead."""
    agreed = {
        key: value
        for key in ("input_usd_per_mtok", "output_usd_per_mtok")
        if (value := getattr(scenario, f"api_{key}")) is not None
    }
    unknown = Price(
        input_usd_per_mtok=None, output_usd_per_mtok=None, checked=date.today(), source=""
    )
    if isinstance(model.price, ServerPrice):
        raise ConfigError(f"api_model: {scenario.api_model} is a server priced by the hour, no API")
    price = model.price or unknown
    # Nobody has agreed on another row for long prompts.
    return price.model_copy(update={**agreed, "long_prompt": None}) if agreed else price


def _measured(server: Server, run: FinishedRun, told: Collection[str]) -> Server:
    """Speed as it was measured; reading the prompts is part of the time.

    Rent, GPUs and utilisation are as the price of its model states them, unless one is told.
    """
    if run.data not in ("self_hosted", "on_device"):
        raise ConfigError(
            f"from: {run.label} ran on somebody else's server, whose speed says nothing of yours"
        )
    if run.tokens_per_second is None:
        raise ConfigError(f"from: no answer of {run.label} says when it was sent")
    price = run.model.get("price") or {}
    stated = {
        key: price[name]
        for key, name in _STATED.items()
        if name in price and f"server.{key}" not in told
    }
    return server.model_copy(
        update={
            **stated,
            "input_tokens_per_second": None,
            "output_tokens_per_second": run.tokens_per_second,
        }
    )


def _measurement(run: FinishedRun | None) -> list[str]:
    if run is None:
        return []
    return [
        f"size and speed are those of {run}: {run.tokens_per_second:,.1f} tokens written a second, "
        f"{run.in_flight:.1f} requests at once; a busier server may write more"
    ]


def _print(
    scenario: BreakevenScenario, comparison: BreakEven, month: Month, remarks: list[str]
) -> None:
    crossings = comparison.crossings()
    advice = report.advice(comparison, crossings)
    volumes, changes = curve(comparison), sensitivity(comparison)
    points = [_plain(volume) for volume in volumes]
    emit(
        scenario.format,
        scenario.to,
        text=[
            title(str(comparison.workload)),
            report.month_table(month, comparison, scenario.api_model),
            "",
            title(advice),
            "",
            report.curve_table(volumes),
            "",
            report.sensitivity_table(changes),
            *map(note, remarks),
        ],
        rows=points,
        tree={
            "workload": comparison.workload.summary(),
            "api": {"model": scenario.api_model, "usd_per_request": comparison.api_usd},
            "server": {
                **comparison.server.model_dump(),
                "replica_usd_per_month": comparison.step_usd,
                "fixed_usd_per_month": comparison.fixed_usd,
                "requests_per_replica": comparison.capacity,
            },
            "month": _plain(month),
            "crossings": crossings and asdict(crossings),
            "advice": advice,
            "curve": points,
            "sensitivity": [asdict(change) for change in changes],
            "notes": remarks,
        },
    )


def _plain(month: Month) -> dict[str, Any]:
    return {**asdict(month), "savings_usd": month.savings_usd}
