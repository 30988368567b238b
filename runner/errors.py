"""What can go wrong, as a tree.

RunnerError
├── ConfigError     the configuration or an input file is wrong; nothing was sent        exit 2
├── Stopped         going on would only fail again: a wrong key, a provider that is down   exit 4
│   └── BudgetSpent the next request might cost more than `budget_usd` leaves
├── StorageError    an outcome can't be written to disk; the run stops                   exit 4
├── ScorerFailed    a scorer raised (scorers/); its answers are kept, unscored           exit 4
├── Unscored        a model that was to judge did not (scorers/); the answer has no score
└── CallFailed      one HTTP request failed; `ask` turns it into an attempt on record

Every message says what is wrong, where, and what would be right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

CONFIG_EXIT = 2
GATE_EXIT = 3
INCOMPLETE_EXIT = 4
INTERRUPT_EXIT = 130

ErrorKind = Literal[
    "rate_limit",
    "overloaded",
    "server_error",
    "timeout",
    "connection",
    "insufficient_quota",
    "auth",
    "bad_request",
    "unsupported_param",
    "not_found",
    "context_window",
    "content_policy",
    "invalid_reply",
    "truncated",  # an answer that broke off: a failure only where a fallback is to mend it
    "invalid_output",  # likewise one that is not in the format the task asks for
    "unsent",  # it could not be built, or had no time to leave: no failure of the model's
    "circuit_open",  # not sent: the provider is left alone for a while
    "budget",  # not sent: it might have cost more than is left
    "interrupted",  # the process ended, or a scorer broke, before there was an outcome
]
# What may go better the next time; everything else would fail the same way again.
TRANSIENT: frozenset[ErrorKind] = frozenset(
    {"rate_limit", "overloaded", "server_error", "timeout", "connection"}
)
# What says that the provider is down, rather than that it does not like a request.
DOWN: frozenset[ErrorKind] = frozenset({"overloaded", "server_error", "timeout", "connection"})
# What somebody has to mend first: a key, a model's name or what it is sent, an account.
TO_MEND: frozenset[ErrorKind] = frozenset(
    {"auth", "not_found", "unsupported_param", "insufficient_quota"}
)


class RunnerError(Exception):
    """Anything this program can explain in a line."""


class ConfigError(RunnerError):
    """Wrong configuration or input: one line a problem, found before anything is sent."""

    def __init__(self, *problems: str) -> None:
        # What somebody typed may have line breaks in it.
        self.problems = tuple(" ".join(each.splitlines()) for each in problems)
        super().__init__("\n".join(self.problems))


class Stopped(RunnerError):
    """Nothing more is asked; what was answered is kept, and the same command goes on."""


class BudgetSpent(Stopped):
    """The next request might cost more than is left of the budget."""


class StorageError(RunnerError):
    """An outcome could not be put on disk."""


@dataclass(eq=False)
class CallFailed(RunnerError):
    """One HTTP request that gave no usable answer.

    `unbilled` is True when the provider turned the request away before answering, so that it cost
    nothing; False means that nobody can say what it cost (a time-out, a connection cut half-way).
    `retry_after` is in seconds. `delivered` is True when a part of an answer had come before it
    failed, and somebody may have read it. `outage` is True when its provider is left alone by now,
    and `stops` says why a run that had it should end here.
    """

    kind: ErrorKind
    message: str
    status: int | None = None
    retry_after: float | None = None
    should_retry: bool | None = None  # as the provider says; None: it does not
    unbilled: bool = False
    seconds: float = 0.0
    http_requests: int = 0
    by_litellm: str = ""  # why litellm sent it, and we did not
    request: dict[str, Any] = field(default_factory=dict)
    usage: Any = None  # records.Usage, where the provider stated one all the same
    delivered: bool = False
    outage: bool = False
    stops: str = ""

    def __str__(self) -> str:
        status = f" (HTTP {self.status})" if self.status else ""
        return f"{self.kind}{status}: {self.message}"

    @property
    def transient(self) -> bool:
        return self.kind in TRANSIENT if self.should_retry is None else self.should_retry


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The tail of an error message: the nearest choice, or all of them.

    >>> did_you_mean("haiko", ["haiku", "sonnet"])
    "; did you mean 'haiku'?"
    """
    known = sorted(choices)
    if near := get_close_matches(word, known, n=1):
        return f"; did you mean '{near[0]}'?"
    return f"; there is: {', '.join(known)}" if known else ""
