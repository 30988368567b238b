"""What a file of conf/ may leave out, put in before Hydra composes it.

A file names only what is its own. Below it lies the file of conf/base/ that holds every key of its
kind, so that an override finds a key that the file does not name; where a model, a provider or a
prompt belongs, its name stands for its file (`provider: openai`); and a file is called by its name.
"""

import re
from collections.abc import Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

# Where in a file of a group the name of an option may stand for its file, and of which group.
_NAMES = {
    "model": {"provider": "provider", "classifier": "model", "arms.*": "model"},
    "task": {"scorers.*.model": "model"},
    "fallback": {"chain.*": "model"},
    "mapping": {"*": "model", "overrides.*.prompt": "prompt"},
}
_BASES = {
    "provider": "/base/provider@_here_",
    "task": "/base/task@_here_",
    "requirements": "base",
}
_PACKAGES = {"prompt": "task", "sweep": "_global_", "experiment": "_global_"}
_NAMED = {"prompt": "prompt_name"} | dict.fromkeys(
    ("model", "provider", "task", "requirements", "retry", "fallback", "tools"), "name"
)


def complete(group: str, option: str, config: DictConfig, header: dict[str, Any]) -> None:
    """Add to the file of an option what it leaves out: its place, its name and its defaults."""
    if group in _PACKAGES:
        header["package"] = header.get("package") or _PACKAGES[group]
    if (key := _NAMED.get(group)) and key not in config:
        config[key] = option.replace("/", "-")
    tree = OmegaConf.to_container(config, resolve=False) if group in _NAMES else {}
    named = [
        {f"/{kind}@{'.'.join(path)}": _taken(config, path)}
        for pattern, kind in _NAMES.get(group, {}).items()
        for path in _texts(tree, pattern.split("."))
    ]
    entries = list(config.get("defaults") or [])
    base = [] if any(_is_base(each) for each in entries) else _base(group, option, config)
    if base or named:
        at = entries.index("_self_") if "_self_" in entries else len(entries)
        config.defaults = [*base, *entries[:at], *named, *(entries[at:] or ["_self_"])]


def extend(mapping: DictConfig, below: DictConfig) -> None:
    """Let a mapping have the tasks that it does not name from another one, unless it starts so."""
    entries = list(mapping.get("defaults") or [])
    if any(_is_base(each) for each in entries):
        return
    named = {str(key).lstrip("/") for each in entries if not isinstance(each, str) for key in each}
    more = [e for e in below.defaults if e != "_self_" and next(iter(e)).lstrip("/") not in named]
    mapping.defaults = [*more, *(entries or ["_self_"])]


def narrow(mapping: DictConfig, task: str) -> None:
    """Leave out of a mapping the models and prompts of all other tasks."""
    if "defaults" in mapping:
        mapping.defaults = [
            entry
            for entry in mapping.defaults
            if isinstance(entry, str) or _is_of(task, str(next(iter(entry))))
        ]


def _is_of(task: str, key: str) -> bool:
    """Whether `/model@extraction` or `/prompt@overrides.extraction.prompt` is of a task."""
    found = re.fullmatch(
        r"/(?:model@(?P<model>[\w-]+)|prompt@overrides\.(?P<prompt>[\w-]+)\..*)", key
    )
    return found is None or task in found.groups()


def _base(group: str, option: str, config: DictConfig) -> list[str]:
    if group == "model":
        kind = config.get("kind", "single")
        return [f"/base/{'model' if kind == 'single' else kind}@_here_"]
    name = _BASES.get(group)
    return [name] if name and name != option else []


def _is_base(entry: Any) -> bool:
    """Whether a file starts from another one: /base/model@_here_, base, /model/haiku@_here_."""
    name = str(entry if isinstance(entry, str) else next(iter(entry)))
    return name.endswith("@_here_") or (name != "_self_" and entry == name and name[:1] != "/")


def _texts(tree: Any, pattern: list[str]) -> Iterator[tuple[str, ...]]:
    """The keys of a pattern at which a name stands."""
    first, *rest = pattern
    for key, value in tree.items() if isinstance(tree, dict) else ():
        if first not in ("*", key) or key == "defaults":
            continue
        if rest:
            yield from ((str(key), *below) for below in _texts(value, rest))
        elif isinstance(value, str) and "${" not in value and value != "???":
            yield (str(key),)


def _taken(config: DictConfig, path: tuple[str, ...]) -> str:
    *parents, last = path
    for parent in parents:
        config = config[parent]
    return str(config.pop(last))
