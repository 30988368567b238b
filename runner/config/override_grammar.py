"""What may be said as `key=value`, and how to quote what Hydra's grammar can't read."""

import re
import shlex
from pathlib import Path

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config import paths
from runner.config.redact import key_in
from runner.config.validation import DEEPEST, list_above
from runner.errors import ConfigError


def literal(key: str, value: str) -> str:
    """An override that sets a key to any text, whatever it means to Hydra."""
    text = re.sub(r"(\\*)\$\{", r"\1\1\\${", value)  # no interpolation, but these very signs
    return f"{key}={QuotedString(text, Quote.single).with_quotes()}"


def is_text(value: str) -> bool:
    """Whether a word is one to Hydra and YAML as well: nan, 123, on and null are none."""
    try:
        read = OverridesParser.create().parse_override(f"key={value}").value()
    except HydraException:
        return False
    return isinstance(read, str) and isinstance(yaml.safe_load(value), str)


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
