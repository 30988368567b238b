"""Our Hydra plugins: launcher and sweeper, and the search path with the user's files first."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.search_path_plugin import SearchPathPlugin
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict


class UserConfigFirst(SearchPathPlugin):  # type: ignore[misc]  # Hydra is untyped
    """`--config-dir` adds options and may replace ours; Hydra by itself only lets it add."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        from runner.config import conf_files, hydra_app

        conf_files.read_ours(search_path)
        if hydra_app.user_config_dir:
            conf_files.put_first(search_path, hydra_app.user_config_dir)


class OneProcess(Launcher):  # type: ignore[misc]  # Hydra is untyped
    """All jobs of a sweep on one event loop, after all of them were found able to run."""

    def setup(
        self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig
    ) -> None:
        self._loader = hydra_context.config_loader
        self._config = config
        self._in_turn = BasicLauncher()
        self._in_turn.setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def launch(
        self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int
    ) -> Sequence[JobReturn]:
        from runner.commands._evaluate import estimate, evaluate, record_failure
        from runner.config import loading
        from runner.errors import ConfigError, RunnerError
        from runner.pipeline.plan import prepare

        if _is_of_shards(job_overrides):
            found: Sequence[JobReturn] = self._in_turn.launch(job_overrides, initial_job_idx)
            return found
        sweep = Path(self._config.hydra.sweep.dir)
        configs = [self._compose(list(overrides)) for overrides in job_overrides]
        plans, problems = [], []
        for number, (cfg, overrides) in enumerate(
            zip(configs, job_overrides, strict=True), initial_job_idx
        ):
            try:
                plan = prepare(loading.load(cfg, overrides))
                plans.append((plan, sweep / f"{number}_{plan.job.label}"))
            except ConfigError as error:
                problems += [f"{' '.join(overrides)}: {line}" for line in error.problems]
        if problems:
            raise ConfigError(*dict.fromkeys(problems))
        if any(plan.job.estimate for plan, _ in plans):
            estimate([plan for plan, _ in plans])
            return [_done(overrides) for overrides in job_overrides]
        results = evaluate(plans)
        for cfg, result, (_, directory) in zip(configs, results, plans, strict=True):
            if isinstance(result, RunnerError):
                record_failure(directory, loading.names(cfg), result)
        return [_done(overrides) for overrides in job_overrides]

    def _compose(self, overrides: list[str]) -> DictConfig:
        from runner.config import conf_files

        with conf_files.composing(overrides):
            cfg: DictConfig = self._loader.load_sweep_config(self._config, overrides)
        with open_dict(cfg):
            del cfg["hydra"]
        return cfg


class OneLook(BasicSweeper):  # type: ignore[misc]  # Hydra is untyped
    """Hydra's own, which composes jobs to see whether they can be, less that for `OneProcess`."""

    def validate_batch_is_legal(self, batch: Sequence[Sequence[str]]) -> None:
        # That sees it before it runs any, and shards are all of one job that was composed.
        if not (isinstance(self.launcher, OneProcess) or _is_of_shards(batch)):
            super().validate_batch_is_legal(batch)


def _is_of_shards(batch: Sequence[Sequence[str]]) -> bool:
    return all(any(one.startswith("+shard=") for one in overrides) for overrides in batch)


def _done(overrides: Any) -> JobReturn:
    """What Hydra wants back; results are in the directories of the jobs."""
    done = JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED)
    done.return_value = None
    return done
