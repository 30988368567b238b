"""Serve the embedded models of a job for as long as it runs."""

import asyncio
import json
import os
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from runner.calls.embedded.engine import Engine, EngineSettings, library
from runner.calls.embedded.fetch import fetch
from runner.config.paths import cache_dir
from runner.config.schema import Artifact, Job, Single, answerers
from runner.errors import ConfigError

WARM_UP_SECONDS = 60

T = TypeVar("T")


def make_ready(artifact: Artifact) -> None:
    """Have all that `serving` needs on this machine, downloading what is missing.

    Raises ConfigError, so that a run learns of it before any model has been asked.
    """
    fetch(artifact, cache_dir())
    library()


async def serve(job: Job, stack: AsyncExitStack) -> Job:
    """Start a server for each embedded model, and say in the job where it is.

    Raises ConfigError, also for a model that would not see the task's tools.
    """
    bases: dict[str, str] = {}
    for model in job.models.values():
        if model.artifact and model.artifact.model_dump_json() not in bases:
            api_base = await stack.enter_async_context(serving(model.artifact, model.id))
            bases[model.artifact.model_dump_json()] = api_base

    if job.task.tools:
        for each in (each for model in job.chain.values() for _, each in answerers(model)):
            if each.artifact:
                await _check_tools(each, bases[each.artifact.model_dump_json()])

    def started(model: Single) -> Single:
        return model.at(bases[model.artifact.model_dump_json()]) if model.artifact else model

    return job.with_singles(started) if bases else job


@asynccontextmanager
async def serving(
    artifact: Artifact, name: str, *, cache: Path | None = None
) -> AsyncIterator[str]:
    """Yield the `api_base` of a server that has the model loaded and has answered once.

    The weights are fetched first when the cache has none. Raises ConfigError.
    """
    model = await _abandonable(lambda: fetch(artifact, cache or cache_dir()))
    settings = EngineSettings(
        model=str(model),
        name=name,
        slots=artifact.slots,
        context_tokens=artifact.context_tokens,
        cores=_cores(),
        chat_template=artifact.chat_template,
    )
    engine = Engine(settings)
    try:
        api_base = f"{engine.address}/v1"
        await _abandonable(lambda: _warm_up(api_base))
        yield api_base
    finally:
        engine.close()


async def _check_tools(model: Single, api_base: str) -> None:
    """llama.cpp leaves tools out, unsaid, where the chat template has no place for them."""

    def asked() -> Any:
        with _opener().open(
            f"{api_base.removesuffix('/v1')}/props", timeout=WARM_UP_SECONDS
        ) as got:
            return json.loads(got.read())

    told = (await _abandonable(asked)).get("chat_template_caps") or {}
    if not told.get("supports_tools", True):
        raise ConfigError(
            f"{model.name}: its chat template has no place for tools, so that it would not see the "
            "task's; give its artifact a chat_template that has one, as conf/model/local.yaml does"
        )


def _opener() -> urllib.request.OpenerDirector:
    """No proxy: a proxy of the environment can't reach our loopback."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _cores() -> int:
    """How many cores this process may use."""
    usable = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(usable(0)) if usable else os.cpu_count() or 1


def _warm_up(api_base: str) -> None:
    """Pay for what only the first request pays, so that the first measured one does not."""
    body = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    request = urllib.request.Request(
        f"{api_base}/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with _opener().open(request, timeout=WARM_UP_SECONDS) as response:
        response.read()


async def _abandonable(work: Callable[[], T]) -> T:
    """The result of blocking work, in a thread that does not hold up the exit on Ctrl-C.

    asyncio waits for the threads of its own pool before it ends: here for a whole download.
    """
    future: Future[T] = Future()

    def run() -> None:
        future.set_running_or_notify_cancel()
        try:
            result = work()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(result)

    threading.Thread(target=run, daemon=True).start()
    return await asyncio.wrap_future(future)
