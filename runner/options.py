"""Every option of some config directories, composed one by one; what `check` walks over."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from hydra import compose
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
from hydra.initialize import get_gh_backup, restore_gh_from_backup
from hydra.version import setbase
from omegaconf import DictConfig

from runner.errors import ConfigError
from runner.hydra_door import REASONS, explained

_BATCH = 8  # options composed together: Hydra's fixed cost is shared, its merging grows with each


class Options:
    """The options of some config directories, and Hydra to compose them."""

    def __init__(self, directories: Sequence[Path]) -> None:
        self.directories = [directory.absolute() for directory in directories]
        self._composed: dict[Any, DictConfig] = {}
        self.files: dict[str, dict[str, Path]] = {}  # group: {option: file}
        for directory in self.directories:
            for file in sorted(directory.rglob("*.yaml")):
                parts = file.relative_to(directory).with_suffix("").parts
                group = (
                    parts[0] if len(parts) > 1 else ""
                )  # "": a config that a command starts from
                if group not in ("base", "hydra"):
                    option = "/".join(parts[1:] or parts)
                    self.files.setdefault(group, {}).setdefault(option, file)

    @contextmanager
    def open(self) -> Iterator[None]:
        setbase("1.3")
        *own, ours = self.directories
        path = create_config_search_path(str(ours))
        for directory in own:
            path.prepend("own", f"file://{directory}", anchor="main")
        before = get_gh_backup()
        GlobalHydra.instance().clear()
        Hydra.create_main_hydra2("check", path)
        try:
            yield
        finally:
            restore_gh_from_backup(before)

    def compose(
        self, *overrides: str, config: str | None = "config", hydra: bool = False
    ) -> DictConfig:
        """Raises ConfigError with Hydra's reason in a line."""
        key = (config, overrides, hydra)
        if key in self._composed:
            return self._composed[key]
        try:
            self._composed[key] = compose(
                config, [*overrides, "hydra/launcher=basic"], return_hydra_config=hydra
            )
        except REASONS as error:
            raise explained(error) from None
        return self._composed[key]

    def nodes(self, group: str) -> Iterator[tuple[str, Any]]:
        """Each option of a group with its config, or with the ConfigError that it raised."""
        options = iter(self.files.get(group, {}))
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
