"""conf/ as Hydra reads it, a user's own before ours; what is wrong with a file names its line."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra._internal.sources_registry import SourcesRegistry
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from runner.config import paths, short_form
from runner.config.yaml_text import bounded, malformed
from runner.errors import ConfigError

_SHIPPED = "shipped_"
_KEYS = "holds no keys: a file of conf/ is key: value, line by line"
_ENTRY = "write - /group: option, - /group@key: option or - _self_"

_task: ContextVar[str | None] = ContextVar("task", default=None)  # that is composed for


@contextmanager
def composing(overrides: Sequence[str]) -> Iterator[None]:
    """While these are composed. Of a mapping only their task is read: it may name many models.

    What a group that is added, or a sweep's file, chooses is not known before: then all is read.
    """
    hidden = any(re.match(r"\+|sweep=", each) for each in overrides)
    chosen = [found[1] for each in overrides if (found := re.fullmatch(r"task=([\w.-]+)", each))]
    token = _task.set(chosen[-1] if chosen and not hidden else None)
    try:
        yield
    finally:
        _task.reset(token)


def put_first(search_path: ConfigSearchPath, own: Path) -> None:
    """Let the options in a directory come before ours, and replace them."""
    search_path.prepend("shipped", f"shipped://{paths.builtin('conf')}")
    search_path.prepend("own", f"own://{own}")
    _last(search_path, "own", f"unset://{own}")


def _last(search_path: ConfigSearchPath, provider: str, path: str) -> None:
    """Behind all the others but Hydra's own, once that is there."""
    if any(element.provider == "schema" for element in search_path.get_path()):
        search_path.prepend(provider, path, anchor="schema")
    else:
        search_path.append(provider, path)


def read_ours(search_path: ConfigSearchPath) -> None:
    """Our own conf/ is read as a user's is: who works in a clone makes the same mistakes."""
    for element in search_path.get_path():
        if element.provider == "main" and "://" not in element.path:
            element.path = f"conf://{element.path}"
    _last(search_path, "shipped", f"unset://{paths.builtin('conf')}")


def options(group: str) -> list[str]:
    """Those of a group where Hydra composes from now."""
    found: list[str] = _repository().get_group_options(group, ObjectType.CONFIG)
    return found


def option(group: str, name: str) -> Any:
    """One of them, its defaults left aside. Raises ConfigError naming its file."""
    return _repository().load_config(f"{group}/{name}").config


def _repository() -> Any:
    return GlobalHydra.instance().config_loader().repository


class _Files(FileConfigSource):  # type: ignore[misc]  # Hydra is untyped
    """A directory of config files."""

    @staticmethod
    def scheme() -> str:
        return "conf"

    def load_config(self, config_path: str) -> ConfigResult:
        """Raises ConfigError naming the file."""
        file = Path(self.path, self._normalize_file_name(config_path))
        try:
            found = self._as_written(file, config_path)
        except yaml.YAMLError as error:
            raise ConfigError(malformed(error, file)) from None
        except UnicodeDecodeError:
            raise ConfigError(f"{_first_odd_line(file)}: is not UTF-8; save it as UTF-8") from None
        except RecursionError:
            raise ConfigError(f"{file}: is nested too deeply") from None
        except (OSError, ValueError, TypeError, OmegaConfBaseException) as error:
            said = (getattr(error, "strerror", None) or str(error) or "it is odd").splitlines()[0]
            if said.startswith("Invalid loaded object"):
                raise ConfigError(f"{file}: {_KEYS}") from None
            raise ConfigError(f"{file}: can't be read: {said}") from None
        if not isinstance(found.config, DictConfig):
            raise ConfigError(f"{file}: {_KEYS}")
        if "defaults" in found.config:
            plain = OmegaConf.to_container(found.config, resolve=False)
            assert isinstance(plain, dict)
            entries = _entries(file, plain["defaults"])
            found.config.defaults = [self._entry(file, config_path, each) for each in entries]
        group, _, option = config_path.removesuffix(".yaml").partition("/")
        if group == "task":
            _beside(file, found.config)
        short_form.complete(group, option.removeprefix(_SHIPPED), found.config, found.header)
        if group == "mapping" and (task := _task.get()):
            short_form.narrow(found.config, task)
        return found

    def _as_written(self, file: Path, config_path: str) -> ConfigResult:
        if not file.is_file():
            return super().load_config(config_path)
        found = _parsed(self.path, config_path, file.read_bytes())
        return ConfigResult(
            provider=self.provider,
            path=f"{self.scheme()}://{self.path}",
            config=deepcopy(found.config),
            header=dict(found.header),
        )

    def _entry(self, file: Path, config_path: str, entry: Any) -> Any:
        return entry


