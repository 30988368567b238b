"""Hydra's own application, which composes and runs each job of a sweep."""

import sys
from collections.abc import Sequence
from pathlib import Path

from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.global_hydra import GlobalHydra
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


def sweep(overrides: Sequence[str], own: Path | None, task: TaskFunction) -> None:
    """Compose what are to be jobs, and run them. Raises ConfigError.

    Hydra's `main` would compose everything once more, to learn that it is a sweep.
    """
    global user_config_dir
    for override in overrides:
        check(override, own, Job)
    setbase("1.3")
    user_config_dir = own
    try:
        hydra = Hydra.create_main_hydra2(
            "runner", create_config_search_path(str(paths.builtin("conf")))
        )
        hydra.multirun("config", task, [*overrides, "hydra.mode=MULTIRUN"])
    except REASONS as error:
        raise explained(error, Job, sweeps=True) from None
    finally:
        GlobalHydra.instance().clear()
        user_config_dir = None  # of this command alone
