"""`python -m tests.benchmarks --quick`: the runner next to a bare loop over litellm.

Both run as whole processes against the same fast server, in turns, so that whatever else the
machine does meets both. One case measures the start-up; beyond it counts what each further case
costs.
"""

import argparse
import json
import os
import platform
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.measure import SIDES, Sample, measure, serving, write_cases

Row = tuple[str, dict[str, float]]  # what, and its median for each side


def main() -> None:
    options = parse()
    console = Console()
    before = machine()
    sizes = sorted({1, options.cases, *options.memory})
    with tempfile.TemporaryDirectory() as name, serving() as server:
        scratch = Path(name)
        for size in sizes:
            write_cases(scratch, size)
        samples = []
        for side, size in plan(options):
            with console.status(f"{side}, {size:,} cases"):
                sample = measure(side, size, server, options.concurrency, scratch)
            samples.append(sample)
            console.print(
                f"{side:8} {size:6,} cases  {sample.wall_seconds:6.2f} s"
                f"  {sample.cpu_seconds:6.2f} s CPU  {sample.peak_mb:4.0f} MB",
                style="dim",
            )
    rows = summary(samples, options.cases, options.memory)
    console.print(table(rows))
    if options.json:
        report = {
            "machine": before,
            "concurrency": options.concurrency,
            "samples": [asdict(sample) for sample in samples],
            "medians": dict(rows),
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--cases", type=int, default=2000, help="cases to measure the speed on")
    parser.add_argument("--memory", type=int, nargs="*", default=[1000, 10_000], metavar="CASES")
    parser.add_argument("--repetitions", type=int, default=3, help="of each speed measurement")
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="300 cases, once, no memory sizes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample as JSON")
    options = parser.parse_args()
    if options.quick:
        options.cases, options.repetitions, options.memory = 300, 1, []
    if options.cases < 2 or options.repetitions < 1 or options.concurrency < 1:
        parser.error("--cases starts at 2, --repetitions and --concurrency at 1")
    return options


def plan(options: argparse.Namespace) -> Iterator[tuple[str, int]]:
    """A B A B, and the other way round in each second repetition, so that neither always leads.

    Peak memory hardly varies: its sizes run once.
    """
    for repetition in range(options.repetitions):
        sizes = [1, options.cases, *(options.memory if repetition == 0 else ())]
        for size in dict.fromkeys(sizes):
            for side in list(SIDES)[:: -1 if repetition % 2 else 1]:
                yield side, size


def summary(samples: list[Sample], cases: int, memory: list[int]) -> list[Row]:
    def medians(size: int, value: Callable[[Sample], float]) -> dict[str, float]:
        return {
            side: median(value(x) for x in samples if (x.side, x.cases) == (side, size))
            for side in SIDES
        }

    def each(make: Callable[[str], float]) -> dict[str, float]:
        return {side: make(side) for side in SIDES}

    wall, wall_1 = (medians(size, lambda x: x.wall_seconds) for size in (cases, 1))
    cpu, cpu_1 = (medians(size, lambda x: x.cpu_seconds) for size in (cases, 1))
    peaks = {size: medians(size, lambda x: x.peak_mb) for size in sorted({1, cases, *memory})}
    more = cases - 1
    return [
        ("1 case: seconds", wall_1),
        ("1 case: CPU seconds", cpu_1),
        (f"{cases:,} cases: requests/s", each(lambda side: cases / wall[side])),
        (f"{cases:,} cases: CPU ms/request", each(lambda side: 1000 * cpu[side] / cases)),
        ("after start-up: requests/s", each(lambda side: more / (wall[side] - wall_1[side]))),
        (
            "after start-up: CPU ms/request",
            each(lambda side: 1000 * (cpu[side] - cpu_1[side]) / more),
        ),
        *((f"{size:,} case{'s' * (size > 1)}: peak MB", peak) for size, peak in peaks.items()),
    ]


def table(rows: list[Row]) -> Table:
    shown = Table(title="medians")
    shown.add_column("")
    for column in (*SIDES, "runner / litellm"):
        shown.add_column(column, justify="right")
    for what, values in rows:
        ratio = values["runner"] / values["litellm"]
        shown.add_row(what, *(f"{values[side]:,.2f}" for side in SIDES), f"{ratio:.2f}")
    return shown


def machine() -> dict[str, Any]:
    """What the numbers depend on; a load from elsewhere spoils the seconds more than the CPU."""
    names = ("litellm", "hydra-core", "aiohttp", "uvloop", "pydantic")
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "versions": {name: version(name) for name in names},
    }


if __name__ == "__main__":
    main()
