"""Begin a project of your own from your cases: a task, thresholds, a mapping, two CI workflows.

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
from runner.decide.suggest import Draft, draft, with_expected
from runner.errors import ConfigError, did_you_mean

_EXAMPLES = [
    {"id": "1", "input": "The parcel came broken.", "expected": "complaint"},
    {"id": "2", "input": "Do you ship to Norway?", "expected": "question"},
    {"id": "3", "input": "Best service ever, thank you!", "expected": "praise"},
]


class InitSettings(Strict):
    source: str | None = Field(None, alias="from")
    expected: str | None = None
    task: _project.TaskName | None = None
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
    found, read_as = with_expected(found, settings.expected)
    task = settings.task or (_project.named(source.stem) if source else "mine")
    suggested = _draft_of(found)
    files = _files(task, found, suggested, settings)
    if (home / f"conf/task/{task}.yaml").exists():
        raise ConfigError(f"{home / 'conf/task' / task}.yaml: is there already; say task=another")
    _project.write(home, files, task)
    _advise(home, task, suggested, read_as)
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
    return list(cases.read(source, as_table=True))


def _draft_of(found: Sequence[Case]) -> Draft:
    wanted = (case.turns[-1].expected if case.turns else case.expected for case in found)
    return draft((case.input or case.text for case in found), wanted)


def _files(
    task: str, found: Sequence[Case], suggested: Draft, settings: InitSettings
) -> dict[str, str]:
    """What is to be written, by its path in the project. Raises ConfigError."""
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


def _advise(home: Path, task: str, suggested: Draft, read_as: Sequence[str]) -> None:
    print(f"scored by {', '.join(suggested.scorers)}: {suggested.why}")
    for note in (*read_as, *suggested.notes):
        print(f"to look at: {note}")
    there = f"cd {home} && " if home != Path() else ""
    print(f"next: {there}python -m runner task={task}")
