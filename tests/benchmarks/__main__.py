"""`python -m tests.benchmarks`: the runner next to what one would write, or install, instead.

All run as whole processes against the same fast server, in turns, so that whatever else the
machine does meets all of them; numbers are medians, and ratios within one run. The server is a
process of its own, which takes a tenth of a core for every thousand requests a second: on two
cores it takes some from whoever asks.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import measure, truth
from tests.benchmarks.measure import Load, Sample, Server

EVENTS_EACH = 50
EVENTS = Load(200, "first-0-gap-1", 16)
FEW_EVENTS = Load(8, "first-0-gap-1", 16)
ONE = Load(1)


@dataclass(frozen=True)
class Row:
    what: str
    value: float | None  # None: a side was not there
    aim: str = ""
    cpu: float | None = None  # the same ratio of CPU seconds, which no other program's load spoils


def main() -> None:
    options = parse()
    console = Console()
    before = os.getloadavg()
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name, measure.serving() as server:
        scratch = Path(name)
        sides = {"runner", "runner run"}
        for side in measure.SIDES:
            if measure.absent(side, python(options, side)):
                console.print(f"{side} is not installed: left out")
            else:
                sides.add(side)
        if options.streams:
            console.print(truth.table(truth.of(server, scratch, options.streams)))
            return
        planned = [(side, load) for side, load in plan(options) if side in sides]
        for load in dict.fromkeys(replace(load, cases=1) for _, load in planned):
            # Requests are compiled once for a model, an address and a version of litellm.
            measure.measure("runner", load, server, scratch, sys.executable)
        for side, load in planned:
            sample = measure.measure(side, load, server, scratch, python(options, side))
            samples.append(sample)
            console.print(_line(sample), style="dim")
        client = asked(server, scratch, options.repetitions)
    console.print(table(rows(options, samples, client), before))
    if options.json:
        report = {"machine": machine(), "load": before, "samples": [*map(asdict, samples)]}
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    number: dict[str, Any] = {"type": int, "metavar": "N"}
    parser.add_argument("--cases", default=2000, help="of the comparison with all", **number)
    parser.add_argument("--many", default=10_000, help="of that with the limit; 0: none", **number)
    parser.add_argument("--lines", default=20_000, help="of run; 1000000 takes long", **number)
    parser.add_argument("--repetitions", default=3, help="of what is quick", **number)
    parser.add_argument("--quick", action="store_true", help="300 cases, all once, no many")
    parser.add_argument("--peers", metavar="PYTHON", default=sys.executable, help=_PEERS)
    parser.add_argument("--streams", nargs="*", help=_STREAMS, **number)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample as JSON")
    options = parser.parse_args()
    if options.quick:
        options.cases, options.many, options.lines, options.repetitions = 300, 0, 1000, 1
    if options.cases < 2 or options.repetitions < 1:
        parser.error("--cases starts at 2, --repetitions at 1")
    return options


_PEERS = "which has pydantic-evals and openai, where they are not to be beside the runner"
_STREAMS = "nothing but this: whether so many streams at once are timed truly"


def python(options: argparse.Namespace, side: str) -> str:
    return str(options.peers if side in ("openai", "pydantic-evals") else sys.executable)


def plan(options: argparse.Namespace) -> Iterator[tuple[str, Load]]:
    """In turns, and the other way round in each second repetition: none always leads."""
    sides = ["runner", "litellm", "openai", "pydantic-evals", "aiohttp"]
    for repetition in range(options.repetitions):
        for load in (ONE, Load(options.cases)):
            yield from ((side, load) for side in sides[:: -1 if repetition % 2 else 1])
    for load in (FEW_EVENTS, EVENTS):
        yield from (("runner", load), ("litellm", load))
    for load in waiting(options):
        yield from ((side, load) for side in ("runner", "pydantic-evals", "aiohttp"))
    if options.many:
        yield from ((side, Load(options.many)) for side in ("runner", "litellm", "aiohttp"))
    if options.lines:
        yield from (("runner run", Load(options.lines)), ("aiohttp", bare(options)))


def waiting(options: argparse.Namespace) -> tuple[Load, Load]:
    """Answers that take 0.2 and 1 s, of which 64 are waited for at once."""
    return Load(options.cases, "wait-200"), Load(max(64, options.cases // 4), "wait-1000")


def bare(options: argparse.Namespace) -> Load:
    """What is posted beside `run`: bare aiohttp holds all of it in memory."""
    return Load(min(options.lines, 100_000))


def asked(server: Server, scratch: Path, repetitions: int) -> dict[str, float]:
    found = [measure.asked_one_by_one(server, scratch, 300) for _ in range(repetitions)]
    return {name: median(each[name] for each in found) for name in found[0]}


def rows(options: argparse.Namespace, samples: list[Sample], client: dict[str, float]) -> list[Row]:
    def of(side: str, load: Load, what: str = "wall_seconds") -> float | None:
        found = [getattr(x, what) for x in samples if (x.side, x.load) == (side, load)]
        return median(found) if found else None

    def ratio(load: Load, side: str, what: str = "wall_seconds") -> float | None:
        return _divided(of("runner", load, what), of(side, load, what))

    def streamed(side: str) -> float | None:
        """CPU seconds of one more stream."""
        most, least = (of(side, load, "cpu_seconds") for load in (EVENTS, FEW_EVENTS))
        more = EVENTS.cases - FEW_EVENTS.cases
        return None if most is None or least is None else (most - least) / more

    def compared(load: Load, side: str, aim: str = "") -> Row:
        what = f"{load.cases:,} case{'s' * (load.cases > 1)} ÷ {side}"
        return Row(what, ratio(load, side), aim, ratio(load, side, "cpu_seconds"))

    all_of, many = Load(options.cases), Load(options.many)
    found = [
        compared(ONE, "litellm", "≤ 0.35"),
        compared(all_of, "litellm", "≤ 0.25"),
        compared(all_of, "pydantic-evals", "≤ 0.6"),
        compared(all_of, "openai"),
        compared(all_of, "aiohttp"),
        Row(
            f"CPU of a stream of {EVENTS_EACH} events ÷ litellm's",
            _divided(streamed("runner"), streamed("litellm")),
            "≤ 0.1",
        ),
    ]
    for load, aim in zip(waiting(options), ("≥ 0.75", ""), strict=True):
        seconds = int(load.path.removeprefix("wait-")) / 1000
        ideal = -(-load.cases // load.concurrency) * seconds
        what = f"{load.cases:,} answers of {seconds:g} s, {load.concurrency} at once: ideal ÷ wall"
        found.append(Row(what, _divided(ideal, of("runner", load)), aim))
    if options.many:
        peak = f"peak memory, {options.many:,} cases ÷ litellm"
        found += [
            compared(many, "aiohttp", "≤ 6"),
            Row(peak, ratio(many, "litellm", "peak_mb"), "≤ 0.7"),
        ]
    if options.lines:
        lines, posted = Load(options.lines), bare(options)

        def each(what: str) -> float | None:
            """Of a line of `run`, beside a post."""
            mine, its = of("runner run", lines, what), of("aiohttp", posted, what)
            return _divided(mine and mine / lines.cases, its and its / posted.cases)

        found += [
            Row(
                f"run: a line of {options.lines:,} ÷ aiohttp",
                each("wall_seconds"),
                "",
                each("cpu_seconds"),
            ),
            Row(
                f"run: {options.lines:,} lines, a second",
                _divided(options.lines, of("runner run", lines)),
            ),
            Row(f"run: {options.lines:,} lines, peak MB", of("runner run", lines, "peak_mb")),
        ]
    found.append(
        Row("ms that aask adds to an answer at once", client["aask"] - client["post"], "≤ 2")
    )
    return found


def _divided(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other


def table(rows: list[Row], before: tuple[float, float, float]) -> Table:
    loads = " and ".join(f"{load[0]:.1f}" for load in (before, os.getloadavg()))
    about = f"load {loads} (before, after) on {os.cpu_count()} cores, {machine()}"
    shown = Table("", caption=about)
    for column in ("measured", "aim", "by CPU"):
        shown.add_column(column, justify="right")
    for row in rows:
        value = "not measured" if row.value is None else f"{row.value:,.2f}"
        shown.add_row(row.what, value, row.aim, "" if row.cpu is None else f"{row.cpu:,.2f}")
    return shown


def machine() -> str:
    names = ("litellm", "hydra-core", "aiohttp", "uvloop", "pydantic")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return f"Python {platform.python_version()}, {versions}"


def _line(sample: Sample) -> str:
    load = f"{sample.load.cases:,} {sample.load.path}".strip()
    return (
        f"{sample.side:14} {load:18} {sample.wall_seconds:7.2f} s"
        f"  {sample.cpu_seconds:7.2f} s CPU  {sample.peak_mb:4.0f} MB"
    )


if __name__ == "__main__":
    main()
