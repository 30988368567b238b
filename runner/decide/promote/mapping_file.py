"""A file of conf/mapping/, edited as a person would: one line changes, comments stay."""

import re
from pathlib import Path

import yaml

from runner.errors import ConfigError

_ITEM = re.compile(r"^(\s*)-\s+\S.*$", re.MULTILINE)


def switched(text: str, task: str, model: str, where: Path) -> str:
    """The text of a mapping in which `model` answers `task`.

    Raises ConfigError for a file that is not written as a list, a line each.
    """
    line = re.compile(rf"^(\s*-\s+/?model@{re.escape(task)}\s*:\s*)([^\s#]+)", re.MULTILINE)
    edited, count = line.subn(lambda match: match[1] + model, text)
    if not count:
        edited = _appended(text, f"/model@{task}: {model}")
    if _models(edited, task) != [model]:
        raise ConfigError(
            f"{where}: write its defaults as a list, a line each: `- /model@{task}: {model}`"
        )
    return edited


def new(mapping: str, task: str, model: str) -> str:
    command = f"# python -m runner mapping={mapping} task={task}"
    return f"{command}      which model answers which task\ndefaults:\n  - /model@{task}: {model}\n"


def _appended(text: str, entry: str) -> str:
    items = list(_ITEM.finditer(text))
    if not items:
        return text
    last = items[-1]
    return f"{text[: last.end()]}\n{last[1]}- {entry}{text[last.end() :]}"


def _models(text: str, task: str) -> list[str]:
    """What the defaults list says of a task."""
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return []
    entries = tree.get("defaults") if isinstance(tree, dict) else None
    return [
        str(option)
        for entry in entries or []
        if isinstance(entry, dict)
        for key, option in entry.items()
        if key.lstrip("/") == f"model@{task}"
    ]
