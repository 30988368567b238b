"""Write a sweep's winner into a mapping, with a decision record, as a diff to commit.

    python -m runner promote outputs/sweeps/<sweep> candidate=haiku
    python -m runner promote outputs/sweeps/<sweep> candidate=haiku mapping=mine --config-dir conf
    python -m runner promote outputs/sweeps/<sweep> candidate="gpt-6-luna effort=high"

What the sweep has set besides the model (effort, prompt, …) goes into the mapping with it.

Settings:
    mapping=default         the file of conf/mapping/ to change
    task=extraction         where the sweep has several
    canary=10               so many cases with their answers go on record, for `drift` to ask again
    unproven=true reason="…"    promote what is not proven, and say why on the record
"""

import difflib
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import Field

from runner.commands._arguments import arguments
from runner.config import loading, paths, yaml_text
from runner.config.catalogue import Options, compose_config
from runner.config.overrides import put
from runner.config.redact import redact
from runner.config.schema import Job, Name, Strict
from runner.config.terminal import clean
from runner.decide.configuration import arguments as arguments_of
from runner.decide.promote import decision_record, mapping_file
from runner.decide.promote.promote import Chosen, chosen, objections
from runner.decide.promote.promote import promotion as promoted
from runner.errors import ConfigError
from runner.record.files import write_text
from runner.report.console import near


class PromoteSettings(Strict):
    candidate: str
    mapping: str = Field("default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9_-]+)*$")
    task: Name | None = None
    canary: int = Field(10, ge=1)
    unproven: bool = False
    reason: str | None = Field(None, min_length=1)


def main(argv: Sequence[str], today: date | None = None) -> int:
    given = arguments("promote", __doc__, argv, words=1, keys=PromoteSettings)
    [named], settings = given.words, given.settings(PromoteSettings)
    if re.fullmatch(r"[\w.-]+(,[\w.-]+)+", settings.candidate):
        raise ConfigError(f"candidate={settings.candidate}: one candidate at a time is promoted")
    if settings.unproven != (settings.reason is not None):
        raise ConfigError('unproven: goes with a reason: unproven=true reason="…"')
    own = given.own
    conf, tasks = _home(own)
    found = chosen(Path(named), settings.candidate, settings.task)
    option = _option("model", found.candidate.model, own)
    prompt = found.prompt and _option("prompt", found.prompt, own)
    _decide(found, settings, _job(found, option, prompt, own))
    record = promoted(
        found, settings.mapping, settings.reason, settings.canary, today or date.today()
    )
    file = conf / "mapping" / f"{settings.mapping}.yaml"
    decision = decision_record.place(tasks, record.task, record.mapping)
    changes = {
        file: _mapping(file, settings.mapping, record.task, option, prompt, found.overrides),
        decision: decision_record.text(record),
    }
    for path, text in changes.items():
        before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
        write_text(path, text)
        _print_diff(path, before, text)
    if found.not_kept:
        kept = " ".join(arguments_of(found.not_kept))
        print(f"A mapping does not keep {kept}: say it where it is to hold.")
    drift = f"task={record.task} mapping={record.mapping}"
    if given.config_dir:
        drift += f" --config-dir {given.config_dir}"
    print(
        f"Commit these two files; review by {record.review_by} ({record.review_because}).\n"
        f"Does it still hold? python -m runner drift {drift}"
    )
    return 0


def _home(own: Path | None) -> tuple[Path, Path]:
    """The conf/ and tasks/ that are the user's to change. Raises ConfigError."""
    if own is not None:
        return own, Path.cwd() / "tasks"
    conf = paths.builtin("conf")
    if conf.name != "conf":
        raise ConfigError("promote: say --config-dir; the installed conf/ is not yours to change")
    return conf, paths.builtin("tasks")


def _option(group: str, name: str, own: Path | None) -> str:
    """The file of a group that a measured model or prompt came from. Raises ConfigError."""
    folders = [folder for folder in (own, paths.builtin("conf")) if folder]
    known = Options(folders).files.get(group, {})
    found = [option for option in known if option.replace("/", "-") == name]
    if not found:
        raise ConfigError(f"candidate: no file of conf/{group}/ is called {name}")
    return found[0]


def _job(found: Chosen, option: str, prompt: str | None, own: Path | None) -> Job:
    """What the mapping will make, with the requirements that the sweep had."""
    task = found.candidate.task
    wanted = [f"task={task}", f"model={option}", "requirements=base"]
    wanted += [f"prompt={prompt}"] if prompt else []
    config = loading.plain(compose_config("config", wanted, own))
    for key, value in found.overrides.items():
        put(config, key, value)
    return loading.validate(config)


def _decide(found: Chosen, settings: PromoteSettings, now: Job) -> None:
    """Raises ConfigError where something speaks against it that nobody overrules."""
    against = objections(found, now)
    if against and not settings.unproven:
        raise ConfigError(
            *(f"candidate: {objection}" for objection in against),
            'to promote it all the same, say unproven=true reason="…"',
        )
    if settings.unproven and not against:
        raise ConfigError("unproven: nothing speaks against it; leave unproven and reason out")


def _mapping(
    file: Path,
    name: str,
    task: str,
    option: str,
    prompt: str | None,
    settings: Mapping[str, Any],
) -> str:
    """The mapping as it shall be; what it leaves out, ours of the same name has."""
    if not file.exists():
        return mapping_file.new(name, task, option, prompt, settings)
    yaml_text.load(file)  # what is no YAML can't be edited as a person would
    text = file.read_text(encoding="utf-8")
    return mapping_file.switched(text, task, option, file, prompt, settings)


def _print_diff(path: Path, before: str | None, after: str) -> None:
    name = str(near(path))
    lines = difflib.unified_diff(
        (before or "").splitlines(),
        redact(after).splitlines(),
        "/dev/null" if before is None else name,
        name,
        lineterm="",
    )
    print(clean("\n".join(lines)))
