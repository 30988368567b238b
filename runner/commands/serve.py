"""Put a decision behind an OpenAI-compatible address: answered as `run` would, and on record.

    python -m runner serve task=extraction model=haiku fallback=cross_provider
    python -m runner serve 'tasks=[extraction,classification]' mapping=hosted budget_usd=5
    python -m runner serve task=extraction model=haiku dry_run=true

A client names the task as its model, and its text goes into the task's own prompt: what was
measured is what is served. With pass_through=true it sends its own messages, tools and sampling.
Routers, cascades, splits, fallbacks, limits and the budget hold; headers x-runner-… say who
answered, for how much. SIGTERM finishes what is under way. conf/serve.yaml holds the keys of its
own; needs the extra `serve`.
"""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

from runner.commands._arguments import Arguments, arguments
from runner.config import redact
from runner.config.schema import Model, Single
from runner.config.terminal import say
from runner.errors import ConfigError
from runner.production.job import Production
from runner.production.serving import Served, ServeJob

_MISSING = "serve: needs an extra: pip install 'llm-decision-runner[serve]'"


def main(argv: Sequence[str]) -> int:
    served = composed(arguments("serve", __doc__, argv))
    if key := served.serving.key:
        redact.remember(key)
    served.check()
    if served.serving.dry_run:
        print("\n".join(described(served)))
        return 0
    if not (find_spec("uvicorn") and find_spec("starlette")):
        raise ConfigError(_MISSING)
    return _serve(served)


def composed(given: Arguments) -> Served:
    """Raises ConfigError."""
    first = given.job(ServeJob)
    if first.tasks and any(_key(each) == "task" for each in given.overrides):
        raise ConfigError("tasks: says which there are; leave task= out")
    jobs = [_other(given, f"task={task}") for task in first.tasks] or [first]
    shadows = {}
    if shadow := first.shadow:
        without = [each for each in given.overrides if not _of_the_model(_key(each))]
        beside = replace(given, overrides=[*without, f"model={shadow.model}", "fallback=none"])
        for job in jobs:
            found = _other(beside, f"task={job.task.name}").decision
            apart = {"budget_usd": shadow.budget_usd, "budget_dir": None}
            shadows[job.task.name] = found.model_copy(update=apart)
    decisions = {job.task.name: job.decision for job in jobs}
    return Served(first.serving, decisions, shadows)


def _other(given: Arguments, override: str) -> ServeJob:
    without = [each for each in given.overrides if _key(each) != "task"]
    return replace(given, overrides=[*without, override]).job(ServeJob)


def _key(override: str) -> str:
    return override.partition("=")[0].lstrip("+~")


def _of_the_model(key: str) -> bool:
    return key.partition("@")[0].partition(".")[0] in ("model", "fallback", "tasks", "shadow")


def _serve(served: Served) -> int:
    from runner.pipeline.event_loop import run
    from runner.production.decisions import opened
    from runner.production.listening import Listener, bound, signals
    from runner.production.server import Front

    async def work() -> int:
        with signals() as stop:
            async with opened(served, say) as decisions:
                directories = [each.directory for each in decisions.values()]
                _introduce(served, at.getsockname()[1], directories)
                front = Front(served.serving, decisions, served.concurrency)
                return await Listener(front, served.serving).listen(at, stop)

    with closing(bound(served.serving.host, served.serving.port)) as at:
        given_up = run(work())
    if given_up:
        say(f"{given_up} requests were given up after {served.serving.drain:g} s (drain)")
    return 0


def _introduce(served: Served, port: int, directories: Sequence[Path]) -> None:
    serving = served.serving
    url = f"http://{f'[{serving.host}]' if ':' in serving.host else serving.host}:{port}/v1"
    names = ", ".join(served.decisions)
    kept = ", ".join(str(each) for each in directories)
    print(f"{names}: served at {url} (record: {kept}); Ctrl-C ends it")
    body = f'{{"model": "{next(iter(served.decisions))}", '
    body += '"messages": [{"role": "user", "content": "…"}]}'
    auth = f'-H "Authorization: Bearer ${serving.key_env}" ' if serving.key_env else ""
    print(f"curl {url}/chat/completions {auth}-H 'Content-Type: application/json' "
          f"-d {shlex.quote(body)}", flush=True)  # fmt: skip


def described(served: Served) -> Iterator[str]:
    """What would be served, a line each."""
    serving, limits = served.serving, served.serving.limits
    for task, job in served.decisions.items():
        yield from _task(task, job, pass_through=serving.pass_through)
        if shadow := serving.shadow:
            yield (
                f"  shadow      {shadow.model}, about {shadow.share:.0%} of the requests, for "
                f"${shadow.budget_usd:g} a day"
            )
    first = next(iter(served.decisions.values()))
    key = f"the key in {serving.key_env}" if serving.key_env else "no key: anyone on this machine"
    yield f"at            http://{serving.host}:{serving.port}/v1, for whoever has {key}"
    yield (
        f"limits        {served.concurrency} requests at once, {limits.waiting} more wait; "
        f"{limits.body_bytes:,} bytes, n={limits.n}; {limits.connections} connections"
    )
    yield f"budget        {_budget(first)}"
    yield f"on record     {first.outputs}/runs/"


def _task(task: str, job: Production, *, pass_through: bool) -> Iterator[str]:
    how = "a client's own messages and sampling" if pass_through else "as it was measured"
    yield f"model {task}: {how}"
    yield f"  answers     {_named(job.model)}"
    for model in job.fallback.chain.values():
        yield f"  then        {_named(model)}, on {', '.join(job.fallback.on)}"
    retry = job.retry
    left_alone = ""
    if breaker := retry.breaker:
        left_alone = f"; a provider is left alone after {breaker.failures} failures in a row"
    yield f"  retries     {retry.attempts} attempts of a model in {retry.total:g} s{left_alone}"
    privacy = job.requirements.data_privacy
    yield f"  asks for    max_tokens {job.task.sampling.max_tokens}; data privacy {privacy}"


def _named(model: Model) -> str:
    if isinstance(model, Single):
        return f"{model.name} ({model.id} at {model.provider.name})"
    arms = ", ".join(f"{key}: {_named(arm)}" for key, arm in model.arms.items())
    return f"{model.name}, a {model.kind} of {arms}"


def _budget(job: Production) -> str:
    if job.budget_usd is None:
        return "none: whatever the requests cost"
    if job.budget_dir:
        return f"${job.budget_usd:g}, with all processes that share {job.budget_dir}"
    return f"${job.budget_usd:g} a day (UTC), then a 429"