@lru_cache(1024)  # more than we have: what a sweep composes shares nearly all
def _parsed(folder: str, config_path: str, raw: bytes) -> ConfigResult:
    source = FileConfigSource("any", folder)
    bounded(raw, Path(folder, source._normalize_file_name(config_path)))
    return source.load_config(config_path)


def _beside(file: Path, task: DictConfig) -> None:
    """Cases that lie beside the file of their task are found there."""
    cases = OmegaConf.to_container(task, resolve=False)["cases"] if "cases" in task else None  # type: ignore[index, call-overload]
    if isinstance(cases, str) and (file.parent / cases).is_file():
        found = (file.parent / cases).absolute()
        task.cases = str(
            found.relative_to(Path.cwd()) if found.is_relative_to(Path.cwd()) else found
        )


class _Own(_Files):
    """A user's own conf/. A file may start from ours of the same name: `[/model/x@_here_, …]`."""

    @staticmethod
    def scheme() -> str:
        return "own"

    def load_config(self, config_path: str) -> ConfigResult:
        """A mapping answers by ours of the same name what it does not name itself."""
        found = super().load_config(config_path)
        ours = _Files("shipped", f"conf://{paths.builtin('conf')}")
        if config_path.startswith("mapping/") and ours.is_config(config_path):
            short_form.extend(found.config, ours.load_config(config_path).config)
        return found

    def _entry(self, file: Path, config_path: str, entry: Any) -> Any:
        group, _, name = config_path.removesuffix(".yaml").rpartition("/")
        key, option = next(iter(entry.items())) if isinstance(entry, dict) else (entry, None)
        *words, key = key.split(" ")
        named, at, package = key.partition("@")
        named = named if option is None else f"{named}/{option}"
        path = named if named.startswith("/") else f"{group}/{named}"
        if "override" in words or path.strip("/").removesuffix(".yaml") != f"{group}/{name}".strip(
            "/"
        ):
            return entry
        if not (paths.builtin("conf") / group / f"{name}.yaml").is_file():
            raise ConfigError(
                f"{file}: defaults: {named} is this very file; it may start from another, or from "
                "one of ours with the same name"
            )
        return named.removesuffix(".yaml").removesuffix(name) + _SHIPPED + name + at + package


class _Shipped(_Files):
    """Our conf/ under other names, for those who hide a file of ours behind one of their own."""

    @staticmethod
    def scheme() -> str:
        return "shipped"

    def load_config(self, config_path: str) -> ConfigResult:
        return super().load_config(_renamed(config_path))

    def is_config(self, config_path: str) -> bool:
        name = _renamed(config_path)
        return name != config_path and bool(super().is_config(name))

    def is_group(self, config_path: str) -> bool:
        return False


class _Unset(_Files):
    """The thresholds of tasks that have none of their own: those of requirements/base.yaml."""

    @staticmethod
    def scheme() -> str:
        return "unset"

    def is_config(self, config_path: str) -> bool:
        group, _, task = config_path.removesuffix(".yaml").partition("/")
        return group == "requirements" and Path(self.path, "task", f"{task}.yaml").is_file()

    def is_group(self, config_path: str) -> bool:
        return False

    def load_config(self, config_path: str) -> ConfigResult:
        config = OmegaConf.create({"defaults": ["base", "_self_"]})
        return ConfigResult(
            provider="unset", path=f"unset://{self.path}", config=config, header={"package": None}
        )


def _renamed(config_path: str) -> str:
    group, slash, name = config_path.rpartition("/")
    return group + slash + name.removeprefix(_SHIPPED)


def _entries(file: Path, defaults: Any) -> list[Any]:
    """The defaults list, its form held: Hydra's own complaints name no file."""
    if not isinstance(defaults, list):
        raise ConfigError(f"{file}: defaults: is no list; {_ENTRY}")
    for entry in defaults:
        if not _is_entry(entry):
            raise ConfigError(f"{file}: defaults: {entry} is no entry; {_ENTRY}")
    return defaults


def _is_entry(entry: Any) -> bool:
    if isinstance(entry, dict) and len(entry) == 1:
        [(key, option)] = entry.items()
        options = option if isinstance(option, list) else [option or ""]
        return all(isinstance(each, str) for each in [key, *options])
    return isinstance(entry, str) and not entry.startswith(("_self_@", "???"))


def _first_odd_line(file: Path) -> str:
    raw = file.read_bytes()
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f"{file}:{raw.count(10, 0, error.start) + 1}"
    return str(file)


for _source in (_Files, _Own, _Shipped, _Unset):
    SourcesRegistry.instance().register(_source)
