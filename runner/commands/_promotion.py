"""What a promotion changes: the file of a mapping, and a decision record. Nothing is written."""

import difflib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from runner.config import loading, paths, yaml_text
from runner.config.catalogue import Options, compose_config
from runner.config.overrides import put
from runner.config.redact import redact
from runner.config.schema import Job
from runner.config.terminal import clean
from runner.decide.promote import decision_record, mapping_file
from runner.decide.promote.decision_record import DecisionRecord
from runner.decide.promote.promote import Chosen, objections, promotion
from runner.errors import ConfigError
from runner.report.console import near


def objected(found: Chosen, own: Path | None) -> list[str]:
    """What speaks against a candidate. Raises ConfigError where it can't be promoted at all."""
    return objections(found, _job(found, *_options(found, own), own))


def changes(
    found: Chosen, mapping: str, own: Path | None, reason: str | None, canary: int, today: date
) -> tuple[DecisionRecord, dict[Path, str]]:
    """The record, and the texts of both files. Raises ConfigError, StorageError."""
    conf, tasks = home(own)
    record = promotion(found, mapping, reason, canary, today)
    file = conf / "mapping" / f"{mapping}.yaml"
    option, prompt = _options(found, own)
    edited = _mapping(file, mapping, record.task, option, prompt, found.overrides)
    decision = decision_record.place(tasks, record.task, mapping)
    return record, {file: edited, decision: decision_record.text(record)}


def diff(path: Path, after: str) -> str:
    """Of a file as it is and as it shall be."""
    before = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
    name = str(near(path))
    lines = difflib.unified_diff(
        (before or "").splitlines(),
        redact(after).splitlines(),
        "/dev/null" if before is None else name,
        name,
        lineterm="",
    )
    return clean("\n".join(lines))


def _options(found: Chosen, own: Path | None) -> tuple[str, str | None]:
    """The files of its model and of its prompt."""
    option = option_of("model", found.candidate.model, own)
    return option, found.prompt and option_of("prompt", found.prompt, own)


def home(own: Path | None) -> tuple[Path, Path]:
    """The conf/ and tasks/ that are the user's to change. Raises ConfigError."""
    if own is not None:
        return own, Path.cwd() / "tasks"
    conf = paths.builtin("conf")
    if conf.name != "conf":
        raise ConfigError("say --config-dir; the installed conf/ is not yours to change")
    return conf, paths.builtin("tasks")


def option_of(group: str, name: str, own: Path | None) -> str:
    """The file of a group that a measured model or prompt came from, by its name or as an option.

    Raises ConfigError.
    """
    folders = [folder for folder in (own, paths.builtin("conf")) if folder]
    known = Options(folders).files.get(group, {})
    found = [option for option in known if name in (option, option.replace("/", "-"))]
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
