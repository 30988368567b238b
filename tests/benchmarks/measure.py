"""One whole process, measured from the outside."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from urllib.request import ProxyHandler, build_opener

ROOT = Path(__file__).parents[2]
CONF = Path(__file__).parent / "conf"
LIMIT_SECONDS = 1800


@dataclass(frozen=True)
class Sample:
    """One process: how many cases it had, and what they took."""

    side: str
    cases: int
    wall_seconds: float
    cpu_seconds: float  # user and system
    peak_mb: float
    http_requests: int


@dataclass(frozen=True)
class Server:
    port: int

    @property
    def api_base(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def served(self) -> int:
        direct = build_opener(ProxyHandler({}))
        with direct.open(f"http://127.0.0.1:{self.port}/", timeout=10) as reply:
            return int(json.load(reply))


@contextmanager
def serving() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.server"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for us; it ends when we do
    )
    try:
        assert process.stdout
        yield Server(int(process.stdout.readline()))
    finally:
        process.communicate()  # the end of its input ends it


def environment() -> dict[str, str]:
    """Both sides stay on this machine: no proxy, and no list downloaded at litellm's import.

    The latter would put the time of a download from the Internet into one side's start-up.
    """
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    local = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")
    return kept | dict.fromkeys(local, "True")


def runner(cases: Path, server: Server, concurrency: int, outputs: Path) -> list[str]:
    return [
        *("-m", "runner", "--config-dir", str(CONF), "task=bench", "model=bench"),
        *(f"concurrency={concurrency}", f"outputs={outputs}", "requirements=base"),
        *(f"model.provider.api_base={server.api_base}", f"task.cases={cases}"),
    ]


def bare(cases: Path, server: Server, concurrency: int, _: Path) -> list[str]:
    return ["-m", "tests.benchmarks.bare_litellm", str(cases), server.api_base, str(concurrency)]


SIDES = {"runner": runner, "litellm": bare}


def measure(side: str, count: int, server: Server, concurrency: int, scratch: Path) -> Sample:
    """Run one side on `count` cases. Exits with its last words when it fails or asks too little."""
    cases = scratch / f"cases_{count}.jsonl"
    command = SIDES[side](cases, server, concurrency, scratch / f"out_{time.monotonic_ns()}")
    before = server.served()
    log = scratch / "log"
    start = time.perf_counter()
    code, usage = run(command, log)
    wall = time.perf_counter() - start
    asked = server.served() - before
    if code != 0 or asked < count:
        tail = log.read_text(errors="replace")[-3000:]
        sys.exit(f"{tail}\n{side}: exit {code} after {asked} requests for {count} cases")
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(side, count, wall, cpu, peak_mb(usage), asked)


def run(arguments: list[str], log: Path) -> tuple[int, struct_rusage]:
    """Run Python to its end; what it used is its own and no other child's."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    overtime = threading.Timer(LIMIT_SECONDS, process.kill)
    overtime.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        overtime.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, usage


def peak_mb(usage: struct_rusage) -> float:
    """The largest resident set. A child's can't be below its parent's, which is far smaller."""
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_maxrss * unit / 1e6


def write_cases(scratch: Path, count: int) -> None:
    """Cases of about 60 tokens, each another."""
    with (scratch / f"cases_{count}.jsonl").open("w", encoding="utf-8") as file:
        for number in range(count):
            words = " ".join(f"item{(number * 7 + word) % 1000:03d}" for word in range(24))
            case = {"id": f"case_{number}", "input": f"Case {number}: {words}", "expected": "ACK"}
            file.write(json.dumps(case) + "\n")
