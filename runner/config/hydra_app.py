"""Hydra's application: arguments go in, composed configs come out, errors become one line."""

import os
import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import TaskFunction
from hydra.version import setbase
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config import paths
from runner.config.composing import REASONS, explained
from runner.config.redact import key_in
from runner.config.schema import Job
from runner.config.validation import DEEPEST, list_above
from runner.errors import ConfigError, did_you_mean

# The folder of our plugins; Hydra looks for them once in a process, whoever asks first.
sys.path.append(str(Path(__file__).parent.parent / "commands" / "_plugins"))

# Set from --config-dir; our search path plugin puts it before conf/.
user_config_dir: Path | None = None


# Of Hydra's flags, those that mean something here.
_FLAGS = {"help", "version", "cfg", "multirun", "config_dir", "info", "shell_completion"}


def parse(argv: Sequence[str]) -> Namespace:
    """Hydra's own arguments; flags may stand anywhere among the overrides. Raises ConfigError."""
    options = get_args_parser()
    options.error = _refuse
    found: Namespace
    found, strange = options.parse_known_intermixed_args(list(argv))
    known = [action for action in options._actions if action.dest in _FLAGS]
    flags = [flag for action in known for flag in action.option_strings if flag[:2] == "--"]
    for action in options._actions:
        if action.option_strings and action not in known and getattr(found, action.dest):
            strange.append(action.option_strings[0])
    if strange:
        raise ConfigError(f"{strange[0]}: no such flag{did_you_mean(strange[0], flags)}")
    if sum((found.multirun, found.cfg is not None, found.info is not None)) > 1:
        raise ConfigError("-m, --cfg, --info: take one of them")
    return found


def _refuse(message: str) -> None:
    raise ConfigError(f"{message.removeprefix('argument ')}; see python -m runner --help")


def run(
    arguments: Namespace, task: TaskFunction, config_name: str, kind: type[BaseModel] = Job
) -> None:
    """Compose and run, once or as a sweep, what is to be a `kind`. Raises ConfigError."""
    global user_config_dir
    own = paths.config_dir(arguments.config_dir)
    arguments.config_dir = None
    for override in arguments.overrides:
        refuse(override, own)
        check(override, own, kind)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise to us instead of printing and exiting
    setbase("1.3")
    setup_globals()
    user_config_dir = own
    try:
        _run_hydra(arguments, get_args_parser(), task, str(paths.builtin("conf")), config_name)
    except REASONS as error:
        raise explained(error, kind, sweeps=True) from None
    finally:
        user_config_dir = None  # of this command alone


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
    _readable(override, key, value)


def _readable(override: str, key: str, value: str) -> None:
    """Raises ConfigError for what Hydra's grammar can't read, with the way to quote it."""
    try:
        if value.count("[") + value.count("{") > 10 * DEEPEST:
            raise RecursionError  # before the parser has gone that far
        found = OverridesParser.create().parse_override(override)
        if "${" in value:
            OmegaConf.create({"value": found.value()})
        return
    except (HydraException, OmegaConfBaseException):
        pass
    except (ValueError, RecursionError):  # digits, or brackets, by the thousand
        raise ConfigError(f"{key}: can't be read: it is too long a number, or nested") from None
    if key.endswith("+"):
        how = f"a list is given whole: {key.rstrip('+')}=[…]"
    elif _is_key(key):
        how = f"if it is one text, write {shlex.quote(literal(key, value))}"
    else:
        how = "a key is words joined by dots"
    raise ConfigError(f"{override}: can't be read; {how}")


def _is_key(text: str) -> bool:
    try:
        OverridesParser.create().parse_override(f"{text}=x")
    except (HydraException, ValueError, RecursionError):
        return False
    return bool(re.fullmatch(r"[+~]{0,2}[\w@./:-]+", text, re.ASCII))


def check(override: str, own: Path | None, kind: type[BaseModel]) -> None:
    """Raises ConfigError for what Hydra would trip over: no choice of a group, a part of a list."""
    found = OverridesParser.create().parse_override(override)
    group = found.key_or_group
    if whole := list_above(kind, group):
        raise ConfigError(f"{override}: a list is given whole: {whole}=[…]")
    if group in ("", "hydra") or not paths.is_group(group, own):
        return
    if found.is_delete():
        raise ConfigError(f"{override}: a choice can't be taken away; write {group}=<option>")
    value = found.value()
    for option in value.list if isinstance(value, ChoiceSweep) else [value]:
        if isinstance(option, dict):
            continue  # keys below it
        if found.is_force_add():
            raise ConfigError(f"{override}: an option has no ++; write {override.lstrip('+')}")
        if isinstance(option, list):
            raise ConfigError(f"{override}: takes one option, no list")
        if not found.is_sweep_override() or isinstance(value, ChoiceSweep):
            _option(override, group, option, own)


def _option(override: str, group: str, option: object, own: Path | None) -> None:
    text = option.text if isinstance(option, QuotedString) else option
    reference = re.fullmatch(r"\$\{(\w+)\}", text) if isinstance(text, str) else None
    if reference and reference[1] != group and paths.is_group(reference[1], own):
        return  # the option of another group's name
    if text is None:
        raise ConfigError(f"{override}: null is no file of conf/{group}/; leave it out")
    if not isinstance(text, str) or "$" in text:
        raise ConfigError(f"{override}: an option is the name of a file in conf/{group}/")
