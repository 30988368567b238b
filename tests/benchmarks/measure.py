"""One whole process, measured from the outside."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from resource import struct_rusage
from urllib.request import ProxyHandler, build_opener

from tests.tree import ROOT

CONF = Path(__file__).parent / "conf"
PEERS = Path(__file__).parent / "peers"
LIMIT_SECONDS = 3600


@dataclass(frozen=True)
class Load:
    """What is asked: so many cases, of a server that answers as its path says."""

    cases: int
    path: str = ""  # wait-200, first-300-gap-20
    concurrency: int = 64

    @property
    def streams(self) -> bool:
        return self.path.startswith("first")


@dataclass(frozen=True)
class Sample:
    """One process: what it was given, and what that took."""

    side: str
    load: Load
    wall_seconds: float
    cpu_seconds: float  # user and system
    peak_mb: float
    http_requests: int


@dataclass(frozen=True)
class Server:
    port: int

    def api_base(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.port}/{path + '/' if path else ''}v1"

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
    """All sides stay on this machine: no proxy, and no list downloaded at litellm's import.

    The latter would put the time of a download from the Internet into one side's start-up. All
    keep their bytecode, as what is installed does.
    """
    off = re.compile("proxy|^PYTHONDONTWRITEBYTECODE$", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not off.search(name)}
    local = ("LITELLM_LOCAL_MODEL_COST_MAP", "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS")
    return kept | dict.fromkeys(local, "True")


Arguments = Callable[[Load, Path, Server], list[str]]


def runner(load: Load, scratch: Path, server: Server) -> list[str]:
    return [
        *("-m", "runner", "--config-dir", str(CONF), "task=bench", "model=bench"),
        *("requirements=base", f"concurrency={load.concurrency}", f"outputs={fresh(scratch)}"),
        *(f"model.provider.api_base={server.api_base(load.path)}", f"stream={load.streams}"),
        f"task.cases={cases(scratch, load.cases)}",
    ]


def runner_lines(load: Load, scratch: Path, server: Server) -> list[str]:
    """In production: `run`, from a file of lines into another."""
    out = fresh(scratch)
    return [
        *("-m", "runner", "run", "--config-dir", str(CONF), "task=bench", "model=bench"),
        *(f"concurrency={load.concurrency}", f"outputs={out}", f"output={out}.jsonl"),
        *(f"model.provider.api_base={server.api_base(load.path)}", "task.cases=none"),
        "requirements=base",
        f"input={lines(scratch, load.cases)}",
    ]


def peer(name: str) -> Arguments:
    def arguments(load: Load, scratch: Path, server: Server) -> list[str]:
        stream = ["stream"] if load.streams else []
        asked = [str(cases(scratch, load.cases)), server.api_base(load.path)]
        return [str(PEERS / f"{name}.py"), *asked, str(load.concurrency), *stream]

    return arguments


SIDES: dict[str, Arguments] = {
    "runner": runner,
    "runner run": runner_lines,
    "litellm": peer("litellm_loop"),
    "openai": peer("openai_loop"),
    "pydantic-evals": peer("pydantic_evals_loop"),
    "aiohttp": peer("aiohttp_loop"),
}
_LIBRARIES = {"litellm": "litellm", "openai": "openai", "pydantic-evals": "pydantic_evals"}


def absent(side: str, python: str) -> bool:
    """Whether the library of a side is not there to be measured."""
    library = _LIBRARIES.get(side)
    found = f"import importlib.util as u, sys; sys.exit(u.find_spec({library!r}) is None)"
    return library is not None and subprocess.call([python, "-c", found]) != 0


def measure(side: str, load: Load, server: Server, scratch: Path, python: str) -> Sample:
    """Run one side. Exits with its last words when it fails or asks too little."""
    arguments = SIDES[side](load, scratch, server)
    before = server.served()
    log = scratch / "log"
    start = time.perf_counter()
    code, usage = run([python, *arguments], log)
    wall = time.perf_counter() - start
    asked = server.served() - before
    if code != 0 or asked < load.cases:
        tail = log.read_text(errors="replace")[-3000:]
        sys.exit(f"{tail}\n{side}: exit {code} after {asked} requests for {load.cases} cases")
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(side, load, wall, cpu, peak_mb(usage), asked)


def run(command: list[str], log: Path) -> tuple[int, struct_rusage]:
    """Run it to its end; what it used is its own and no other child's."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
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


def asked_one_by_one(server: Server, scratch: Path, count: int) -> dict[str, float]:
    """Median milliseconds of an answer at once: of `aask`, and of a bare post."""
    script = [str(PEERS / "ask_one_by_one.py"), str(cases(scratch, count)), server.api_base()]
    environ = environment() | {"PYTHONPATH": str(ROOT)}
    said = subprocess.run(
        [sys.executable, *script], cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def cases(scratch: Path, count: int) -> Path:
    """Cases of about 60 tokens, each another."""
    path = scratch / f"cases_{count}.jsonl"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            for number in range(count):
                case = {"id": f"case_{number}", "input": text(number), "expected": "ACK"}
                file.write(json.dumps(case) + "\n")
    return path


def lines(scratch: Path, count: int) -> Path:
    """Lines of `run`, likewise."""
    path = scratch / f"lines_{count}.jsonl"
    if not path.exists():
        with path.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(text(number)) + "\n" for number in range(count))
    return path


def text(number: int) -> str:
    words = " ".join(f"item{(number * 7 + word) % 1000:03d}" for word in range(24))
    return f"Case {number}: {words}"


def fresh(scratch: Path) -> Path:
    return scratch / f"out_{time.monotonic_ns()}"
