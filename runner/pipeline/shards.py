"""What each shard of a run may do: its part of the limits of providers, and of the budget."""

from collections.abc import Iterator
from typing import TypeVar

from runner.config.schema import Job, Provider, Single
from runner.errors import ConfigError
from runner.measure import formatting

_LIMITS = ("rpm", "tpm", "max_concurrency")
AnyJob = TypeVar("AnyJob", bound=Job)


def share(job: AnyJob) -> AnyJob:
    """The job of one shard. All shards together have the limits of the whole, and its budget.

    A budget that processes share stays whole. No shard asks less than one request at once.
    """

    def limited(model: Single) -> Single:
        changes = {name: _own(job, limit) for name, limit in _limits(model.provider)}
        return model.model_copy(update={"provider": model.provider.model_copy(update=changes)})

    changes: dict[str, object] = {"concurrency": max(1, _own(job, job.concurrency))}
    if job.budget_usd is not None and not job.budget_dir:
        changes["budget_usd"] = job.budget_usd / job.shards
    return job.with_singles(limited).model_copy(update=changes)


def told(job: Job) -> str:
    """How a run is divided, in a line. Raises ConfigError where a limit can't be."""
    providers = {model.provider.name: model.provider for model in job.models.values()}
    together = max(job.concurrency, job.shards)  # no shard asks less than one at once
    said = [f"concurrency {together} ({together // job.shards} each)"]
    for provider in providers.values():
        for name, limit in _limits(provider):
            if limit < job.shards:
                raise ConfigError(
                    f"shards: {job.shards} can't share {provider.name}'s {name} of {limit}; "
                    f"say shards={limit} at most"
                )
            said.append(f"{provider.name}'s {name} {limit:,} ({limit // job.shards:,} each)")
    if job.budget_usd is not None:
        each = "of all together" if job.budget_dir else f"{_usd(job.budget_usd / job.shards)} each"
        said.append(f"budget_usd {_usd(job.budget_usd)} ({each})")
    return f"{job.shards} shards share {', '.join(said)}"


def _usd(value: float) -> str:
    return formatting.show(value, "usd")


def _limits(provider: Provider) -> Iterator[tuple[str, int]]:
    for name in _LIMITS:
        if limit := getattr(provider, name):
            yield name, limit


def _own(job: Job, total: int) -> int:
    """The first shards have what is left over."""
    assert job.shard is not None
    return total // job.shards + (job.shard < total % job.shards)
