"""The door: a composed Hydra config comes in, a typed and frozen `Job` goes out.

All problems of a config are reported at once, each with the key it stands at.
"""

from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BaseModel, ValidationError

from runner.errors import ConfigError, did_you_mean
from runner.schema import Job


def load(cfg: DictConfig) -> Job:
    """Type a composed config.

    Raises ConfigError with one line a problem: a missing or unknown key, a wrong type or range,
    a task that the mapping gives no model.
    """
    return validate(plain(cfg))


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Resolve interpolations and let the mapping fill in the model that no one chose."""
    # A config that could read any variable could send a key to a provider as a prompt.
    OmegaConf.register_new_resolver("oc.env", _refuse_environment, replace=True)
    try:
        tree = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=False)
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0].partition("resolving interpolation: ")
        raise ConfigError(f"{error.full_key or 'config'}: {reason[2] or reason[0]}") from None
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
        if task not in mapping:
            raise ConfigError(
                f"mapping: no model for task '{task}'; say model=… or add it to conf/mapping/"
            )
        config["model"] = mapping[task]
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
    try:
        return Job.model_validate(config)
    except ValidationError as error:
        raise ConfigError(*map(_explain, error.errors())) from None


def _refuse_environment(*_: Any) -> Any:
    raise ValueError("a config never reads the environment; name keys by api_key_env")


def _explain(error: Any) -> str:
    """One pydantic error as `key: what is wrong`."""
    where = ".".join(str(part) for part in error["loc"]) or "config"
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key{did_you_mean(error['loc'][-1], _siblings(error['loc']))}"
    if error["type"] == "missing" or error["input"] == "???":
        return f"{where}: is missing"
    message = error["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if isinstance(error["input"], dict | list) or where.endswith("api_key_env"):
        return f"{where}: {message}"
    return f"{where}: {message} (it is {error['input']!r})"


def unknown_key(path: str) -> str | None:
    """What to say of a dotted path that leads nowhere; None when every part of it is known."""
    parts = path.split(".")
    for index, part in enumerate(parts):
        choices = _siblings((*parts[:index], part))
        if not choices:  # a mapping with free keys
            return f"{path}: is not there; add it with +{path}=…"
        if part not in choices:
            return f"{'.'.join(parts[: index + 1])}: no such key{did_you_mean(part, choices)}"
    return None


def _siblings(loc: tuple[Any, ...]) -> list[str]:
    """The keys that could have stood where `loc` stands."""
    node: Any = Job
    for part in loc[:-1]:
        fields = getattr(node, "model_fields", {})
        if part not in fields:
            return []
        node = fields[part].annotation
        for option in getattr(node, "__args__", ()):
            if isinstance(option, type) and issubclass(option, BaseModel):
                node = option
    return list(getattr(node, "model_fields", {}))
