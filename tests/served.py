"""A server of decisions, in a thread of its own, on a loopback socket."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import openai

from runner.commands._arguments import arguments
from runner.commands.serve import composed
from runner.production.decisions import Decision, opened
from runner.production.listening import Listener, bound
from runner.production.server import Front
from runner.record.journal import read_journal
from runner.record.outcomes import Answered, Failed

SERVE_KEY = "sk-served-0123456789-abcdef"


@dataclass
class Server:
    base_url: str
    decisions: dict[str, Decision]
    stop: "asyncio.Queue[None]"
    loop: asyncio.AbstractEventLoop
    listener: Listener

    @property
    def client(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.base_url, api_key=SERVE_KEY, max_retries=0)

    def post(self, json: object, **changes: str) -> httpx.Response:
        """A chat completion by hand; headers may be other ones."""
        headers = {"authorization": f"Bearer {SERVE_KEY}"} | changes
        url = f"{self.base_url}/chat/completions"
        return httpx.post(url, json=json, headers=headers, timeout=60, verify=False)  # no TLS here

    def drain(self) -> None:
        """As SIGTERM does."""
        self.loop.call_soon_threadsafe(self.stop.put_nowait, None)

    def record(self, task: str = "demo") -> list[Answered | Failed]:
        return list(read_journal(self.decisions[task].directory / "cases.jsonl"))


@contextmanager
def serving(conf: Path, *overrides: str) -> Iterator[Server]:
    """`python -m runner serve` with these, its key in RUNNER_SERVE_KEY. It ends well."""
    fixed = ["port=0", f"outputs={conf.parent / 'outputs'}"]
    words = ["--config-dir", str(conf), *fixed, *overrides]
    served = composed(arguments("serve", None, words))
    served.check()
    begun: Future[Server] = Future()

    async def work() -> None:
        at = bound(served.serving.host, served.serving.port)
        host, port, *_ = at.getsockname()
        async with opened(served, lambda _: None) as decisions:
            stop = asyncio.Queue[None]()
            front = Front(served.serving, decisions, served.concurrency)
            url = f"http://{host}:{port}/v1"
            listener = Listener(front, served.serving)
            begun.set_result(Server(url, decisions, stop, asyncio.get_running_loop(), listener))
            await listener.listen(at, stop)

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:
            if begun.done():
                raise
            begun.set_exception(error)

    thread = threading.Thread(target=run, name="served")
    thread.start()
    server = begun.result(timeout=60)
    try:
        yield server
    finally:
        if thread.is_alive():
            server.drain()
            server.drain()
        thread.join(timeout=60)
        assert not thread.is_alive()
