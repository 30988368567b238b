"""What surrounds the jobs of a sweep: its directory before them, its report after them."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, read_write

from runner import provenance
from runner.cli import explain
from runner.errors import CONFIG_EXIT, GATE_EXIT, INCOMPLETE_EXIT, StorageError
from runner.outputs import SWEEP, write_json

# The sweep that this process has started; its lock says that the process is alive.
directory: Path | None = None
_lock: FileLock | None = None


class OnStart(Callback):  # type: ignore[misc]  # Hydra's class is untyped
    """Hydra calls this before any job of a sweep, whichever launcher will run them."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        global directory
        HydraConfig.instance().set_config(config)  # for ${hydra:…} in the name of the directory
        # Absolute from here on: a worker elsewhere would resolve it against its own directory.
        directory = Path(config.hydra.sweep.dir).absolute()
        with read_write(config.hydra):
            config.hydra.sweep.dir = str(directory)
            config.hydra.overrides.hydra.append(f"hydra.sweep.dir={directory}")
        try:
            _begin(directory)
        except StorageError as error:
            # Hydra would make any Exception of a callback a mere warning.
            raise SystemExit(explain(error, CONFIG_EXIT)) from None


def _begin(directory: Path) -> None:
    global _lock
    started = datetime.now(UTC).isoformat(timespec="seconds")
    write_json(directory / SWEEP, {"started": started, "command": provenance.command()})
    _lock = FileLock(directory / ".lock")
    _lock.acquire(timeout=0)


def _release() -> None:
    """The sweep is over, or given up."""
    global directory, _lock
    if _lock is not None:
        _lock.release()
    directory = _lock = None


def finish(directory: Path) -> int:
    """Report on all jobs and return the exit code of the sweep."""
    from runner.report import build_sweep, print_sweep

    sweep = build_sweep(directory)
    print_sweep(directory)
    if any(run.error for run in sweep.runs):
        return CONFIG_EXIT if all(run.error for run in sweep.runs) else INCOMPLETE_EXIT
    if any(run.counts is None or run.counts.failed for run in sweep.runs):
        print("runner: some calls failed; see the report", file=sys.stderr)
        return INCOMPLETE_EXIT
    return GATE_EXIT if sweep.gated else 0
