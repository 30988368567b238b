"""litellm's proxy as a process of its own, from its start until it is told to stop."""

import asyncio
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import httpx

from runner.config.redact import redact
from runner.errors import ConfigError, RunnerError

LOG = "proxy.log"
_POLL_SECONDS = 0.2
_LAST_WORDS = 8  # lines
_LONGEST_LINE = 64 * 1024 * 1024  # bytes: a traceback may hold a whole request
_NEEDED = "fastapi", "uvicorn", "apscheduler", "orjson"  # of litellm's extra
# Nothing is fetched or read from a .env file at the start, and little is open to strangers.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
    "NO_DOCS": "True",
    "LITELLM_CORS_ORIGINS": "http://none.invalid",  # by itself it answers every page of a browser
    "DISABLE_ADMIN_UI": "True",
}
# Where it would look for a database, or for keys that the config does not name.
_FOREIGN = "DATABASE_URL", "DIRECT_URL", "LITELLM_MASTER_KEY", "LITELLM_SALT_KEY"


def check_address(host: str, port: int) -> None:
    """Raises ConfigError when the proxy is not installed or its address is not to be had."""
    if names := missing():
        raise ConfigError(
            f"the gateway needs the extra: pip install -e '.[gateway]' (no {', '.join(names)})"
        )
    try:
        with socket.create_server((host, port), family=_family(host)):
            pass
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]  # then comes the address, again
        raise ConfigError(f"port: can't listen on {host}:{port}: {reason}") from None


def missing() -> list[str]:
    """What of the extra is not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def base_url(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


async def run(
    config: Path, host: str, port: int, environment: Mapping[str, str], ready: Callable[[], None]
) -> None:
    """Start the proxy, say when it is `ready`, and return once SIGINT or SIGTERM has ended it.

    It ends after the requests in flight, on a second signal at once. What it prints goes to
    proxy.log beside the config, without keys. Raises RunnerError with its last words when it ends
    by itself.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "litellm.proxy.proxy_cli", "--config", str(config)),
        *("--host", host, "--port", str(port), "--telemetry", "False"),
        env={**_environment(), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=_LONGEST_LINE,
        start_new_session=True,  # a Ctrl-C reaches us alone, and is passed on once
    )
    stopped = asyncio.Event()

    def stop() -> None:
        with suppress(ProcessLookupError):  # it has ended meanwhile
            process.kill() if stopped.is_set() else process.terminate()
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    starting = asyncio.create_task(_started(_probed(host), port, ready))
    try:
        last_words = await _log(process.stdout, config.with_name(LOG))
        code = await process.wait()
    finally:
        starting.cancel()
        if process.returncode is None:
            process.kill()
    if not stopped.is_set():
        raise RunnerError("\n".join([f"the proxy ended with code {code}:", *last_words]))


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    spared = ",".join(filter(None, [kept.get("NO_PROXY"), "127.0.0.1", "localhost", "::1"]))
    return {**kept, **_ENVIRONMENT, "NO_PROXY": spared, "no_proxy": spared}


async def _log(output: asyncio.StreamReader | None, file: Path) -> list[str]:
    """Copy it to the end, and return its last lines."""
    assert output is not None
    last: deque[str] = deque(maxlen=_LAST_WORDS)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as log:
        async for line in output:
            text = redact(line.decode(errors="replace"))
            log.write(text)
            log.flush()
            last.append(text.rstrip())
    return list(last)


def _probed(host: str) -> str:
    """Who listens everywhere is asked on loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


async def _started(host: str, port: int, ready: Callable[[], None]) -> None:
    url = f"{base_url(host, port)}/health/readiness"
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).is_success:
                    return ready()
            except httpx.TransportError:
                pass
            await asyncio.sleep(_POLL_SECONDS)
