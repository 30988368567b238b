"""Whether first tokens and rates are timed truly, while so many streams are read at once."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from tests.benchmarks import measure
from tests.benchmarks.measure import Load, Server

FIRST_MS, GAP_MS = 300, 20  # of the server; so it writes 50 tokens a second


@dataclass(frozen=True)
class Timed:
    """What a run says, as a share of what the server did."""

    streams: int  # at once
    ttft_p50: float
    ttft_p95: float
    tokens_per_second: float


def of(server: Server, scratch: Path, concurrencies: list[int]) -> list[Timed]:
    return [_timed(server, scratch, streams) for streams in concurrencies]


def _timed(server: Server, scratch: Path, streams: int) -> Timed:
    load = Load(max(80, 4 * streams), f"first-{FIRST_MS}-gap-{GAP_MS}", streams)
    arguments = measure.runner(load, scratch, server)
    code, _ = measure.run([sys.executable, *arguments], scratch / "log")
    assert code == 0, (scratch / "log").read_text()
    [outputs] = [Path(word[8:]) for word in arguments if word.startswith("outputs=")]
    [result] = outputs.glob("runs/*/result.json")
    metrics = json.loads(result.read_text())["metrics"]
    known = {"ttft_p50_ms": FIRST_MS, "ttft_p95_ms": FIRST_MS, "tokens_per_second": 1000 / GAP_MS}
    return Timed(streams, *(metrics[name]["value"] / value for name, value in known.items()))


def table(found: list[Timed]) -> Table:
    shown = Table(title=f"as a share of the server's {FIRST_MS} ms and {1000 / GAP_MS:g} tokens/s")
    for column in ("streams at once", "first token, median", "p95", "tokens/s"):
        shown.add_column(column, justify="right")
    for each in found:
        shares = (each.ttft_p50, each.ttft_p95, each.tokens_per_second)
        shown.add_row(str(each.streams), *(f"{share:.3f}" for share in shares))
    return shown
