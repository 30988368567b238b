"""The numbers that a run leaves behind, gathered in one pass; texts are looked at and let go."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

from runner.cases.reading import is_json
from runner.config.schema import Job
from runner.measure import ceiling
from runner.measure.ceiling import Ceiling
from runner.measure.per_arm import Arms
from runner.price import total
from runner.record.outcomes import Answered, Attempt, Counts, Exchange, Failed, Line, Usage

# What a conversation has several of; those of one are alike, as repeats of a case are.
_OF_TURNS = {
    *("latency", "ttft", "tokens_per_second", "output_tokens_per_second"),
    *("input_tokens", "output_tokens"),
}
SCORE = "score."  # a metric for each scorer: score.<name>


def own(line: Line) -> TypeGuard[Answered]:
    """Whether the model under test gave this answer, and no fallback."""
    return isinstance(line, Answered) and line.fallback is None


class Turn(NamedTuple):
    """What the user of a conversation waited for and read; of any other request, all of it."""

    seconds: float
    first_token_seconds: float | None
    usage: Usage | None
    served_by: tuple[str, str, str | None]  # model, arm, fallback
    finish_reason: str
    attempts: Sequence[Attempt]


def turns(line: Answered) -> list[Turn]:
    if not line.exchanges:
        return [_turn(line, line.seconds, line.attempts)]
    found: dict[int, list[Exchange]] = {}
    for each in line.exchanges:
        found.setdefault(each.turn, []).append(each)
    numbers = {id(each): number for number, each in enumerate(line.exchanges, 1)}
    return [
        _turn(
            steps[-1],
            sum(step.seconds for step in steps),
            [a for a in line.attempts if a.exchange == numbers[id(steps[-1])]],
        )
        for steps in found.values()
    ]


def _turn(last: Answered | Exchange, seconds: float, attempts: Sequence[Attempt]) -> Turn:
    served_by = last.served_by, last.arm, last.fallback
    first, usage, reason = last.first_token_seconds, last.usage, last.finish_reason
    return Turn(seconds, first, usage, served_by, reason, attempts)


class Sample:
    """Numbers of one kind, and the numbers of the cases they came from where that is asked for."""

    def __init__(self) -> None:
        self.values = array("d")
        self.cases = array("q")

    def add(self, case: int, value: float) -> None:
        self.values.append(value)
        self.cases.append(case)


class Observations:
    """`cost` is of all outcomes, `spent` of those that were not replayed; None is unknown."""

    def __init__(self, job: Job, most: Ceiling | None = None) -> None:
        """`most` is what is known of requests that are yet to be made."""
        self.job = job
        self._repeated, self._judged = job.repeats > 1, bool(job.judging)
        self._cases: dict[str, int] = {}
        self._samples: defaultdict[str, Sample] = defaultdict(Sample)
        # The quality of each case at each of its repeats; empty where a case is asked once.
        self.scores: defaultdict[str, list[float]] = defaultdict(list)
        self.arms = Arms(job)
        self.skipped: Counter[str] = Counter()  # models whose turn had come
        self.failures: Counter[str] = Counter()  # calls that failed, by the kind of error
        self._turns = False  # whether there are conversations
        self.answered = self.replayed = self.unsent = 0
        self.cost: float | None = 0.0
        self.judge_cost: float | None = 0.0
        self.spent: float | None = 0.0
        self._most = ceiling.Most(job, most)
        self._quality, self._scorers = job.task.quality_scorer, frozenset(job.task.scorers)
        self._of_json = "json" in (job.task.output, job.requirements.output_format)

    def add(self, line: Line) -> None:
        case = self._cases.setdefault(line.case, len(self._cases))
        self._pay(line, case)
        if self._open(line):
            self.unsent += isinstance(line, Failed) and line.kind == "unsent"
            return
        sent = [attempt for attempt in line.attempts if attempt.error != "unsent"]
        answered, mine = isinstance(line, Answered), own(line)
        elsewhere = any(attempt.fallback is not None for attempt in line.attempts)
        self._note("error_rate", case, not answered)
        self._note("fallback_rate", case, elsewhere or (answered and not mine))
        self._note("retry_rate", case, len(sent) > 1 and _retried(sent))
        unmended = mine and not any(attempt.error for attempt in sent)
        self._note("first_attempt_success_rate", case, unmended)
        self._note("answered", case, answered)
        self._note("cost", case, line.cost_usd or 0.0)
        self._judge(line, case)
        self._most.add(line)
        self.arms.add(line)
        for skipped in line.skipped:
            self.skipped[skipped.model] += 1
        self.answered += answered
        self.replayed += line.replayed
        if own(line):
            self._credit(line, case, sent)

    def _open(self, line: Line) -> bool:
        """Whether a line only keeps what was paid for, and the question is asked or judged yet."""
        if isinstance(line, Failed):
            return line.open
        return not self._scorers <= (line.scores.keys() | line.unscored.keys())

    def _note(self, name: str, case: int, value: float) -> None:
        sample = self._samples[name]
        sample.values.append(value)
        if self._repeated or name in _OF_TURNS:
            sample.cases.append(case)

    def _pay(self, line: Line, case: int) -> None:
        self.cost = total((self.cost, line.cost_usd))
        self.spent = total([self.spent, *[each.cost_usd for each in line.paid]])
        for attempt in line.judging:
            self.judge_cost = total((self.judge_cost, attempt.cost_usd))
            self._note("judge_latency", case, attempt.seconds * 1000)

    def _judge(self, line: Line, case: int) -> None:
        """What a request was worth to its user, whether that is good enough, and what it cost.

        One that the model left unanswered is worth 0; of an answer without a score nobody knows.
        """
        failed, quality = isinstance(line, Failed), None
        if isinstance(line, Failed):
            self.failures[line.kind or "error"] += 1
        else:
            quality = line.scores.get(self._quality)
        if failed or quality:
            wanted = self.job.requirements.min_quality_score or 1.0
            self._note("cost_of_judged", case, line.cost_usd or 0.0)
            self._note("accepted", case, quality is not None and quality.value >= wanted)
        if not own(line):
            self._note("quality_per_request", case, 0.0)
        elif quality:
            self._note("quality_per_request", case, quality.value)

    def _credit(self, line: Answered, case: int, sent: Sequence[Attempt]) -> None:
        for name, score in line.scores.items():
            self._note(SCORE + name, case, score.value)
        if self._repeated and (quality := line.scores.get(self._quality)):
            self.scores[line.case].append(quality.value)
        if self._judged:
            self._note("judge_failure_rate", case, bool(line.unscored))
        parts = turns(line)
        self._turns = self._turns or len(parts) > 1
        truncated = any(turn.finish_reason == "length" for turn in parts)
        self._note("truncated_rate", case, truncated)
        if self._of_json:
            checked = line.scores.get("json_valid")
            valid = (
                checked.value == 1 if checked else is_json(line.reply, fenced=self.job.task.fenced)
            )
            self._note("valid_output_rate", case, valid)
        self._note("attempts_per_request", case, len(sent))
        used = [attempt.usage for attempt in line.attempts if attempt.usage]
        if used:
            tokens = sum([usage.input_tokens + usage.output_tokens for usage in used])
            self._note("tokens_per_request", case, tokens)
        for turn in parts:
            self._credit_turn(turn, case, timed=not line.replayed)

    def _credit_turn(self, turn: Turn, case: int, *, timed: bool) -> None:
        if turn.usage:
            self._note("input_tokens", case, turn.usage.input_tokens)
            self._note("output_tokens", case, turn.usage.output_tokens)
        if timed:
            self._note("latency", case, turn.seconds * 1000)
            if self.job.stream:
                self._first_token(turn, case)
            seconds = _answering_seconds(turn)
            if turn.usage and seconds > 0:
                rate = turn.usage.output_tokens / seconds
                self._note("output_tokens_per_second", case, rate)

    def _first_token(self, turn: Turn, case: int) -> None:
        """How long it took, and how fast the rest of a streamed answer came."""
        if turn.first_token_seconds is None:
            return
        self._note("ttft", case, turn.first_token_seconds * 1000)
        last = turn.attempts[-1]
        if turn.usage and last.first_token_seconds is not None:
            writing = last.seconds - last.first_token_seconds
            if writing > 0 and turn.usage.output_tokens > 1:  # the first token is not part of it
                rate = (turn.usage.output_tokens - 1) / writing
                self._note("tokens_per_second", case, rate)

    def counts(self) -> Counts:
        outcomes = len(self._samples["answered"].values)
        return Counts(
            cases=len(self._cases),
            outcomes=outcomes,
            answered=self.answered,
            failed=outcomes - self.answered,
            replayed=self.replayed,
            unsent=self.unsent,
        )

    @property
    def most(self) -> Ceiling | None:
        """Of one request; None: there was none."""
        return self._most.ceiling

    def sample(self, name: str) -> tuple[array[float], array[int] | None]:
        """Numbers of one kind, and the cases they came from where a case was asked repeatedly."""
        found = self._samples[name]
        several = self._repeated or (self._turns and name in _OF_TURNS)
        return found.values, found.cases if several else None


def _answering_seconds(turn: Turn) -> float:
    """Of the attempt that gave the answer, without those on the way to it."""
    alone = len(turn.attempts) == 1
    for attempt in reversed(turn.attempts):
        by = attempt.model, attempt.arm, attempt.fallback
        if attempt.role != "answer" or by != turn.served_by:
            continue
        if alone or attempt.usage == turn.usage:
            return attempt.seconds
    return turn.seconds


def _retried(attempts: Sequence[Attempt]) -> bool:
    """Whether a model was asked again after it had failed."""
    failed: set[tuple[int | None, str | None, str, str, str]] = set()
    for attempt in attempts:
        who = attempt.exchange, attempt.fallback, attempt.role, attempt.arm, attempt.model
        if who in failed:
            return True
        if attempt.error:
            failed.add(who)
    return False
