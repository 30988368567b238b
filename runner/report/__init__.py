"""What a finished run or sweep says, written from its record alone: no model is asked again."""

from pathlib import Path

from runner.errors import ConfigError
from runner.record.files import RUN, read_json
from runner.record.outcomes import Result
from runner.report.result import build, load
from runner.report.sweep import SweepResult, build_sweep, is_sweep
from runner.report.terminal import print_run, print_sweep

__all__ = [
    "SweepResult",
    "build",
    "build_sweep",
    "load",
    "print_run",
    "print_sweep",
    "rebuild",
]


def rebuild(directory: Path) -> Result | SweepResult:
    """Write result.json and report.md of a run or a sweep anew.

    Raises ConfigError when the directory is neither, StorageError when its record can't be read.
    """
    if (directory / RUN).is_file():
        if _kind(directory) == "production":
            raise ConfigError(f"{directory}: is of the command run, which measures nothing")
        return build(directory)
    if is_sweep(directory):
        return build_sweep(directory, anew=True)
    if not directory.is_dir():
        raise ConfigError(f"{directory}: no such directory")
    folders = directory, directory / "runs", directory / "sweeps"
    children = [child for folder in folders if folder.is_dir() for child in folder.iterdir()]
    records = [child for child in children if (child / RUN).is_file() or is_sweep(child)]
    newest = max(records, key=lambda child: child.stat().st_mtime, default=None)
    near = f"; did you mean {newest}?" if newest else ""
    raise ConfigError(f"{directory}: is neither a run nor a sweep{near}")


def _kind(directory: Path) -> str | None:
    try:
        found = read_json(directory / RUN)
    except (OSError, ValueError):
        return None
    return found.get("kind") if isinstance(found, dict) else None
