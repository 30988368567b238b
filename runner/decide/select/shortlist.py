"""A shortlist as the command that measures it, and as a file of conf/sweep/."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from runner.config import paths
from runner.errors import ConfigError
from runner.record.files import write_text

_WRITTEN_BY = "# Written by `python -m runner select"


@dataclass(frozen=True)
class Shortlist:
    models: Sequence[str]
    overrides: Sequence[str]  # what a run needs to be told beside the models
    config_dir: str | None  # the user's own, where some of it is

    def command(self) -> str:
        several = ["-m"] if len(self.models) > 1 else []
        return _python(self.config_dir, *several, *self.overrides, f"model={self._model}")

    def write(self, file: Path, selected_by: Sequence[str], keys: Collection[str]) -> str:
        """Make the shortlist a sweep, which needs `keys`; returns the command that runs it.

        Raises ConfigError where `sweep_place` does.
        """
        name, folder = sweep_place(file, self.config_dir)
        command = _python(folder, f"sweep={name}")
        select = " ".join(shlex.join(selected_by).split())  # a comment has one line
        needs = [f"# Needs {', '.join(sorted(keys))}."] if keys else []
        params = dict(override.split("=", 1) for override in self.overrides)
        tree = {"mode": "MULTIRUN", "sweeper": {"params": {**params, "model": self._model}}}
        lines = [
            "# @package _global_",
            f"# {command}      the models that are worth measuring",
            f"{_WRITTEN_BY} {select}`, which may write over it.",
            *needs,
            yaml.safe_dump({"hydra": tree}, sort_keys=False, allow_unicode=True, width=1000),
        ]
        write_text(file, "\n".join(lines))
        return command

    @property
    def _model(self) -> str:
        return ",".join(self.models)


def sweep_place(file: Path, config_dir: str | None) -> tuple[str, str | None]:
    """The name by which `sweep=` finds a file, and the --config-dir that it takes.

    Raises ConfigError for a file that would not be found, and for one that is somebody's work.
    """
    folders = [folder for folder in file.parents if folder.name == "sweep"]
    if file.suffix != ".yaml" or not folders:
        raise ConfigError(f"to: {file} is no sweep; name a file like my_conf/sweep/mine.yaml")
    if file.is_file() and _WRITTEN_BY not in file.read_text(encoding="utf-8", errors="replace"):
        raise ConfigError(f"to: {file} was not written by select; name another file")
    name = file.relative_to(folders[0]).with_suffix("").as_posix()
    conf = folders[0].parent
    if conf.resolve() == paths.builtin("conf").resolve():
        return name, config_dir
    if config_dir is not None and conf.resolve() != Path(config_dir).resolve():
        raise ConfigError(f"to: {file} is not in --config-dir {config_dir}, nor in conf/")
    return name, str(conf)


def _python(config_dir: str | None, *arguments: str) -> str:
    own = ["--config-dir", config_dir] if config_dir else []
    return shlex.join(["python", "-m", "runner", *own, *arguments])
