"""`python -m tests.simulations watch`: every retirement in conf/, the clock set to before it.

For each model that ends, day by day from 120 days before: is it due? On the first such day the
command itself runs, in a project whose mapping has that model answer a task, with all providers
played on loopback. Prices are those of conf/, ten tokens in and five out, a million requests.

On 2026-11-28, of 21 dates in conf/, 10 of them of 2026, none was missed: each 60 days ahead, and
with a migration.
"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from runner.commands import watch
from runner.commands._arguments import arguments
from runner.config import paths
from runner.config.schema import Single
from runner.decide.watch import due
from tests import loopback
from tests.conftest import KEY, write_cases
from tests.loopback import Loopback

AHEAD = timedelta(60)
_LONGEST = timedelta(120)
_PROVIDER = """
defaults: [/base/provider@_here_, _self_]
name: {name}
litellm: hosted_vllm
api_base: {base_url}
api_key_env: LOOPBACK_API_KEY
data: third_party
"""
_TASK = """
defaults: [/base/task@_here_, _self_]
name: replayed
cases: replayed.jsonl
scorers: {exact: {}}
"""
_WORDS = ["--config-dir", "conf", "task=replayed", "mapping=replay", "requirements=base"]
_WORDS += ["requirements.min_quality_score=0.6", "retry=none"]


@dataclass(frozen=True)
class Replayed:
    """What came of one date; `first` is the day on which it was due, None: on none."""

    option: str
    ends: date
    first: date | None
    gaps: int  # days after the first on which it was not
    to: str  # who came instead; empty: no migration was written
    usd: tuple[str, str]  # a month, before and after

    @property
    def ahead(self) -> int:
        return (self.ends - self.first).days if self.first else -1

    @property
    def missed(self) -> bool:
        return self.ahead < AHEAD.days or bool(self.gaps) or not self.to


def ending() -> dict[str, Single]:
    """The models of conf/ that have a date, the old table of early 2026 among them."""
    with arguments("models", None, []).conf() as config:
        found = config.catalogue(folders=True)
    return {option: model for option, model in found.items() if model.retires}


def replay(models: Mapping[str, Single]) -> Iterator[Replayed]:
    """Each in a project of its own. The environment has no key but that of loopback."""
    for option, model in models.items():
        assert model.retires is not None
        days = [model.retires - timedelta(n) for n in range(_LONGEST.days, -1, -1)]
        seen = [day for day in days if any(due.retirement(model, day, AHEAD))]
        first = seen[0] if seen else None
        gaps = len(days[days.index(first) :]) - len(seen) if first else 0
        said = _command(option, first) if first else ""
        written = re.search(r"replayed: (\S+) instead of .*, (.+) → (.+) a month", said)
        to, *usd = written.groups() if written else ("", "", "")
        yield Replayed(option, model.retires, first, gaps, to, (usd[0], usd[1]))


def _command(option: str, today: date) -> str:
    """What the command prints on a day."""
    out = StringIO()
    with TemporaryDirectory() as home, chdir(home), Loopback(loopback.echo) as server:
        _project(option, server.base_url)
        with redirect_stdout(out):
            code = watch.main(_WORDS, today=today)
        branches = _git("branch", "--list", "runner-watch/*")
    said = out.getvalue()
    assert (code, bool(branches)) == (3, "instead of" in said), said
    return said


def _project(option: str, base_url: str) -> None:
    files = {
        "conf/mapping/replay.yaml": f"defaults:\n  - /model@replayed: {option}\n",
        "conf/task/replayed.yaml": _TASK,
        ".gitignore": "outputs/\n",
    }
    for path in (paths.builtin("conf") / "provider").glob("*.yaml"):
        files[f"conf/provider/{path.name}"] = _PROVIDER.format(name=path.stem, base_url=base_url)
    for name, text in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    Path("tasks").mkdir()
    write_cases(Path("tasks/replayed.jsonl"), 10)
    _git("init", "-q")
    _git("add", "-A")
    _git("-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "-m", "x")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout


def main() -> int:
    os.environ["LOOPBACK_API_KEY"] = KEY
    table = Table(title="every retirement in conf/, replayed")
    for column in ("model", "ends", "due", "days ahead", "instead", "$ a month", "then", ""):
        table.add_column(column, no_wrap=True)
    found = list(replay(ending()))
    for each in sorted(found, key=lambda each: each.ends):
        days, mark = str(each.ahead), "missed" if each.missed else ""
        table.add_row(each.option, str(each.ends), str(each.first), days, each.to, *each.usd, mark)
    console = Console(width=130)
    console.print(table, f"{sum(each.missed for each in found)} of {len(found)} missed", sep="\n")
    return int(any(each.missed for each in found))
