"""What is attacked: real commands in a directory of their own, and a provider that keeps count."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.record.journal import read_journal
from runner.record.outcomes import Attempt
from runner.record.run import Run
from tests import loopback
from tests.attack.warm import Started, Warm
from tests.commands.test_command_line import MODEL, PROVIDER
from tests.conftest import KEY, write_cases
from tests.loopback import Answer, Loopback, Request
from tests.loopback.answers import tokens

TASK = """
defaults: [/base/task@_here_, /model@scorers.judge.model: strict, _self_]
name: demo
cases: demo.jsonl
sampling: {max_tokens: 64}
scorers: {judge: {rubric: "Is it good?", reference: false}}
quality: judge
"""
PLAIN = """
defaults: [/base/task@_here_, _self_]
name: plain
cases: demo.jsonl
sampling: {max_tokens: 64}
scorers: {exact: {}}
"""
TALK = PLAIN.replace("plain", "talk").replace("demo.jsonl", "talks.jsonl")
STEPS = """
defaults: [/base/cascade@_here_, /model@arms.cheap: first, /model@arms.strong: strong, _self_]
name: steps
checks: {regex: {pattern: never}}
"""
JUDGED = '{"reasoning": "fine", "score": 5}'
CASES = 12
COST_USD = 30e-6 + 64 * 2e-6  # of one request, as the provider bills it


def answer(request: Request) -> Answer:
    if request.model.startswith("strict"):
        return loopback.text(JUDGED, usage=tokens(30, 64))
    return loopback.text(request.text, usage=tokens(30, 64))


@dataclass(frozen=True)
class Place:
    """A directory with a few models, three tasks and an input, and the provider of the models."""

    home: Path
    server: Loopback
    warm: Warm

    def start(self, *options: str, on_end: Callable[[], None] = lambda: None) -> Started:
        own = "--config-dir", "conf", "requirements=base"
        return self.warm.start(*options, *own, cwd=self.home, on_end=on_end)

    def stuck(self, *options: str, after: int) -> Started:
        """At work, and waiting for an answer that does not come after so many that did; or ended.

        It began when those before it had, so that their requests are none of its own.
        """
        before, event = len(self.server.requests), threading.Event()

        def some(request: Request) -> Answer:
            if request.number <= before + after:
                return answer(request)
            event.set()
            return loopback.hang()

        self.server.answer = some
        started = self.start(*options, on_end=event.set)
        assert event.wait(timeout=300)
        return started

    @property
    def asked(self) -> Counter[str]:
        """Requests by model."""
        return Counter(request.model.partition("-")[0] for request in self.server.requests)

    @property
    def billed_usd(self) -> float:
        return len(self.server.requests) * COST_USD

    @property
    def runs(self) -> list[Run]:
        outputs = self.home / "outputs"
        found = [*outputs.glob("runs/*/"), *outputs.glob("sweeps/*/*/")]
        return [Run(directory) for directory in found]

    @property
    def attempts(self) -> list[Attempt]:
        return [attempt for run in self.runs for attempt in run.paid()]

    def done(self, run: Run) -> bool:
        """Whether each case stands in its journal, once."""
        lines = Counter(line.case for line in read_journal(run.journal))
        return set(lines.values()) == {1} and len(lines) == CASES


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    os.environ["LOOPBACK_API_KEY"] = KEY
    with Warm(tmp_path_factory.mktemp("warm")) as warm:
        yield warm


@pytest.fixture
def place(tmp_path: Path, warm: Warm) -> Iterator[Place]:
    with Loopback(answer) as server:
        files = {
            "conf/provider/loop.yaml": PROVIDER.format(base_url=server.base_url),
            "conf/task/demo.yaml": TASK,
            "conf/task/plain.yaml": PLAIN,
            "conf/task/talk.yaml": TALK,
            "conf/model/steps.yaml": STEPS,
            "tasks/talks.jsonl": "".join(
                f'{{"id": "c{n}", "turns": ["one", "two", "three"], "expected": "three"}}\n'
                for n in range(CASES)
            ),
            "in.jsonl": "".join(f'"text {n}"\n' for n in range(CASES)),
        }
        for name in ("first", "strong", "strict"):
            files[f"conf/model/{name}.yaml"] = MODEL.format(name=name)
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        write_cases(tmp_path / "tasks" / "demo.jsonl", CASES)
        yield Place(tmp_path, server, warm)
