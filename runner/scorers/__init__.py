"""How good an answer is, and why. One file a scorer; the file's name is the scorer's name.

A scorer is a module with

    def score(reply: Reply, case: Case, task: Task, *, option: float = 0.5) -> Score

or the same as `async def`. What stands after the `*` are the options that a task may set. A scorer
of your own is `tasks/<task>/<name>.py`; its `score` may return a plain number from 0 to 1 as well.
One that asks a model of its own is an `async def` with `ask: Ask` after the `*`, which is no
option but the way to do so, and an option that holds the model; it raises Unscored when the model
gave no judgement. Two more functions are welcome beside `score`:

    def check(case: Case, task: Task, *, option: float) -> str | None
        what is wrong with a case's expected value, said before anything is sent; it names
        those of the options that it needs
    def tables(scores: Sequence[Score]) -> list[ScorerTable]
        sums up a run for its report, from the `details` of its scores alone

A reply's text is an answer without reasoning; runner.cases.reading reads its JSON. `PARTS` may name
modules that decide the scores too: answers are scored anew once these, or the scorer, have changed.
"""

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

from runner.cases.call_log import Ask
from runner.cases.cases import Case
from runner.config.identity import shape
from runner.config.schema import Task
from runner.errors import CallFailed, ConfigError, RunnerError, Stopped
from runner.record.outcomes import Reply, Score
from runner.scorers import _modules, _options
from runner.scorers._aside import aside

__all__ = ["Scorer", "ScorerFailed", "ScorerTable", "Unscored", "load", "tables"]


class ScorerFailed(RunnerError):
    """A scorer has a bug or can't run here. That says nothing about the answer."""


class Unscored(RunnerError):
    """The model that was to judge did not. That is its own failure, and no score of the answer."""


@dataclass(frozen=True)
class ScorerTable:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]


@dataclass(frozen=True)
class Scorer:
    """A scorer with a task's options bound to it."""

    name: str
    module: ModuleType
    options: Mapping[str, Any]
    own: bool  # the user's: it may be slow, so it runs off the event loop
    asks: bool  # a model of its own
    fenced: bool = True  # as the task says
    turns_score: str = "all"  # likewise

    async def __call__(self, reply: Reply, case: Case, task: Task, ask: Ask | None = None) -> Score:
        """`ask` is for a scorer that `asks`. Raises ScorerFailed, Unscored, Stopped, and
        CallFailed as far as `ask` does.
        """
        asking = {_options.ASK: ask} if self.asks else {}
        judge = partial(self.module.score, reply, case, task, **self.options, **asking)
        try:
            blocking = self.own and not inspect.iscoroutinefunction(self.module.score)
            limit = task.scorer_timeout, "task.scorer_timeout"
            result = await aside(judge, *limit) if blocking else judge()
            return _as_score(await result if inspect.isawaitable(result) else result)
        except (Unscored, Stopped, CallFailed):
            raise
        except Exception as error:
            raise self._failed(case, error) from error

    @property
    def slow(self) -> bool:
        """Whether other things happen while it looks at an answer."""
        return self.own or inspect.iscoroutinefunction(self.module.score)

    def key(self, case: Case) -> str:
        """Equal keys give the same answer the same score: it need not be judged again."""
        held_against = json.dumps([case.asked, case.expected])
        if not self.fenced:
            held_against += " not fenced"
        if case.turns:
            held_against += f" {self.turns_score}"
        return sha256(f"{self._key} {held_against}".encode()).hexdigest()[:16]

    @cached_property
    def _key(self) -> str:
        options = json.dumps(shape(self.options), default=str)
        modules = (self.module, *getattr(self.module, "PARTS", ()))
        source = b"".join(Path(module.__file__ or "").read_bytes() for module in modules)
        return sha256(source + options.encode()).hexdigest()

    def check(self, case: Case, task: Task) -> str | None:
        """What is wrong with the case's expected value. Raises ScorerFailed."""
        if self._look is None:
            return None
        try:
            problem = self._look(case, task)
        except Exception as error:
            raise self._failed(case, error) from error
        return None if problem is None else str(problem)

    @cached_property
    def _look(self) -> Callable[..., Any] | None:
        """The module's `check`, with those of the options that it needs."""
        look: Callable[..., Any] | None = getattr(self.module, "check", None)
        if look is None:
            return None
        needs = inspect.signature(look).parameters
        return partial(look, **{k: v for k, v in self.options.items() if k in needs})

    def tables(self, scores: Sequence[Score]) -> list[ScorerTable]:
        """Raises ScorerFailed."""
        return _tables(self.name, self.module, scores)

    def _failed(self, case: Case, error: Exception) -> ScorerFailed:
        what = _modules.explain(error, self.module)
        return ScorerFailed(f"scorer '{self.name}', case '{case.id}': {what}")


def load(task: Task, tasks_dirs: Sequence[Path]) -> dict[str, Scorer]:
    """The scorers that a task names, by name; the user's own come before the built-in ones.

    Raises ConfigError with one line a problem: an unknown scorer or option, an option of the
    wrong type or without a value, a file of the user's that can't be used.
    """
    problems: list[str] = []
    loaded: dict[str, Scorer] = {}
    for name, given in task.scorers.items():
        try:
            module, own = _modules.find(name, task.name, tasks_dirs)
            options = _options.bind(module, given, f"task.scorers.{name}")
            asks = _options.asks(module)
            loaded[name] = Scorer(name, module, options, own, asks, task.fenced, task.turns_score)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return loaded


def tables(
    name: str, scores: Sequence[Score], *, task: str, tasks_dirs: Sequence[Path]
) -> list[ScorerTable]:
    """The tables of one scorer, for a report that is rebuilt without the task's config.

    Raises ConfigError as `load` does, and ScorerFailed.
    """
    module, _ = _modules.find(name, task, tasks_dirs)
    return _tables(name, module, scores)


def _tables(name: str, module: ModuleType, scores: Sequence[Score]) -> list[ScorerTable]:
    sum_up: Callable[[Sequence[Score]], list[ScorerTable]] | None = getattr(module, "tables", None)
    try:
        return list(sum_up(scores)) if sum_up else []
    except Exception as error:
        what = _modules.explain(error, module)
        raise ScorerFailed(f"scorer '{name}', tables: {what}") from error


def _as_score(result: object) -> Score:
    if isinstance(result, Score):
        result.model_dump_json()  # better now than when the journal is written
        return result
    if not isinstance(result, int | float):
        raise TypeError(f"returned {type(result).__name__}, not a Score or a number from 0 to 1")
    if not 0 <= result <= 1:
        raise ValueError(f"returned {result}, not a number from 0 to 1")
    return Score(value=float(result), why=f"returned {result}")
