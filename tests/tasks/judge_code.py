"""Judges answers as the scorer does, each in two forks: `python -I judge_code.py <its folder>`.

Reads {order, beside, judge, answers: {name: code}} on stdin, marshalled, and writes {name: what
went wrong or null}; or else the number of a check whose values can't be sent. Seconds are of CPU,
so that a busy machine changes nothing.
"""

import json
import marshal
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

_PACKAGE = "runner.scorers._python_tests"


def main() -> None:
    order = marshal.load(sys.stdin.buffer)
    verdicts = {name: _judged(order, code) for name, code in order["answers"].items()}
    inside = [each for each in verdicts.values() if isinstance(each, int)]
    json.dump(inside[0] if inside else verdicts, sys.stdout)


def _judged(order: dict[str, Any], code: str) -> str | int | None:
    ends = socket.socketpair()
    reading, report = os.pipe()
    shared: dict[str, Any] = order["order"]
    here, there = (shared | {"channel": end.fileno()} for end in ends)
    here |= {"tests": order["beside"], "answer": code}
    there |= {"tests": order["judge"]}

    def beside() -> None:
        ends[1].close()
        signal.setitimer(signal.ITIMER_PROF, shared["seconds"])
        sys.modules[f"{_PACKAGE}.code_side"].main(here)

    def judge() -> None:
        ends[0].close()
        os.dup2(report, 1)
        sys.modules[f"{_PACKAGE}.judge_side"].main(there)

    children = [_forked(each) for each in (beside, judge)]
    for end in ends:
        end.close()
    os.close(report)
    with os.fdopen(reading) as pipe:
        said = [sys.modules[f"{_PACKAGE}.values"].decode(line) for line in pipe]
    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if ended[0] == -signal.SIGPROF:
        return f"timed out after {shared['seconds']} s of CPU"
    found: str | int | None = said[-1]["inside" if "inside" in said[-1] else "problem"]
    return found


def _forked(work: Callable[[], None]) -> int:
    if child := os.fork():
        return child
    try:
        work()
    finally:
        os._exit(1)


def _load(folder: Path) -> None:
    """The scorer's modules alone: the package around them is slow to import."""
    for name in ("values", "limits", "code_side", "judge_side"):
        module = sys.modules[f"{_PACKAGE}.{name}"] = ModuleType(f"{_PACKAGE}.{name}")
        exec((folder / f"{name}.py").read_text(encoding="utf-8"), vars(module))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _load(Path(sys.argv[1]))
    main()
