"""The catalogue as a table: prices, context, strengths, benchmarks, speed, retirement, keys.

    python -m runner models
    python -m runner models strength='data extraction' max_output_usd_per_mtok=1
    python -m runner models provider=openai,mistral key=true
    python -m runner models benchmark=humaneval format=csv to=models.csv

Nothing is sent. conf/models.yaml holds every filter and what it means.
"""

from collections.abc import Sequence
from datetime import date

from runner.commands._arguments import arguments
from runner.decide.select.listing import COLUMNS, Filters, facts, listing
from runner.report import models as report
from runner.report.console import emit, note

_LISTS = {"provider": "providers", "strength": "strengths"}  # as one says them


def main(argv: Sequence[str], today: date | None = None) -> int:
    given = arguments("models", __doc__, argv)
    with given.conf() as config:
        filters = config.settings(Filters, [_list(override) for override in given.overrides])
        day = filters.day or today or date.today()
        models = config.catalogue(folders=filters.folders)
    found = listing({name: model.on(day) for name, model in models.items()}, filters, day)
    rows = [facts(option, model, day) for option, model in found.models.items()]
    remarks = list(report.remarks(found))
    emit(
        filters.format,
        filters.to,
        text=[*([report.ModelsTable(rows)] if rows else []), *map(note, remarks)],
        rows=[report.flat(row) for row in rows],
        columns=COLUMNS,
        tree={"models": rows, "notes": remarks},
    )
    return 0


def _list(override: str) -> str:
    """`strength=a,b` is the list `strengths`."""
    key, _, value = override.partition("=")
    return f"{_LISTS[key]}=[{value.strip('[]')}]" if key in _LISTS else override
