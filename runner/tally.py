"""The numbers that a run leaves behind, gathered in one pass; texts are looked at and let go."""

from __future__ import annotations

import json
from array import array
from collections import defaultdict
from typing import NoReturn

from runner.records import Answered, Counts, Failed
from runner.schema import Job

Line = Answered | Failed

SCORE = "score."  # a metric for each scorer: score.<name>


def own(line: Line, job: Job) -> bool:
    """Whether the model under test gave this answer."""
    return isinstance(line, Answered) and line.served_by == job.model.name


def valid_json(text: str) -> bool:
    """Whether a text is JSON as the standard has it: without NaN and Infinity."""
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


class _Sample:
    """Numbers of one kind, each with the number of the case it came from."""

    def __init__(self) -> None:
        self.values = array("d")
        self.cases = array("q")

    def add(self, case: int, value: float) -> None:
        self.values.append(value)
        self.cases.append(case)


class Tally:
    """`cost` is of all outcomes, `spent` of those that were not replayed; None is unknown."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._cases: dict[str, int] = {}
        self._samples: defaultdict[str, _Sample] = defaultdict(_Sample)
        self.answered = self.replayed = 0
        self.cost: float | None = 0.0
        self.spent: float | None = 0.0

    def add(self, line: Line) -> None:
        case = self._cases.setdefault(line.case, len(self._cases))
        name = self.job.model.name
        asked = [attempt.model for attempt in line.attempts]
        answered = isinstance(line, Answered)
        elsewhere = any(model != name for model in asked) or (answered and not own(line, self.job))
        self._note("error_rate", case, not answered)
        self._note("fallback_rate", case, elsewhere)
        self._note("retry_rate", case, len(set(asked)) < len(asked))
        self._note("answered", case, answered)
        self._pay(line, case)
        self.answered += answered
        self.replayed += line.replayed
        if isinstance(line, Answered) and own(line, self.job):
            self._credit(line, case)

    def _note(self, name: str, case: int, value: float) -> None:
        self._samples[name].add(case, value)

    def _pay(self, line: Line, case: int) -> None:
        self.cost = _plus(self.cost, line.cost_usd)
        if not line.replayed:
            self.spent = _plus(self.spent, line.cost_usd)
        self._note("cost", case, line.cost_usd or 0.0)

    def _credit(self, line: Answered, case: int) -> None:
        for name, score in line.scores.items():
            self._note(SCORE + name, case, score.value)
        self._note("truncated_rate", case, line.finish_reason == "length")
        if "json" in (self.job.task.output, self.job.requirements.output_format):
            checked = line.scores.get("json_valid")
            valid = checked.value == 1 if checked else valid_json(line.reply)
            self._note("valid_output_rate", case, valid)
        if line.usage:
            self._note("input_tokens", case, line.usage.input_tokens)
            self._note("output_tokens", case, line.usage.output_tokens)
        if not line.replayed:
            self._note("latency", case, line.seconds * 1000)
            seconds = line.attempts[-1].seconds if line.attempts else line.seconds
            if line.usage and seconds > 0:
                rate = line.usage.output_tokens / seconds
                self._note("output_tokens_per_second", case, rate)

    def counts(self) -> Counts:
        outcomes = len(self._samples["answered"].values)
        return Counts(
            cases=len(self._cases),
            outcomes=outcomes,
            answered=self.answered,
            failed=outcomes - self.answered,
            replayed=self.replayed,
        )

    def sample(self, name: str) -> tuple[array[float], array[int] | None]:
        """Numbers of one kind, and the cases they came from where a case was asked repeatedly."""
        found = self._samples[name]
        return found.values, found.cases if self.job.repeats > 1 else None


def _plus(known: float | None, more: float | None) -> float | None:
    return None if known is None or more is None else known + more


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
