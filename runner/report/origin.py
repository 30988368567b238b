"""What a report rests on and how to ask again: when, command, commit, cases, prices, versions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner.config.paths import shown
from runner.decide.sweep import SweepResult
from runner.record.files import PAGE, RUN, SWEEP, is_sweep, jobs, utc_now
from runner.record.run import Run

HISTORY = "index.html"  # that the command history writes
_GROUPS = "task", "model", "requirements", "retry", "fallback"
_LEVELS = 3  # that it may be above a record: outputs/sweeps/<sweep>/<run>

Link = tuple[str, str]  # what it is called, and where it leads from here


@dataclass(frozen=True)
class Origin:
    """Whatever is not on record is left out."""

    started: str
    command: str | None
    facts: Sequence[tuple[str, str]]
    links: Sequence[Link]

    @property
    def day(self) -> str:
        return self.started[:10]

    @classmethod
    def of_run(cls, directory: Path) -> Origin:
        about = Run(directory).about
        up = directory.parent
        within = (up / SWEEP).is_file() or (is_sweep(up) and (up / PAGE).is_file())
        back = [("its sweep", f"../{PAGE}")] if within else []
        to = [*back, (f"{RUN}: all of its config", RUN)]
        return cls(_started(about), _text(about, "command"), *_rest([about], to, directory))

    @classmethod
    def of_now(cls, directory: Path) -> Origin:
        """Of a page that the command in hand writes of many runs."""
        from runner.pipeline import provenance

        now = utc_now()
        about = {"started": now, "git": provenance.git(), "versions": provenance.versions()}
        return cls(now, provenance.shared_command(), *_rest([about], [], directory))

    @classmethod
    def of_sweep(cls, directory: Path, sweep: SweepResult) -> Origin:
        """`sweep` says what its runs are called."""
        runs = [Run(path).about for path in jobs(directory)]
        names = {run.dir: f"{run.task}: {run.candidate}" for run in sweep.runs}
        to = [
            (name, f"{run}/{PAGE}")
            for run, name in names.items()
            if (directory / run / RUN).is_file()
        ]
        started = min(filter(None, map(_started, runs)), default="")
        return cls(started, sweep.command, *_rest(runs, to, directory))


def _rest(
    runs: Sequence[Mapping[str, Any]], links: Sequence[Link], directory: Path
) -> tuple[list[tuple[str, str]], list[Link]]:
    facts = {
        "when": _when(min(filter(None, map(_started, runs)), default="")),
        "config": _config(runs),
        "git commit": _joined(map(_commit, runs)),
        "cases": _joined(map(_cases, runs)),
        "prices checked": _prices(runs),
        "versions": _joined(map(_versions, runs)),
    }
    known = [(name, said) for name, said in facts.items() if said]
    return known, [*links, *_history(directory)]


def _when(started: str) -> str:
    """`2026-11-28 19:07 UTC`."""
    return started[:16].replace("T", " ") + " UTC" * started.endswith("+00:00")


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))


def _history(directory: Path) -> Iterator[Link]:
    for level in range(1, _LEVELS + 1):
        if (directory.joinpath(*[".."] * level) / HISTORY).is_file():
            yield "all runs", "../" * level + HISTORY
            return


def _text(about: Mapping[str, Any], key: str) -> str | None:
    found = about.get(key)
    return found if isinstance(found, str) else None


def _started(about: Mapping[str, Any]) -> str:
    return _text(about, "started") or ""


def _commit(about: Mapping[str, Any]) -> str:
    git = about.get("git") or {}
    dirty = ", with changes that are not committed" if git.get("dirty") else ""
    return f"{git['commit']}{dirty}" if git.get("commit") else ""


def _cases(about: Mapping[str, Any]) -> str:
    cases = about.get("cases") or {}
    if not cases.get("path"):
        return ""
    return f"{shown(Path(str(cases['path'])))}, sha256 {cases.get('sha256')}"


def _config(runs: Sequence[Mapping[str, Any]]) -> str:
    """What was chosen of each group: `task=classification model=haiku,local`."""
    chosen: dict[str, dict[str, None]] = {}
    for group in _GROUPS:
        for about in runs:
            name = ((about.get("config") or {}).get(group) or {}).get("name")
            if isinstance(name, str):
                chosen.setdefault(group, {})[name] = None
    return " ".join(f"{group}={','.join(names)}" for group, names in chosen.items())


def _prices(runs: Sequence[Mapping[str, Any]]) -> str:
    """By the days on which they were: `2026-11-28: haiku, sonnet`."""
    days: dict[str, dict[str, None]] = {}
    for about in runs:
        for name, price in (about.get("prices") or {}).items():
            day = (price or {}).get("checked") or "never"
            days.setdefault(str(day), {})[name] = None
    return "; ".join(f"{day}: {', '.join(days[day])}" for day in sorted(days))


def _versions(about: Mapping[str, Any]) -> str:
    versions = about.get("versions") or {}
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)
