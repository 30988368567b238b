"""Loading: a composed Hydra config comes in, a typed and frozen `Job` goes out.

All problems of a config are reported at once, each with the key it stands at.
"""

import re
from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel

from runner.config import overrides, tools, validation
from runner.config.schema import Job
from runner.errors import ConfigError


def load(cfg: DictConfig, given: Sequence[str] = ()) -> Job:
    """Type a composed config; what the overrides `given` say goes before what its mapping does.

    Raises ConfigError with one line a problem: a missing or unknown key, a wrong type or range,
    a task that the mapping gives no model.
    """
    return validate(plain(cfg, given))


def resolved(cfg: DictConfig) -> Any:
    """A config as plain data. Raises ConfigError for an interpolation that leads nowhere."""
    # A config that could read any variable could send a key to a provider as a prompt.
    OmegaConf.register_new_resolver("oc.env", _refuse_environment, replace=True)
    try:
        return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        raise ConfigError(f"{error.full_key or 'config'}: {unresolved(error)}") from None


def unresolved(error: OmegaConfBaseException) -> str:
    """Why an interpolation leads nowhere."""
    text = str(error).splitlines()[0]
    if match := re.search(r"Interpolation key '(.+)' not found", text):
        return f"${{{match[1]}}} is no key of the config; the text itself is \\${{{match[1]}}}"
    if match := re.search(r"Unsupported interpolation type (\S+)", text):
        return f"${{{match[1]}:…}} is no function of a config; the text itself is \\${{{match[1]}:…"
    if "Recursive interpolation" in text:
        return "its ${…} leads back to itself"
    return text.partition("resolving interpolation: ")[2] or text


def plain(cfg: DictConfig, given: Sequence[str] = ()) -> dict[str, Any]:
    """Resolve interpolations, and let the mapping fill in the model that no one chose.

    With the model comes what the mapping sets for it, where the overrides `given` say nothing.
    """
    tree = resolved(tools.put_in(cfg))
    assert isinstance(tree, dict)
    config: dict[str, Any] = {str(key): value for key, value in tree.items()}
    fallback = config.get("fallback")
    if isinstance(fallback, dict) and True in fallback:  # YAML reads an unquoted `on:` as true
        fallback["on"] = fallback.pop(True)
    mapping = config.pop("mapping", None) or {}
    config.pop("sweep", None)
    config.pop("hydra", None)
    if config.get("model") is None:
        task = (config.get("task") or {}).get("name")
        if task not in mapping or task == overrides.KEY:
            raise ConfigError(
                f"mapping: no model for task '{task}'; say model=… or add it to conf/mapping/"
            )
        config["model"] = mapping[task]
        overrides.apply(config, mapping, str(task), given)
    return config


def names(cfg: DictConfig) -> tuple[str, str, str]:
    """Task, model and id of a config that may be unfit for anything else."""
    try:
        config = plain(cfg)
        model = config["model"]
        return str(config["task"]["name"]), str(model["name"]), str(model["id"])
    except (ConfigError, KeyError, TypeError):
        return "?", "?", "?"


def validate(config: dict[str, Any]) -> Job:
    return validation.validated(Job, config)


def unknown_key(path: str, kind: type[BaseModel] = Job) -> str | None:
    """What to say of an override that found no such key; None where the key is a known one."""
    if wrong := validation.unknown_key(kind, path):
        return wrong
    if validation.has_free_keys(kind, path):
        return f"{path}: is not there; add it with +{path}=…"
    return None


def _refuse_environment(*_: Any) -> Any:
    raise ValueError("a config never reads the environment; name keys by api_key_env")
