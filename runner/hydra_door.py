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
from hydra.core.utils import setup_globals
from hydra.errors import HydraException, MissingConfigException
from hydra.types import TaskFunction
from hydra.version import setbase
from omegaconf.errors import OmegaConfBaseException

from runner import paths
from runner.cli import config_dir
from runner.config import unknown_key
from runner.errors import ConfigError, did_you_mean

_PLUGINS = Path(__file__).parent / "_plugins"

# Set from --config-dir; our search path plugin puts it before conf/.
user_config_dir: Path | None = None


def parse(argv: Sequence[str]) -> Namespace:
    """Hydra's own arguments; flags may stand anywhere among the overrides."""
    arguments: Namespace = get_args_parser().parse_intermixed_args(list(argv))
    return arguments


def run(arguments: Namespace, task: TaskFunction, config_name: str) -> None:
    """Compose and run, once or as a sweep. Raises ConfigError."""
    global user_config_dir
    user_config_dir = config_dir(arguments.config_dir)
    arguments.config_dir = None
    if str(_PLUGINS) not in sys.path:
        sys.path.append(str(_PLUGINS))
    for override in arguments.overrides:
        _refuse_escape(override)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise to us instead of printing and exiting
    setbase("1.3")
    setup_globals()
    try:
        _run_hydra(arguments, get_args_parser(), task, str(paths.builtin("conf")), config_name)
    except MissingConfigException as error:
        raise ConfigError(_no_option(error)) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise ConfigError(_explain(error)) from None
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_malformed(error)) from None


def _refuse_escape(override: str) -> None:
    key, _, value = override.partition("=")
    if "/" in value and ".." in value.split("/") and paths.is_group(key, user_config_dir):
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


def _explain(error: Exception) -> str:
    """The line that says most; Hydra puts its own around the one with the reason."""
    text, cause = str(error), error.__cause__ or error
    if match := re.search(r"Could not override '([^']+)'", text):
        key = max(getattr(cause, "full_key", None) or "", match[1], key=len)
        # A key that exists is unknown only as long as no model is chosen.
        return unknown_key(key) or (
            f"{key}: name the model first, model=… {key}=…; in a sweep, write ++{key}=…"
        )
    lines = [line.strip() for line in [*text.splitlines(), *str(cause).splitlines()]]
    return " ".join(dict.fromkeys(line for line in lines if line and "full_key" not in line))[:400]


def _malformed(error: yaml.MarkedYAMLError) -> str:
    mark: Any = error.problem_mark
    where = f"{mark.name}:{mark.line + 1}: " if mark else ""
    return f"{where}is not YAML: {error.problem or error.context}"
