"""Hydra's side of the door: arguments go in, composed configs come out, errors become one line."""

import os
import re
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.override_parser.types import Quote, QuotedString
from hydra.core.utils import setup_globals
from hydra.errors import HydraException, MissingConfigException
from hydra.types import TaskFunction
from hydra.version import setbase
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config import paths
from runner.config.door import unknown_key
from runner.config.redact import key_in
from runner.config.schema import Job
from runner.errors import ConfigError, did_you_mean

# Hydra looks for plugins once in a process, whoever asks first.
sys.path.append(str(Path(__file__).parent.parent / "commands" / "_plugins"))

REASONS = (HydraException, OmegaConfBaseException, yaml.MarkedYAMLError)  # why composing fails

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


def one(arguments: Namespace, command: str, kind: type[BaseModel], why: str) -> DictConfig | None:
    """The config of a command that takes one decision, `why` it refuses a sweep.

    None where Hydra printed what was asked for (--cfg, --info). Raises ConfigError.
    """
    keys = {override.partition("=")[0].lstrip("+") for override in arguments.overrides}
    if arguments.multirun or {"sweep", "hydra.mode"} & keys:
        raise ConfigError(f"{command}: {why}; leave the sweep out")
    composed: list[DictConfig] = []
    run(arguments, composed.append, command, kind)
    return composed[0] if composed else None


def explained(error: Exception, kind: type[BaseModel] = Job) -> ConfigError:
    """One of REASONS in a line; `kind` knows the keys that there are."""
    if isinstance(error, yaml.MarkedYAMLError):
        return ConfigError(_malformed(error))
    if isinstance(error, MissingConfigException):
        return ConfigError(_no_option(error))
    return ConfigError(_explain(error, kind))


def literal(key: str, value: str) -> str:
    """An override that sets a key to any text, whatever it means to Hydra."""
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # no interpolation, but these very signs
    return f"{key}={QuotedString(text, Quote.single).with_quotes()}"


def refuse(override: str, own: Path | None) -> None:
    """Raises ConfigError for what Hydra would take, and write down, but must not."""
    key, _, value = override.partition("=")
    if name := key_in(override):
        raise ConfigError(
            f"{key}: holds the value of {name}; a key belongs in the environment only"
        )
    if "/" in value and ".." in value.split("/") and paths.is_group(key, own):
        raise ConfigError(f"{override}: an option is the name of a file in conf/{key}/")


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
