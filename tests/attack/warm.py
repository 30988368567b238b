"""Commands in processes of their own that begin at once: all that they import is there already.

    python -m tests.attack.warm

For each line on its input, `{"argv": [...], "cwd": "...", "err": "..."}`, a process is forked that
runs that command, and its id is said; for `{"wait": id}` its exit code, negative for a signal.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.tree import environment

_NEEDED = (
    *("commands.eval", "commands.run", "commands._sweep", "pipeline.together", "report.page"),
    *("report.terminal", "report.junit", "measure.metrics", "calls.embedded.server"),
)


class Warm:
    """Whoever forks them; a context manager. They have the directory `cwd` for their own."""

    def __init__(self, cwd: Path) -> None:
        self._cwd, self._ids = cwd, count()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.attack.warm"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=120)

    def start(self, *argv: str, cwd: Path, on_end: Callable[[], None] = lambda: None) -> "Started":
        err = self._cwd / f"{next(self._ids)}.err"
        os.mkfifo(err)
        return Started(
            self, self.ask({"argv": argv, "cwd": str(cwd), "err": str(err)}), err, on_end
        )

    def ask(self, what: dict[str, Any]) -> int:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Started:
    """A command at work. `on_end` is called once it writes no more, from another thread."""

    def __init__(self, warm: Warm, id: int, err: Path, on_end: Callable[[], None]) -> None:
        self._warm, self._id, self._err, self._on_end = warm, id, err, on_end
        self.said = ""  # on stderr, once it has ended
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def ended(self) -> int:
        """Its exit code, once it has; negative for a signal."""
        self._reader.join()
        return self._warm.ask({"wait": self._id})

    def killed(self, number: int = signal.SIGKILL) -> int:
        os.kill(self._id, number)
        return self.ended()

    def _read(self) -> None:
        self.said = self._err.read_text()
        self._on_end()


def _serve() -> None:
    from runner.calls.translate import _import_litellm

    for name in _NEEDED:
        import_module(f"runner.{name}")
    _import_litellm()
    for line in sys.stdin:
        asked = json.loads(line)
        if "wait" in asked:
            _, status = os.waitpid(asked["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        elif child := os.fork():
            print(child, flush=True)
        else:
            os._exit(_run(asked))


def _run(asked: dict[str, Any]) -> int:
    from runner.commands.command_line import main

    os.chdir(asked["cwd"])
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, file in ((0, nothing), (1, nothing), (2, os.open(asked["err"], os.O_WRONLY))):
        os.dup2(file, number)
    sys.argv = ["runner", *asked["argv"]]
    try:
        return main(asked["argv"])
    finally:
        sys.stderr.flush()


if __name__ == "__main__":
    _serve()
