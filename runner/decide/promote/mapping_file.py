"""A file of conf/mapping/, edited as a person would: a line or two change, comments stay."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from runner.config.overrides import KEY
from runner.errors import ConfigError

_BLOCK = re.compile(rf"^{KEY}:[ \t]*(?:#.*)?\n((?:[ \t]+\S.*(?:\n|\Z)|[ \t]*\n)*)", re.MULTILINE)
_ITEM = re.compile(r"^(\s*)-\s+\S.*$", re.MULTILINE)


def switched(
    text: str,
    task: str,
    model: str,
    where: Path,
    prompt: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> str:
    """The text of a mapping in which `model` answers `task`, asked as `prompt` and `settings` say.

    What an earlier candidate had set for the task is gone. Raises ConfigError for a file that is
    not written a line each.
    """
    settings = dict(settings or {})
    wanted = {f"model@{task}": model, f"prompt@{KEY}.{task}.prompt": prompt}
    edited = text
    if short := _is_short(text):
        edited = _line(text, task, model)
        settings = ({"prompt": prompt} if prompt else {}) | settings
    for key, option in () if short else wanted.items():
        edited = _entry(edited, key, option)
    edited = _set(edited, task, settings)
    for key, option in () if short else wanted.items():
        if _entries(edited, key) != ([option] if option else []):
            raise ConfigError(
                f"{where}: write its defaults as a list, a line each: `- /{key}: {option}`"
            )
    if short and _tree(edited).get(task) != model:
        raise ConfigError(f"{where}: write its tasks as a mapping, a line each: `{task}: {model}`")
    if _settings(edited, task) != settings:
        line = f"{task}: {_flow(settings)}"
        raise ConfigError(f"{where}: write its {KEY} as a mapping, a line a task: `{line}`")
    return edited


def new(
    mapping: str,
    task: str,
    model: str,
    prompt: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> str:
    command = f"# python -m runner mapping={mapping} task={task}"
    text = f"{command}      which model answers which task\n"
    return switched(text, task, model, Path(mapping), prompt, settings)


def _is_short(text: str) -> bool:
    """`task: model`, line by line, and no defaults list."""
    tree = _tree(text)
    tasks = {key: value for key, value in tree.items() if key != KEY}
    return "defaults" not in tree and all(isinstance(each, str) for each in tasks.values())


def _line(text: str, task: str, model: str) -> str:
    line = rf"^({re.escape(task)}\s*:\s*)([^\s#]+)"
    edited, count = re.subn(line, lambda match: match[1] + model, text, flags=re.MULTILINE)
    if count:
        return edited
    block = _BLOCK.search(text)
    at = block.start() if block else len(text)
    before = text[:at].removesuffix("\n") + "\n" if text[:at] else ""
    return f"{before}{task}: {model}\n{text[at:]}"


def _entry(text: str, key: str, option: str | None) -> str:
    """With this option of a group in the defaults list, or without any."""
    item = rf"^(\s*-\s+/?{re.escape(key)}\s*:\s*)([^\s#]+)"
    if option is None:
        return re.sub(rf"{item}.*(?:\n|\Z)", "", text, flags=re.MULTILINE)
    edited, count = re.subn(item, lambda match: match[1] + option, text, flags=re.MULTILINE)
    return edited if count else _appended(text, f"/{key}: {option}")


def _appended(text: str, entry: str) -> str:
    items = list(_ITEM.finditer(text))
    if not items:
        return text
    last = items[-1]
    return f"{text[: last.end()]}\n{last[1]}- {entry}{text[last.end() :]}"


def _set(text: str, task: str, settings: Mapping[str, Any]) -> str:
    """With one line for the task among the overrides, or with none."""
    line = f"  {task}: {_flow(settings)}\n" if settings else ""
    block = _BLOCK.search(text)
    if block is None and KEY in _tree(text):
        return text  # it is written otherwise, and maybe as it has to be
    if block is None:
        return text.removesuffix("\n") + f"\n{KEY}:\n{line}" if line else text
    own = re.compile(rf"^[ \t]+{re.escape(task)}\s*:.*(?:\n|\Z)", re.MULTILINE)
    kept = own.sub("", block[0]).removesuffix("\n") + "\n" + line
    if not _tree(kept).get(KEY):
        kept = ""
    return text[: block.start()] + kept + text[block.end() :]


def _flow(settings: Mapping[str, Any]) -> str:
    written: str = yaml.safe_dump(
        dict(settings), default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True
    )
    return written.strip()


def _settings(text: str, task: str) -> dict[str, Any]:
    tree = _tree(text).get(KEY)
    return dict((tree or {}).get(task) or {}) if isinstance(tree, dict | None) else {"": tree}


def _entries(text: str, key: str) -> list[str]:
    """What the defaults list says of a group."""
    return [
        str(option)
        for entry in _tree(text).get("defaults") or []
        if isinstance(entry, dict)
        for group, option in entry.items()
        if group.lstrip("/") == key
    ]


def _tree(text: str) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return tree if isinstance(tree, dict) else {}
