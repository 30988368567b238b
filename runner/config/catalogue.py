"""Every option of some config directories, composed one by one; what `check` walks over."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any

from hydra import compose
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.initialize import get_gh_backup, restore_gh_from_backup
from hydra.version import VersionBase, getbase, setbase
from omegaconf import DictConfig
from pydantic import BaseModel

from runner.config import conf_files, hydra_app, paths, tools
from runner.config.composing import REASONS, explained
from runner.config.override_grammar import check, refuse
from runner.config.redact import learn
from runner.config.schema import Job
from runner.errors import ConfigError

_BATCH = 8  # options composed together: Hydra's fixed cost is shared, its merging grows with each
_one_at_a_time = Lock()  # Hydra keeps what it composes from in a global


def compose_config(
    config: str, overrides: Sequence[str], config_dir: str | Path | None
) -> DictConfig:
    """What conf/<config>.yaml and the overrides make together, `config_dir` before our conf/.

    From any thread, and beside another Hydra application. Raises ConfigError.
    """
    own = paths.config_dir(None if config_dir is None else str(config_dir))
    learn([own, paths.builtin("conf")], overrides)
    for override in overrides:
        refuse(override, own)
    options = Options([folder for folder in (own, paths.builtin("conf")) if folder])
    with _one_at_a_time, options.open():
        return options.compose(*overrides, config=config)


class Options:
    """The options of some config directories, and Hydra to compose them."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self.directories = [directory.absolute() for directory in directories]
        self._composed: dict[Any, DictConfig] = {}
        self.files = paths.options(self.directories)

    @contextmanager
    def open(self) -> Iterator[None]:
        version = getbase()
        setbase("1.3")
        *own, ours = self.directories
        # Only what was asked for: a command that ran before in this process may have had its own.
        command_line, hydra_app.user_config_dir = hydra_app.user_config_dir, None
        try:
            path = create_config_search_path(str(ours))
        finally:
            hydra_app.user_config_dir = command_line
        for directory in own:
            conf_files.put_first(path, directory)
        before = get_gh_backup()
        GlobalHydra.instance().clear()
        Hydra.create_main_hydra2("check", path)
        try:
            yield
        finally:
            restore_gh_from_backup(before)
            VersionBase.instance().version_base = version

    def compose(
        self,
        *overrides: str,
        config: str | None = "config",
        hydra: bool = False,
        kind: type[BaseModel] = Job,
        sweeps: bool = False,
    ) -> DictConfig:
        """`kind` is what the config is to be, `sweeps` whether -m would make a sweep of it.

        Raises ConfigError with Hydra's reason in a line.
        """
        key = (config, overrides, hydra)
        if key in self._composed:
            return self._composed[key]
        for override in overrides:
            check(override, self.directories[0], kind)
        try:
            with conf_files.composing(overrides):
                composed = compose(
                    config, ["hydra/launcher=basic", *overrides], return_hydra_config=hydra
                )
            self._composed[key] = tools.put_in(composed)
        except REASONS as error:
            raise explained(error, kind, sweeps=sweeps) from None
        return self._composed[key]

    def nodes(self, group: str, options: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """These options of a group with their configs, or with the ConfigError that one raised."""
        options = iter(options)
        while batch := list(islice(options, _BATCH)):
            try:
                yield from self._together(group, batch)
            except ConfigError:
                for option in batch:
                    try:
                        yield from self._together(group, [option])
                    except ConfigError as error:
                        yield option, error

    def _together(self, group: str, options: Sequence[str]) -> list[tuple[str, Any]]:
        entries = [f"+{group}@options.o{n}={option}" for n, option in enumerate(options)]
        composed = self.compose(*entries, config=None)
        return [(option, composed.options[f"o{n}"]) for n, option in enumerate(options)]
