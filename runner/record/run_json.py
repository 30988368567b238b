"""`run.json`: what a run was asked, by whom and with what, as it is on disk."""

from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pydantic import Field

from runner.record.outcomes import Iso, Raced, Record

_PACKAGE = "llm-decision-runner"


class Provenance(Record):
    """`run.json` of any run, of a production run too: who was asked, when, and with what."""

    kind: str | None = None  # "production"
    task: str
    model: str = ""
    id: str = ""
    started: Iso  # UTC
    config: dict[str, Any]
    versions: dict[str, str | None] = Field(default_factory=dict)

    @property
    def started_at(self) -> datetime:
        return datetime.fromisoformat(self.started)

    @property
    def other_version(self) -> str:
        """The tail of a message, where another version than this one wrote it."""
        then = self.versions.get(_PACKAGE)
        try:
            now = version(_PACKAGE)
        except PackageNotFoundError:
            return ""
        return f"; it is of version {then}, this is {now}" if then and then != now else ""


class Measurement(Provenance):
    """`run.json` of a run that measures."""

    identity: str
    command: str
    outcomes: int  # that there will be
    cases: dict[str, Any]
    git: dict[str, Any] | None = None
    prices: dict[str, dict[str, Any] | None] = Field(default_factory=dict)
    taken_over: int = 0
    race: Raced | None = None
