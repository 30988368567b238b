"""Hydra's own application, which composes and runs each job of a sweep."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.utils import _run_hydra, get_args_parser
from hydra.core.utils import setup_globals
from hydra.types import TaskFunction
from hydra.version import setbase

from runner.config import paths
from runner.config.composing import REASONS, explained
from runner.config.override_grammar import check
from runner.config.schema import Job

# The folder of our plugins; Hydra looks for them once in a process, whoever asks first.
sys.path.append(str(Path(__file__).parent.parent / "commands" / "_plugins"))

# Set from --config-dir; our search path plugin puts it before conf/.
user_config_dir: Path | None = None


def run(overrides: Sequence[str], own: Path | None, task: TaskFunction, *, multirun: bool) -> None:
    """Compose what are to be jobs, and run them. Raises ConfigError."""
    global user_config_dir
    for override in overrides:
        check(override, own, Job)
    parser = get_args_parser()
    arguments = parser.parse_args([*overrides, *(["--multirun"] if multirun else [])])
    os.environ["HYDRA_FULL_ERROR"] = "1"  # raise to us instead of printing and exiting
    setbase("1.3")
    setup_globals()
    user_config_dir = own
    try:
        _run_hydra(arguments, parser, task, str(paths.builtin("conf")), "config")
    except REASONS as error:
        raise explained(error, Job, sweeps=True) from None
    finally:
        user_config_dir = None  # of this command alone
