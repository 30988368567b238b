"""Servers for the embedded models of a job, for as long as it runs."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from runner.config.schema import MODELS, Job, Model, Single


async def serve(job: Job, stack: AsyncExitStack) -> Job:
    """Start a server for each embedded model, and say in the job where it is."""
    bases: dict[str, str] = {}
    for model in job.models.values():
        if model.artifact and model.artifact.model_dump_json() not in bases:
            from runner.calls.embedded.server import serving

            api_base = await stack.enter_async_context(serving(model.artifact, model.id))
            bases[model.artifact.model_dump_json()] = api_base

    def started(model: Single) -> Single:
        if model.artifact is None:
            return model
        return at(model, bases[model.artifact.model_dump_json()])

    return replace_singles(job, started) if bases else job


def at(model: Single, api_base: str) -> Single:
    """The same model, asked for at another address."""
    provider = model.provider.model_copy(update={"api_base": api_base})
    return model.model_copy(update={"provider": provider})


def replace_singles(job: Job, new: Callable[[Single], Single]) -> Job:
    """The job with every single model that it may reach replaced."""

    def replaced(model: Model) -> Model:
        if isinstance(model, Single):
            return new(model)
        changes: dict[str, Any] = {"arms": {k: replaced(arm) for k, arm in model.arms.items()}}
        if model.kind == "router" and model.classifier is not None:
            changes["classifier"] = replaced(model.classifier)
        if model.kind == "cascade":
            changes["checks"] = in_options(model.checks)
        return model.model_copy(update=changes)

    def in_options(scorers: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        return {
            name: {k: replaced(v) if isinstance(v, MODELS) else v for k, v in options.items()}
            for name, options in scorers.items()
        }

    chain = {key: replaced(model) for key, model in job.fallback.chain.items()}
    return job.model_copy(
        update={
            "model": replaced(job.model),
            "fallback": job.fallback.model_copy(update={"chain": chain}),
            "task": job.task.model_copy(update={"scorers": in_options(job.task.scorers)}),
        }
    )
