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
from runner.errors import RunnerError

# The folder of our plugins; Hydra looks for them once in a process, whoever asks first.
sys.path.append(str(Path(__file__).parent.parent / "commands" / "_plugins"))

# Set from --config-dir; our search path plugin puts it before conf/.
user_config_dir: Path | None = None

_ENGINES = {"ray", "joblib", "submitit"}  # whose errors are of workers that are gone


class Died(RunnerError):
    """What a launcher said of a job that it has lost."""


def sweep(
    overrides: Sequence[str],
    own: Path | None,
    task: TaskFunction,
    *,
    config: str = "config",
    kind: type[Job] = Job,
) -> None:
    """Compose what are to be jobs, and run them. Raises ConfigError.

    Hydra's `main` would compose everything once more, to learn that it is a sweep. Raises Died
    where a launcher gives a job up.
    """
    global user_config_dir
    for override in overrides:
        check(override, own, kind)
    setbase("1.3")
    user_config_dir = own
    try:
        hydra = Hydra.create_main_hydra2(
            "runner", create_config_search_path(str(paths.builtin("conf")))
        )
        hydra.multirun(config, task, [*overrides, "hydra.mode=MULTIRUN"])
    except REASONS as error:
        raise explained(error, kind, sweeps=True) from None
    except RunnerError:
        raise
    except Exception as error:
        engine = type(error).__module__.partition(".")[0]
        if engine not in _ENGINES:
            raise
        said = next(iter(str(error).splitlines()), "")
        raise Died(f"{engine}: {type(error).__name__}: {said}") from None
    finally:
        GlobalHydra.instance().clear()
        user_config_dir = None  # of this command alone
