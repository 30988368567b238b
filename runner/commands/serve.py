"""Put a decision behind an OpenAI-compatible address: arms, fallbacks, limits and retries as set.

    python -m runner serve task=extraction model=haiku fallback=cross_provider
    python -m runner serve task=extraction model=haiku dry_run=true > proxy.yaml

litellm's proxy does it (extra `gateway`); what it can't express is refused. Clients ask for the
model by the task's name and send their own messages; sampling and JSON schema of the task hold for
what a request leaves out. conf/serve.yaml holds the keys of its own.
"""

import asyncio
import ipaddress
import json
import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date, datetime
from pathlib import Path

import yaml
from pydantic import Field

from runner.calls.embedded.server import serve
from runner.commands._arguments import arguments
from runner.config import pins, redact
from runner.config.schema import Job
from runner.errors import ConfigError
from runner.measure import requirements
from runner.production.gateway import proxy
from runner.production.gateway.config import defaults, environment, not_carried_over, proxy_config

CONFIG = "config.yaml"


class ServeJob(Job):
    """A job, and where clients find it."""

    host: str
    port: int = Field(ge=1, le=65535)
    # The name of the variable that holds the gateway's key, never the key; None: no key.
    master_key_env: str | None = Field(pattern=r"^[A-Z_][A-Z0-9_]*$")
    dry_run: bool

    @property
    def on_loopback(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def main(argv: Sequence[str]) -> int:
    job = arguments("serve", __doc__, argv).job(ServeJob)
    check(job, date.today(), starting=not job.dry_run)
    if job.dry_run:
        print(text(job), end="")
    else:
        asyncio.run(_serve(job))
    return 0


def check(job: ServeJob, today: date, *, starting: bool) -> None:
    """Raises ConfigError with a line for all that is known to go wrong, before anything starts."""
    problems = [
        f"{leak}, but requirements.data_privacy is {job.requirements.data_privacy}"
        for leak in requirements.leaks(job)
    ]
    for where, model in job.answering.items():
        try:
            pins.check_callable(model, today)
        except ConfigError as error:
            problems += [f"{where}: {problem}" for problem in error.problems]
        if starting and (missing := redact.missing_key(model, where)):
            problems.append(missing)
        if model.artifact and not starting:
            problems.append(f"dry_run: {where} gets its port when the gateway starts")
    if problem := _unguarded(job, starting):
        problems.append(problem)
    if problems:
        raise ConfigError(*problems)
    proxy_config(job, job.master_key_env)
    if starting:
        from runner.calls.translate import check_parameters

        proxy.check_address(job.host, job.port)
        redact.know(job.answering.values())
        for model in job.answering.values():
            check_parameters(model, defaults(job, model))


def _unguarded(job: ServeJob, starting: bool) -> str | None:
    name = job.master_key_env
    if name is None and not job.on_loopback:
        return f"master_key_env: a gateway on {job.host} needs a key; name its variable"
    if starting and name and not os.environ.get(name):
        return f"master_key_env: set {name}, the key that clients will send, in the environment"
    return None


def text(job: ServeJob) -> str:
    """The proxy's config as a file that can be started by hand."""
    waits = " ".join(f"{name}={value}" for name, value in environment(job).items())
    notes = [
        f"{waits} litellm --config <this file>",
        "It needs this package installed, and the keys in the environment.",
        *(f"note: {note}" for note in not_carried_over(job)),
    ]
    settings = json.loads(json.dumps(proxy_config(job, job.master_key_env)))  # nothing shared: YAML
    written = yaml.safe_dump(settings, sort_keys=False, width=100)  # would write an alias for it
    return "".join(f"# {note}\n" for note in notes) + written


async def _serve(job: ServeJob) -> None:
    now = datetime.now().strftime("%Y-%m-%d_%H-%M-%S-%f")
    directory = job.outputs.absolute() / "gateway" / now
    directory.mkdir(parents=True)
    async with AsyncExitStack() as stack:
        started = await serve(job, stack)
        assert isinstance(started, ServeJob)
        path = directory / CONFIG
        with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(text(started))
        await proxy.run(
            path, job.host, job.port, environment(job), ready=lambda: _introduce(job, directory)
        )


def _introduce(job: ServeJob, directory: Path) -> None:
    url = f"{proxy.base_url(job.host, job.port)}/v1"
    body = f'{{"model": "{job.task.name}", "messages": [{{"role": "user", "content": "…"}}]}}'
    auth = f'-H "Authorization: Bearer ${job.master_key_env}" ' if job.master_key_env else ""
    print(f"{job.task.name} is served at {url} (log: {directory / proxy.LOG}); Ctrl-C ends it")
    print(f"curl {url}/chat/completions {auth}-H 'Content-Type: application/json' "
          f"-d {shlex.quote(body)}", flush=True)  # fmt: skip
    for note in not_carried_over(job):
        print(f"runner: note: {note}", file=sys.stderr)
