"""Bring what you have elsewhere: a task, its cases and its candidates, out of another tool's file.

    python -m runner import promptfooconfig.yaml task=tickets
    python -m runner import traces.jsonl task=support sample=100 seed=1 by=model
    python -m runner import data.jsonl task=qa expected=answer

It reads promptfoo's configs, exports of OpenAI's hosted evals, OpenTelemetry traces of GenAI and
exports of Langfuse, logs of litellm's proxy, journals of runs here, and rows of any data set. A
table at the end says what was not carried as it stood: where, what and why. Nothing is overwritten.

Settings:
    task=tickets        its name; left out: that of the file
    format=otel         of whose tool it is: promptfoo, evals, langfuse, litellm, journal, otel,
                        rows; left out: as it looks
    expected=answers    of records: what was answered then is expected, which nobody has judged;
                        of rows: the column that holds what is expected
    sample=100          so many of the records; seed=1 draws others; by=model keeps the shares of
                        each value of an attribute, and tags the cases with it
    personal=replace    e-mail addresses, phone numbers, keys and the like become placeholders;
                        keep: they stay. Left out: replaced in records of real requests
"""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from rich import box
from rich.table import Table

from runner.commands import _project
from runner.commands._arguments import arguments
from runner.config.schema import Strict
from runner.decide.bring.brought import Brought, BroughtTask, Left, OwnModel, together
from runner.decide.bring.read import KINDS, read
from runner.decide.bring.records import Wish
from runner.errors import ConfigError, did_you_mean
from runner.report import console
from runner.report.text import line


class _Keys(Strict):
    task: _project.TaskName | None = None
    format: str | None = None
    expected: str | None = None
    sample: int | None = Field(None, ge=1)
    seed: int = 1
    by: str | None = None
    personal: Literal["replace", "keep"] | None = None


def main(argv: Sequence[str]) -> int:
    given = arguments("import", __doc__, argv, words=1, keys=_Keys)
    settings, file = given.settings(_Keys), Path(given.words[0])
    if not file.is_file():
        beside = [str(each) for each in file.parent.glob("*") if each.is_file()]
        raise ConfigError(f"{file}: no such file{did_you_mean(str(file), beside)}")
    if settings.format not in (None, *KINDS):
        near = did_you_mean(str(settings.format), KINDS)
        raise ConfigError(f"format={settings.format}: no such format{near}")
    found = read(file, settings.format, _wish(settings))
    task = settings.task or _project.named(file.stem)
    names = ["_".join(filter(None, (task, each.suffix))) for each in found.tasks]
    for name in names:
        for there in (Path(f"conf/task/{name}.yaml"), Path(f"tasks/{name}/cases.jsonl")):
            if there.exists():
                raise ConfigError(f"{there}: is there already; say task=another")
    files: dict[str, str] = {}
    for name, each in zip(names, found.tasks, strict=True):
        files |= _task_files(name, each, found, file)
    _project.write(Path(), files | _shared_files(names, found), *names)
    _say(found, names, file)
    return 0


def _wish(settings: _Keys) -> Wish:
    return Wish(
        expected=settings.expected,
        sample=settings.sample,
        seed=settings.seed,
        by=settings.by,
        personal=None if settings.personal is None else settings.personal == "replace",
    )


def _about(name: str, found: Brought) -> dict[str, Any]:
    models = found.models or ["local"]
    return {
        **_project.NOTHING_MORE,
        "task": name,
        "models": models,
        "candidates": ",".join(models if len(models) > 1 else [*models, "haiku"]),
        "today": date.today(),
        "requirements": found.requirements,
    }


def _task_files(name: str, task: BroughtTask, found: Brought, file: Path) -> dict[str, str]:
    about = _about(name, found) | vars(task)
    about["head"] = [f"Brought from {line(file.name)} ({found.kind}).", *found.head]
    about["sampling"] = {"max_tokens": 4096} | task.sampling
    prompts = {f"{name}_{each.label}": each for each in found.prompts}
    about["prompts"] = list(prompts)
    files = {
        f"conf/task/{name}.yaml": _project.rendered("task.yaml", about),
        f"conf/requirements/{name}.yaml": _project.rendered("requirements.yaml", about),
        f"tasks/{name}/cases.jsonl": "".join(map(_project.line, task.cases)),
    }
    for option, each in prompts.items():
        own = about | {"name": option, "prompt": each.prompt, "system": each.system}
        files[f"conf/prompt/{option}.yaml"] = _project.rendered("prompt.yaml", own)
    if len(found.models) > 1 or prompts:
        files[f"conf/sweep/{name}.yaml"] = _project.rendered("sweep.yaml", about)
    return files


def _shared_files(names: Sequence[str], found: Brought) -> dict[str, str]:
    about = _about(names[0], found)
    rendered = [_project.rendered("mapping.yaml", about | {"task": name}) for name in names]
    lines = [text.splitlines(keepends=True) for text in rendered]
    files = {_project.MAPPING: "".join([lines[0][0], *(each[-1] for each in lines)])}
    for model in found.own:
        files |= _model_files(model, about)
    return files | _project.around(about | {"keys": _project.keys(found.models)})


def _model_files(model: OwnModel, about: dict[str, Any]) -> dict[str, str]:
    own = about | {
        "model": model.option,
        "id": model.id,
        "provider": model.provider,
        "unpinned": model.unpinned,
    }
    files = {f"conf/model/{model.option}.yaml": _project.rendered("model.yaml", own)}
    if model.api_base:
        at = own | {
            "models": [model.option],
            "address": model.api_base,
            "data": _project.data_at(model.api_base),
            "key_env": model.key_env,
        }
        files[f"conf/provider/{model.provider}.yaml"] = _project.rendered("provider.yaml", at)
    return files


def _say(found: Brought, names: Sequence[str], file: Path) -> None:
    for name, task in zip(names, found.tasks, strict=True):
        print(f"{name}: {len(task.cases):,} cases, scored by {', '.join(task.scorers)}")
    notes = [console.note(f"note: {each}") for each in found.notes]
    left = together(found.left)
    console.show([*notes, *([_table(left)] if left else [])])
    if not left:
        print("all of it was carried")
    sweep = len(found.models) > 1 or found.prompts
    print("next: python -m runner check")
    print(f"      python -m runner {'sweep' if sweep else 'task'}={names[0]}")


def _table(left: Sequence[Left]) -> Table:
    table = Table(box=box.SIMPLE, title="not carried as it stood", title_justify="left")
    for name in ("where", "what", "became", "why"):
        table.add_column(name, overflow="fold", no_wrap=name in ("where", "became"))
    for each in left:
        times = f" ({each.times:,} times)" if each.times > 1 else ""
        where = f"{console.near(each.file)}:{each.line}"
        table.add_row(*(line(text) for text in (where, each.what + times, each.how, each.why)))
    return table
