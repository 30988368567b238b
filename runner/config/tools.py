"""A task names its tools: each is a file of conf/tools/, a user's own before ours."""

from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, flag_override

from runner.errors import ConfigError, did_you_mean

GROUP = "tools"


def put_in(cfg: DictConfig) -> DictConfig:
    """The same config with the files that `task.tools` names in place of their names.

    Hydra must be composing. Raises ConfigError for a name that no file has.
    """
    named = OmegaConf.select(cfg, "task.tools", throw_on_missing=False)
    if not isinstance(named, ListConfig) or not any(isinstance(each, str) for each in named):
        return cfg
    tools = [_file(each) if isinstance(each, str) else each for each in named]
    with flag_override(cfg, ["readonly", "struct"], False):
        OmegaConf.update(cfg, "task.tools", tools, merge=False)
    return cfg


def _file(name: str) -> Any:
    from runner.config.conf_files import option, options

    if name not in (known := options(GROUP)):
        near = did_you_mean(name, known) or f"; conf/{GROUP}/ has none"
        raise ConfigError(f"task.tools: no file conf/{GROUP}/{name}.yaml{near}")
    return option(GROUP, name)
