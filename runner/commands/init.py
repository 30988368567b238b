"""Begin a project of your own: a task, its thresholds, a mapping, a CI workflow, from your cases.

    python -m runner init from=tickets.csv
    python -m runner init decisions from=tickets.csv models=haiku,gpt-6-luna
    python -m runner init from=tickets.jsonl provider=http://127.0.0.1:8000/v1 models=my-llama

In a terminal it asks for what is not given; elsewhere it doesn't. Nothing is overwritten.

Settings:
    from=cases.csv      CSV, TSV, JSON lines, a JSON array, parquet; left out: three to write over
    expected=label      the column that holds what is expected; left out: `expected`, or one that
                        is called so elsewhere (label, answer, target, …), which is said
    task=tickets        its name; left out: that of the file
    models=a,b          candidates; left out: the embedded one. Those that are not ours get a file
    provider=openai     of those that are not ours: a provider of ours, or a server's address
"""

import re
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from pydantic import Field

from runner.cases import cases, rows
from runner.cases.cases import Case
from runner.commands import _project
from runner.commands._arguments import arguments
from runner.commands.command_line import parse
from runner.config import paths
from runner.config.catalogue import Options
from runner.config.schema import Strict
from runner.decide.suggest import Draft, draft
from runner.errors import ConfigError, did_you_mean

_EXAMPLES = [
    {"id": "1", "input": "The parcel came broken.", "expected": "complaint"},
    {"id": "2", "input": "Do you ship to Norway?", "expected": "question"},
    {"id": "3", "input": "Best service ever, thank you!", "expected": "praise"},
]


# What others call what is expected, in rows that have no `expected`.
_EXPECTED = (
    *("label", "labels", "answer", "target", "category", "gold", "ground_truth", "reference"),
    *("class", "intent", "output", "team"),
)
_SHOWN = 5  # ids of rows


class InitSettings(Strict):
    source: str | None = Field(None, alias="from")
    expected: str | None = None
    task: str | None = Field(None, pattern=_project.NAME)
    models: str | None = None
    provider: str | None = None


def main(argv: Sequence[str]) -> int:
    words = [each for each in parse("init", __doc__, argv).given if "=" not in each]
    given = arguments("init", __doc__, argv, words=min(1, len(words)), keys=InitSettings)
    home = Path(given.words[0] if given.words else ".")
    settings = given.settings(InitSettings)
    if not given.overrides and sys.stdin.isatty():
        settings = _asked(settings)
    source = Path(settings.source) if settings.source else None
    found = _cases(source) if source else [Case.model_validate(each) for each in _EXAMPLES]
    found = _with_expected(found, settings.expected)
    task = settings.task or (_project.named(source.stem) if source else "mine")
    files = _files(task, found, settings, home)
    if (home / f"conf/task/{task}.yaml").exists():
        raise ConfigError(f"{home / 'conf/task' / task}.yaml: is there already; say task=another")
    _project.write(home, files, task)
    _advise(home, task, _draft_of(found), settings)
    return 0


def _asked(settings: InitSettings) -> InitSettings:
    from rich.prompt import Prompt

    source = Prompt.ask("Your cases (CSV, TSV, JSON; empty: three examples)", default="")
    name = _project.named(Path(source).stem) if source else "mine"
    task = Prompt.ask("A name for the task", default=name)
    models = Prompt.ask("Candidates (`python -m runner models` lists them)", default="local")
    asked = {"from": source or None, "task": task, "models": models}
    return InitSettings.model_validate(settings.model_dump(by_alias=True) | asked)


def _cases(source: Path) -> list[Case]:
    """Raises ConfigError naming file and line."""
    if not source.is_file():
        beside = (each for each in source.parent.glob("*") if each.is_file())
        near = [str(each) for each in beside if each.suffix in rows.FORMATS]
        raise ConfigError(f"from: no file '{source}'{did_you_mean(str(source), near)}")
    return list(cases.read(source))


def _with_expected(found: Sequence[Case], column: str | None) -> list[Case]:
    """Cases whose variable `column` is what is expected; one that is left alone is the input.

    Names become those of variables: `Ticket ID` is `ticket_id`. Raises ConfigError.
    """
    names = {name for case in found if isinstance(case.input, dict) for name in case.input}
    if column and column not in (*names, "expected"):
        raise ConfigError(f"expected={column}: no such column{did_you_mean(column, names)}")
    if column is None and names and all(case.wanted is None for case in found):
        column = next((each for each in sorted(names) if each.lower() in _EXPECTED), None)
        if column:
            print(f"column '{column}' is read as what is expected; expected=… names another one")
        else:
            print(f"no column is called expected; expected=… names one of {', '.join(names)}")
    return _whole([_expecting(case, column) for case in found])


