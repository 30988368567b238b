"""Where `conf/` and `tasks/` are: the user's own first, then those that came with the program."""

import json
import os
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from runner.errors import ConfigError, did_you_mean

_PACKAGE = Path(__file__).parent.parent
_ABSOLUTE = re.compile(r"(?<![^=\[,'\"])/[^,\[\]'\"]+")  # in an argument


def builtin(name: str) -> Path:
    """`conf` or `tasks` as shipped: inside the wheel, or at the top of a clone."""
    in_wheel = _PACKAGE / f"_{name}"
    return in_wheel if in_wheel.is_dir() else _PACKAGE.parent / name


def config_dir(path: str | None) -> Path | None:
    """A user's own conf/, absolute: `--config-dir`, RUNNER_CONFIG_DIR, or a ./conf of our layout.

    Raises ConfigError when there is no such directory.
    """
    at = "--config-dir"
    if path is None:
        at, path = "RUNNER_CONFIG_DIR", os.environ.get("RUNNER_CONFIG_DIR") or None
    if path is None:
        return _conf_here()
    directory = Path(path).expanduser().absolute()
    if not directory.is_dir():
        near = [str(p) for p in Path(path).parent.glob("*/") if p.is_dir()]
        raise ConfigError(f"{at}: no directory '{path}'{did_you_mean(path, near)}")
    return directory


def _conf_here() -> Path | None:
    """Other programs have a ./conf, too: ours has a folder that is called as one of ours."""
    here, ours = Path.cwd() / "conf", builtin("conf")
    groups = (folder.name for folder in ours.glob("*/"))
    known = any((here / group).is_dir() for group in groups if group not in ("base", "hydra"))
    return here if known and here.resolve() != ours.resolve() else None


def cache_dir() -> Path:
    """Of weights and what was compiled: `RUNNER_CACHE`, else `llm-runner` in the user's cache."""
    if chosen := os.environ.get("RUNNER_CACHE"):
        return Path(chosen).expanduser()
    user_cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(user_cache).expanduser() / "llm-runner"


def tasks_dirs() -> list[Path]:
    return [Path.cwd() / "tasks", builtin("tasks")]


def cases_file(cases: str) -> Path:
    """The file that `task.cases` names: under a tasks directory, or a path of its own.

    Raises ConfigError naming where it was looked for.
    """
    folders = [*tasks_dirs(), Path.cwd()]
    for folder in folders:
        if (folder / cases).is_file():
            return folder / cases
    near = [str(path.relative_to(f)) for f in folders[:2] for path in f.glob("*/*.jsonl")]
    places = ", ".join(str(folder) for folder in dict.fromkeys(folders))
    raise ConfigError(f"task.cases: no file '{cases}' in {places}{did_you_mean(cases, near)}")


def shipped(path: Path) -> bool:
    """Whether it came with the program and is none of the user's."""
    return path.is_relative_to(_PACKAGE.parent) and not path.is_relative_to(Path.cwd())


def shown(path: Path) -> str:
    """A path for others to read: none of it says where on this machine it is."""
    below = {Path.cwd(): "", Path.home(): "~/", _PACKAGE.parent: ""}
    if not path.is_absolute():
        return str(path)
    for directory, short in below.items():
        if path.is_relative_to(directory):
            return f"{short}{path.relative_to(directory)}"
    return f"…/{path.name}"


def shown_argument(argument: str) -> str:
    """What was typed, with its paths as others may read them."""
    return _ABSOLUTE.sub(lambda found: shown(Path(found[0])), shared(argument))


def shared(document: str) -> str:
    """A document for others, in which the working directory and the home have no name."""
    for directory, short in ((Path.cwd(), ""), (Path.home(), "~/")):
        place = str(directory)
        for each in {place, escape(place), json.dumps(place)[1:-1]}:
            if each not in document:  # which a search for words alone says at once
                continue
            below = rf"(?<![\w.-]){re.escape(each)}/(?=\w|\.|~)"
            document = re.sub(below, short, document)
            if len(directory.parts) > 2:  # /app and /root may be words of an answer
                itself = rf"(?<![\w.-]){re.escape(each)}(?![\w-])"
                document = re.sub(itself, short.rstrip("/") or ".", document)
    return document


def options(directories: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """`{group: {option: file}}` of config directories, the first one's files before the others'.

    The group "" holds the configs that commands start from.
    """
    found: dict[str, dict[str, Path]] = {}
    for directory in directories:
        for file in sorted(filter(Path.is_file, directory.rglob("*.yaml"))):
            parts = file.relative_to(directory).with_suffix("").parts
            group = parts[0] if len(parts) > 1 else ""
            if group not in ("base", "hydra"):
                found.setdefault(group, {}).setdefault("/".join(parts[1:] or parts), file)
    return found


def is_group(name: str, user_config_dir: Path | None) -> bool:
    """Whether `name=…` picks a file of conf/; `name` may carry a package (`model@classifier`)."""
    group = name.lstrip("+~").partition("@")[0]
    return any((folder / group).is_dir() for folder in (user_config_dir, builtin("conf")) if folder)
