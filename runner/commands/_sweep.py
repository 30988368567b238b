"""What surrounds the jobs of a sweep: its directory before them, its report after them."""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, read_write

from runner.commands.command_line import explain
from runner.config.override_grammar import literal
from runner.config.overrides import named
from runner.config.redact import key_in
from runner.errors import CONFIG_EXIT, ConfigError, RunnerError
from runner.pipeline import provenance
from runner.pipeline.resume import try_lock
from runner.record.files import JOURNAL, RESULT, SWEEP, utc_now, write_json
from runner.record.run import Run

# The sweep that this process has started; its lock says that the process is alive.
directory: Path | None = None
_made: list[Path] = []  # the directories above it that were not there before
_lock: FileLock | None = None


class OnStart(Callback):  # type: ignore[misc]  # Hydra's class is untyped
    """Hydra calls this before any job of a sweep, whichever launcher will run them."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        HydraConfig.instance().set_config(config)  # for ${hydra:…} in the name of the directory
        # Absolute from here on: a worker elsewhere would resolve it against its own directory.
        where = Path(config.hydra.sweep.dir).absolute()
        with read_write(config.hydra):
            config.hydra.sweep.dir = str(where)
            config.hydra.overrides.hydra.append(literal("hydra.sweep.dir", str(where)))
        try:
            # Hydra writes all of it to a file.
            if name := key_in(OmegaConf.to_yaml(config)):
                raise ConfigError(f"conf: holds the value of {name}; keep it in the environment")
            given = config.hydra.overrides.task
            asked = {each.lower() for each in given if each.lstrip("+").startswith("race=")}
            asked -= {"race=false", "+race=false", "++race=false"}
            foreign = HydraConfig.get().runtime.choices["hydra/launcher"] != "one_process"
            if foreign and (asked or config.get("race")):
                raise ConfigError("race: it takes one process: leave hydra/launcher=one_process")
            begin(where, sorted(named([*given, *_params(config)])))
        except RunnerError as error:
            # Hydra would make any Exception of a callback a mere warning.
            raise SystemExit(explain(error, CONFIG_EXIT)) from None


def _params(config: DictConfig) -> list[str]:
    """The keys that a file of conf/sweep/ sweeps over."""
    return [str(key) for key in config.hydra.sweeper.get("params") or ()]


def begin(where: Path, given: list[str]) -> None:
    """`given` are the keys that the sweep sets, to one value or to several."""
    global directory, _made, _lock
    if (where / RESULT).exists():
        raise ConfigError(f"hydra.sweep.dir: {where} holds the result of another sweep")
    _made = [parent for parent in where.parents if not parent.exists()]
    write_json(
        where / SWEEP,
        {"started": utc_now(), "command": provenance.shared_command(), "given": given},
    )
    _lock = try_lock(where)
    if _lock is None:
        raise ConfigError(f"hydra.sweep.dir: another sweep is at work in {where}")
    directory = where


def leave() -> None:
    """The sweep is over; one that was refused before its first job leaves nothing behind."""
    global directory, _lock
    if _lock is not None:
        _lock.release()
    if directory is not None and not any(path.is_dir() for path in directory.iterdir()):
        shutil.rmtree(directory)
        for parent in _made:
            with suppress(OSError):  # somebody else is at work there by now
                parent.rmdir()
    directory = _lock = None


def finish(directory: Path) -> int:
    """Report on all jobs and return the exit code of the sweep."""
    from runner.commands._evaluate import exit_code
    from runner.report import build_sweep, console, junit, terminal, to_step_summary

    sweep = build_sweep(directory)
    verbose = any(Run(directory / run.dir).config.get("verbose") for run in sweep.runs)
    console.show(terminal.sweep(directory, sweep, verbose=verbose))
    junit.write_sweep(directory, sweep)
    to_step_summary(directory)
    if not any((directory / run.dir / JOURNAL).exists() for run in sweep.runs):
        return CONFIG_EXIT  # nothing was sent: the table has the reasons
    return exit_code(sweep.runs, sweep.gate)
