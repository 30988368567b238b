"""What a file of another tool comes to here, whatever its format."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

How = Literal["left out", "changed", "to write"]


@dataclass(frozen=True)
class Left:
    """What was not carried as it stood, and where that is."""

    file: Path
    line: int
    what: str
    why: str
    how: How = "left out"
    times: int = 1  # in rows that are alike: the line is that of the first


@dataclass(frozen=True)
class OwnModel:
    """A model that gets a file, and perhaps a provider."""

    option: str
    id: str
    provider: str  # the option of one of ours, or of the one below
    api_base: str | None = None
    key_env: str | None = None
    unpinned: bool = False


@dataclass(frozen=True)
class Prompt:
    label: str
    prompt: str | list[dict[str, str]]  # a template, or messages that are
    system: str = ""

    @property
    def texts(self) -> list[str]:
        """All templates of it."""
        given = self.prompt
        return [
            self.system,
            *([given] if isinstance(given, str) else [m["content"] for m in given]),
        ]


@dataclass
class BroughtTask:
    suffix: str  # of its name, where there are several
    cases: list[dict[str, Any]]
    prompt: str | list[dict[str, str]] = "{{ input }}"
    system: str = ""
    output: str = "text"
    json_schema: dict[str, Any] | None = None
    fenced: bool = True
    sampling: dict[str, Any] = field(default_factory=dict)
    scorers: dict[str, dict[str, Any]] = field(default_factory=dict)
    why: str = ""
    quality: str | None = None


@dataclass
class Brought:
    kind: str
    tasks: list[BroughtTask] = field(default_factory=list)
    models: list[str] = field(default_factory=list)  # options, those of `own` among them
    own: list[OwnModel] = field(default_factory=list)
    prompts: list[Prompt] = field(default_factory=list)  # beside that of the tasks
    requirements: dict[str, Any] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    head: list[str] = field(default_factory=list)  # what stands above the task's file
    notes: list[str] = field(default_factory=list)


def together(left: Sequence[Left]) -> list[Left]:
    """Rows that are alike but for their line become one."""
    found: dict[tuple[Path, str, str, str], list[Left]] = {}
    for each in left:
        found.setdefault((each.file, each.what, each.how, each.why), []).append(each)
    return [
        Left(first.file, first.line, first.what, first.why, first.how, sum(r.times for r in rows))
        for rows in found.values()
        for first in [min(rows, key=lambda row: row.line)]
    ]
