"""`python -m tests.providers`: each provider against each behaviour, as tables.

Exits with 1 when a cell fails.
"""

import os
import sys

from rich.console import Console
from rich.table import Table

from runner.drill.clock import simulate
from tests.providers.calls import NotThere
from tests.providers.checks import GROUPS, Check, cell, name
from tests.providers.table import FACTS, KEY, KEY_NAME, Row


async def shown(row: Row, check: Check, reasons: list[str]) -> str:
    try:
        return await cell(row, check)
    except NotThere as hole:
        if str(hole) not in reasons:
            reasons.append(str(hole))
        return f"[dim]n.a. {reasons.index(str(hole)) + 1}[/dim]"
    except Exception as error:
        return f"[red]FAILS[/red] {type(error).__name__}: {error}"[:200]


async def main() -> int:
    console = Console(width=None if sys.stdout.isatty() else 200)
    reasons: list[str] = []
    failures = 0
    for title, checks in GROUPS.items():
        table = Table(title=title, title_justify="left")
        table.add_column("")
        for check in checks:
            table.add_column(name(check))
        for provider in FACTS:
            cells = [await shown(Row(provider), check, reasons) for check in checks]
            failures += sum("FAILS" in text for text in cells)
            table.add_row(provider, *cells)
        console.print(table)
    for number, reason in enumerate(reasons, 1):
        console.print(f"n.a. {number}: {reason}")
    return 1 if failures else 0


if __name__ == "__main__":
    os.environ[KEY_NAME] = KEY
    sys.exit(simulate(main()))
