"""Judges answers as the sandbox does, each in a fork: `python -I judge_code.py <its folder>`.

Reads {tests, seconds, answers: {name: code}} on stdin, writes {name: what went wrong or null}.
Seconds are of CPU, so that a busy machine changes nothing.
"""

import json
import os
import resource
import signal
import sys

_MB = 1 << 20


def main() -> None:
    order = json.load(sys.stdin)
    json.dump({name: _judged(order, code) for name, code in order["answers"].items()}, sys.stdout)


def _judged(order: dict[str, object], code: str) -> str | None:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.close(reading)
            _work(order, code, writing)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == -signal.SIGPROF:
        return f"timed out after {order['seconds']} s of CPU"
    return json.loads(said) if said else f"ended with {status} before the tests were through"


def _work(order: dict[str, object], code: str, report: int) -> None:
    from _sandbox import _judge  # type: ignore[import-not-found]  # its folder is on the path

    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    resource.setrlimit(resource.RLIMIT_AS, (512 * _MB, 512 * _MB))
    signal.setitimer(signal.ITIMER_PROF, float(str(order["seconds"])))
    problem = _judge(code, order["tests"])
    signal.setitimer(signal.ITIMER_PROF, 0)
    os.write(report, json.dumps(problem).encode())
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    import _sandbox  # noqa: F401  (once, for all forks)

    main()
