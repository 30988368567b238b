"""One answer on trial: the two processes, what is between them, and what ends them."""

import asyncio
import marshal
import os
import secrets
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType, ModuleType
from typing import Any

from runner.scorers._python_tests import (
    code_side,
    halves,
    judge_side,
    limits,
    sandbox,
    values,
)
from runner.scorers._text import clip

_START_SECONDS = 30.0  # for the interpreter alone: on a busy machine that is not the answer's fault
_END_SECONDS = 2.0
# The modules come with the order: no file of the package is in a sandbox.
_START = """\
import marshal, sys, types
modules, order = marshal.load(sys.stdin.buffer)
for name, code in modules:
    sys.modules[name] = module = types.ModuleType(name)
    exec(code, vars(module))
module.main(order)
"""

_inside: dict[str, frozenset[int]] = {}  # by tests: what can't be sent turns out when it is tried


@dataclass(frozen=True)
class Trial:
    problem: str | None  # None: passed
    judged: int = 0  # asserts compared in the judge's process
    believed: int = 0  # asserts evaluated in that of the code
    limits: dict[str, str] = field(default_factory=dict)


async def run(answer: str, tests: str, seconds: float, memory_mb: int) -> Trial:
    """Raises RuntimeError when nothing can be run here."""
    shut = await asyncio.to_thread(sandbox.found)
    while True:
        inside = _inside.get(tests, frozenset())
        split = _split(tests, inside)
        order = {
            "secret": secrets.token_hex(),
            "seconds": seconds,
            "memory_mb": memory_mb,
            "stranger": shut.stranger,
            "counts_alone": shut.counts_alone,
        }
        async with AsyncExitStack() as stack:
            pair = [stack.enter_context(each) for each in socket.socketpair()]
            code = await stack.enter_async_context(_process(shut, pair[0]))
            judge = await stack.enter_async_context(_process(shut, pair[1]))
            channels = [each.detach() for each in pair]
            for each in channels:
                os.close(each)
            checks = [tuple(each) for each in split.checks]
            blind = [(*each[:3], None) for each in checks]
            here = {"channel": channels[0], "tests": split.beside, "checks": blind}
            there = {"channel": channels[1], "tests": split.judge, "checks": checks}
            await _order(code, _CODE, order | here | {"answer": answer})
            await _order(judge, _JUDGE, order | there)
            held = await _start(code, judge)
            said = await _verdict(code, judge, seconds, memory_mb)
        if "inside" in said:
            _inside[tests] = inside | {said["inside"]}
            continue
        return Trial(
            problem=_why(said, {"answer": answer, "tests": tests}),
            judged=said.get("judged", 0),
            believed=said.get("believed", 0),
            limits=sandbox.words(shut, held, memory_mb),
        )


@lru_cache(maxsize=64)
def _split(tests: str, inside: frozenset[int]) -> halves.Halves:
    return halves.split(tests, inside)


@asynccontextmanager
async def _process(shut: sandbox.Sandbox, channel: socket.socket) -> AsyncIterator[Process]:
    with TemporaryDirectory(prefix="python_tests_") as folder:
        if shut.stranger:
            os.chown(folder, shut.stranger, shut.stranger)
        process = await _begun(shut, channel, folder)
        try:
            yield process
        finally:
            await _end(process, shut)


async def _begun(shut: sandbox.Sandbox, channel: socket.socket, folder: str) -> Process:
    beginning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *(*shut.command, *sandbox.PYTHON, "-c", _START),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=[channel.fileno()],
            cwd=folder,
            env=sandbox.ENVIRONMENT,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        # asyncio would kill the outermost process alone, and wait for the pipes of those inside.
        with suppress(OSError):
            await _end(await beginning, shut)
        raise


async def _end(process: Process, shut: sandbox.Sandbox) -> None:
    with suppress(ProcessLookupError, PermissionError):  # all of them ended before
        # Bubblewrap ends once the first process inside has, and that one ends after all others.
        for first in sandbox.children(process.pid) if shut.command else ():
            os.kill(first, signal.SIGKILL)
            with suppress(TimeoutError):
                async with asyncio.timeout(_END_SECONDS):
                    await process.wait()
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):  # something that escaped holds the pipe
        async with asyncio.timeout(_END_SECONDS):
            await process.communicate()


async def _order(process: Process, modules: tuple[ModuleType, ...], order: dict[str, Any]) -> None:
    assert process.stdin
    with suppress(ConnectionError):  # it ended at once: what it says on stderr is reported below
        compiled = [(each.__name__, _compiled(each)) for each in modules]
        process.stdin.write(marshal.dumps((compiled, order)))
        await process.stdin.drain()
    process.stdin.close()


@cache
def _compiled(module: ModuleType) -> CodeType:
    return compile(Path(module.__file__ or "").read_bytes(), module.__name__, "exec")


_CODE = (values, limits, code_side)
_JUDGE = (*_CODE, judge_side)


async def _start(code: Process, judge: Process) -> dict[str, bool]:
    """Which limits the code's process could set for itself."""
    assert judge.stdout and judge.stderr and code.stderr
    try:
        # Not wait_for: before Python 3.12 it loses an interrupt that comes with its line.
        async with asyncio.timeout(_START_SECONDS):
            line = await judge.stdout.readline()
    except TimeoutError:
        raise RuntimeError(f"the sandbox took over {_START_SECONDS:g} s to start") from None
    said = values.decode(line.decode()) if line else {}
    if "limits" not in said:
        trouble = b"".join([await code.stderr.read(), await judge.stderr.read()])
        text = trouble.decode(errors="replace")[-300:]
        raise RuntimeError(f"the sandbox did not start: {clip(text, 300)}")
    found: dict[str, bool] = said["limits"]
    return found


async def _verdict(code: Process, judge: Process, seconds: float, memory_mb: int) -> dict[str, Any]:
    assert judge.stdout
    reading = asyncio.ensure_future(judge.stdout.readline())
    watching = asyncio.ensure_future(_too_much(code.pid, memory_mb))
    try:
        done, _ = await asyncio.wait(
            (reading, watching), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
    finally:
        reading.cancel()
        watching.cancel()
    if watching in done:
        return {"problem": watching.result()}
    if reading not in done:
        return {"problem": f"timed out after {seconds:g} s"}
    if not (line := reading.result()):
        return {"problem": "could not be judged"}
    said: dict[str, Any] = values.decode(line.decode())
    return said


async def _too_much(process: int, memory_mb: int) -> str:
    """Waits for the processes of the code to take more than they may, all together."""
    while True:
        memory, number = sandbox.used_by(process)
        if memory > memory_mb << 20:
            return f"took over {memory_mb} MB, all processes together"
        if number > limits.MOST_PROCESSES + 3:  # bubblewrap's own are among them
            return f"had more than {limits.MOST_PROCESSES} processes at once"
        await asyncio.sleep(1 / sandbox.WATCHES_PER_SECOND)


def _why(said: dict[str, Any], sources: dict[str, str]) -> str | None:
    problem: str | None = said["problem"]
    where, number = said.get("where"), said.get("line")
    if problem is None or where not in sources:
        return problem
    if not isinstance(number, int):
        return f"{problem} in {where}"
    line = "".join(sources[where].splitlines()[number - 1 :][:1]).strip()[:200]
    return f"{problem} in {where}, line {number}: {line}"
