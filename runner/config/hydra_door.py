"""Hydra's side of the door: arguments go in, composed configs come out, errors become one line."""

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, Quote, QuotedString
from hydra.core.utils import setup_globals
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.config_source import ConfigResult
from hydra.types import TaskFunction
from hydra.version import setbase
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config import paths
from runner.config.door import unknown_key
from runner.config.redact import key_in
from runner.config.schema import Job
from runner.errors import ConfigError, did_you_mean

# Hydra looks for plugins once in a process, whoever asks first.
sys.path.append(str(Path(__file__).parent.parent / "commands" / "_plugins"))

# Why composing fails; the last one is a file that names itself among its defaults.
REASONS = (HydraException, OmegaConfBaseException, yaml.MarkedYAMLError, RecursionError)


class _Own(FileConfigSource):  # type: ignore[misc]  # Hydra is untyped
    """A user's own conf/. Its config.yaml may start from ours: `defaults: [/config, _self_]`."""

    @staticmethod
    def scheme() -> str:
        return "own"

    def load_config(self, config_path: str) -> ConfigResult:
        found = super().load_config(config_path)
        name = config_path.removesuffix(".yaml")
        entries = found.config.get("defaults") if "/" not in name else None
        for n, entry in enumerate(entries or []):
            if isinstance(entry, str) and entry.removeprefix("/") == name:
                found.config.defaults[n] = f"/{_SHIPPED}{name}"
        return found


class _Shipped(FileConfigSource):  # type: ignore[misc]  # Hydra is untyped
    """Our conf/ under other names, for those who hide a file of ours behind one of their own."""

    @staticmethod
    def scheme() -> str:
        return "shipped"

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(config_path.removeprefix(_SHIPPED))

    def is_config(self, config_path: str) -> bool:
        name = config_path.removeprefix(_SHIPPED)
        return name != config_path and bool(super().is_config(name))

    def is_group(self, config_path: str) -> bool:
        return False


_SHIPPED = "shipped_"
SourcesRegistry.instance().register(_Own)
SourcesRegistry.instance().register(_Shipped)


def put_first(search_path: ConfigSearchPath, own: Path) -> None:
    """Let the options in a directory come before ours, and replace them."""
    search_path.prepend("shipped", f"shipped://{paths.builtin('conf')}")
    search_path.prepend("own", f"own://{own}")


# Set from --config-dir; our search path plugin puts it before conf/.
user_config_dir: Path | None = None


def parse(argv: Sequence[str]) -> Namespace:
    """Hydra's own arguments; flags may stand anywhere among the overrides."""
    arguments: Namespace = get_args_parser().parse_intermixed_args(list(argv))
    return arguments


def run(
    arguments: Namespace, task: TaskFunction, config_name: str, kind: type[BaseModel] = Job
) -> None:
    """Compose and run, once or as a sweep, what is to be a `kind`. Raises ConfigError."""
    global user_config_dir
    user_config_dir = paths.config_dir(arguments.config_dir)
    arguments.config_dir = None
    for override in arguments.overrides:
        refuse(override, user_config_dir)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise to us instead of printing and exiting
    setbase("1.3")
    setup_globals()
    try:
        _run_hydra(arguments, get_args_parser(), task, str(paths.builtin("conf")), config_name)
    except REASONS as error:
        raise explained(error, kind) from None


def explained(error: Exception, kind: type[BaseModel] = Job) -> ConfigError:
    """One of REASONS in a line; `kind` knows the keys that there are."""
    if isinstance(error, yaml.MarkedYAMLError):
        return ConfigError(_malformed(error))
    if isinstance(error, RecursionError):
        return ConfigError("conf: the defaults of a file lead back to that file")
    if isinstance(error, MissingConfigException):
        return ConfigError(_no_option(error))
    return ConfigError(_explain(error, kind))


def literal(key: str, value: str) -> str:
    """An override that sets a key to any text, whatever it means to Hydra."""
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # no interpolation, but these very signs
    return f"{key}={QuotedString(text, Quote.single).with_quotes()}"


def refuse(override: str, own: Path | None, *, as_text: bool = False) -> None:
    """Raises ConfigError for what Hydra would take, and write down, but must not.

    `as_text`: its value goes to no grammar, but is taken as it stands.
    """
    key, equals, value = override.partition("=")
    if not key.strip("+~@ ") or not (equals or override.startswith("~")):
        raise ConfigError(f"{override}: is no override; write key=value")
    if name := key_in(override):
        raise ConfigError(
            f"{key}: holds the value of {name}; a key belongs in the environment only"
        )
    if as_text:
        return
    if "/" in value and ".." in value.split("/") and paths.is_group(key, own):
        raise ConfigError(f"{override}: an option is the name of a file in conf/{key}/")
    parsed = _readable(override, key, value).value()
    choices = parsed.list if isinstance(parsed, ChoiceSweep) else [parsed]
    if equals and None in choices and paths.is_group(key, own):
        group = key.lstrip("+").partition("@")[0]
        raise ConfigError(f"{override}: null is no file of conf/{group}/; leave it out")


def _readable(override: str, key: str, value: str) -> Override:
    """Raises ConfigError for what Hydra's grammar can't read, with the way to quote it."""
    try:
        parsed: Override = OverridesParser.create().parse_override(override)
        return parsed
    except HydraException:
        quoted = shlex.quote(literal(key, value))
        plain = re.fullmatch(r"[+~]{0,2}[\w@./:-]+", key, re.ASCII)
        how = f"if it is one text, write {quoted}" if plain else "a key is words joined by dots"
        raise ConfigError(f"{override}: can't be read; {how}") from None


def _no_option(error: MissingConfigException) -> str:
    missing = str(error.missing_cfg_file or "")
    group, _, option = missing.rpartition("/")
    options = [str(o) for o in error.options or ()]
    if not group:
        return f"no config '{missing}'"
    near = did_you_mean(option, options)
    if group == "requirements":
        near += f"; or say requirements=base to run {option} without thresholds of its own"
    return f"{group}={option}: no such option{near}"


def _explain(error: Exception, kind: type[BaseModel]) -> str:
    """The line that says most; Hydra puts its own around the one with the reason."""
    text, cause = str(error), error.__cause__ or error
    if match := re.search(r"Could not override '([^']+)'", text):
        key = max(getattr(cause, "full_key", None) or "", match[1], key=len)
        # A key that exists is unknown only as long as no model is chosen.
        return unknown_key(key, kind) or (
            f"{key}: name the model first, model=… {key}=…; in a sweep, write ++{key}=…"
        )
    if match := re.search(r"Ambiguous value for argument '([^']+)'", text):
        return f"{match[1]}: several values are a sweep: put -m before it; quote what is one text"
    lines = [line.strip() for line in [*text.splitlines(), *str(cause).splitlines()]]
    return " ".join(dict.fromkeys(line for line in lines if line and "full_key" not in line))[:400]


def _malformed(error: yaml.MarkedYAMLError) -> str:
    mark: Any = error.problem_mark
    where = f"{mark.name}:{mark.line + 1}: " if mark else ""
    return f"{where}is not YAML: {error.problem or error.context}"