def _whole(found: Sequence[Case]) -> list[Case]:
    """Those with a text and, where most have that, with what is expected. Raises ConfigError."""
    most = sum(case.wanted is not None for case in found) * 2 > len(found)
    kept = [case for case in found if case.asked and (case.wanted is not None or not most)]
    if not kept:
        raise ConfigError("from: no row has a text")
    if left := [case.id for case in found if case not in kept]:
        more = f" and {len(left) - _SHOWN} more" if left[_SHOWN:] else ""
        ids = ", ".join(f"case {id}" for id in left[:_SHOWN])
        print(f"left out, for want of a text or of what is expected: {ids}{more}")
    return kept


def _expecting(case: Case, column: str | None) -> Case:
    if not isinstance(case.input, dict):
        return case
    given = dict(case.input)
    expected = given.pop(str(column), case.expected)
    variables = {_variable(name): value for name, value in given.items()}
    if len(variables) < len(given):
        raise ConfigError(f"from: two of these columns are one variable: {', '.join(given)}")
    only = [*variables.values()] if len(given) == 1 else [variables]
    text = only[0] if isinstance(only[0], str) else variables
    return Case.model_validate(
        case.model_dump() | {"input": text, "expected": None if expected == "" else expected}
    )


def _variable(name: str) -> str:
    """As a template can name it."""
    found = name if name.isidentifier() else re.sub(r"\W+", "_", name.lower()).strip("_")
    return found if found.isidentifier() else f"column_{found}"


def _draft_of(found: Sequence[Case]) -> Draft:
    wanted = (case.turns[-1].expected if case.turns else case.expected for case in found)
    return draft((case.input or case.text for case in found), wanted)


def _files(task: str, found: Sequence[Case], settings: InitSettings, home: Path) -> dict[str, str]:
    """What is to be written, by its path in the project. Raises ConfigError."""
    suggested = _draft_of(found)
    models, own, address = _models(settings)
    about = {
        **_project.NOTHING_MORE,
        **vars(suggested),
        "task": task,
        "models": models,
        "candidates": ",".join(models if len(models) > 1 else [*models, "haiku"]),
        "today": date.today(),
        "address": address,
        "data": _project.data_at(address),
        "provider": "own" if address else settings.provider,
        "keys": _project.keys(models),
    }
    files = {
        f"conf/task/{task}.yaml": _project.rendered("task.yaml", about),
        f"conf/requirements/{task}.yaml": _project.rendered("requirements.yaml", about),
        _project.MAPPING: _project.rendered("mapping.yaml", about),
        f"tasks/{task}/cases.jsonl": "".join(map(_line, found)),
        **_project.around(about),
    }
    if len(models) > 1:
        files[f"conf/sweep/{task}.yaml"] = _project.rendered("sweep.yaml", about)
    if address:
        files["conf/provider/own.yaml"] = _project.rendered("provider.yaml", about)
    for name in own:
        option = _project.named(name)
        text = _project.rendered("model.yaml", about | {"model": option, "id": name})
        files[f"conf/model/{option}.yaml"] = text
    return files


def _models(settings: InitSettings) -> tuple[list[str], list[str], str | None]:
    """Candidates by their option, the ids of those that need a file, a server's address."""
    conf = Options([paths.builtin("conf")]).files
    named = [each.strip() for each in (settings.models or "local").split(",") if each.strip()]
    address = settings.provider if "://" in (settings.provider or "") else None
    if settings.provider and not address and settings.provider not in conf["provider"]:
        near = did_you_mean(settings.provider, conf["provider"])
        raise ConfigError(f"provider={settings.provider}: no such provider{near}; or an address")
    own = [name for name in named if name not in conf["model"]]
    if own and not settings.provider:
        near = did_you_mean(own[0], conf["model"])
        raise ConfigError(f"models: no model '{own[0]}'{near}; for one of your own say provider=…")
    if settings.provider and not own:
        raise ConfigError(
            f"provider={settings.provider}: none of the models needs a file; leave it out"
        )
    return [_project.named(name) if name in own else name for name in named], own, address


def _line(case: Case) -> str:
    return _project.line({"id": case.id} | case.model_dump(mode="json", exclude_defaults=True))


def _advise(home: Path, task: str, suggested: Draft, settings: InitSettings) -> None:
    print(f"scored by {', '.join(suggested.scorers)}: {suggested.why}")
    for note in suggested.notes:
        print(f"to look at: {note}")
    there = f"cd {home} && " if home != Path() else ""
    print(f"next: {there}python -m runner task={task}")
