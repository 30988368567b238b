"""A decision in a program of your own: `load` makes a `Client`, which asks.

    from runner import load

    with load("task=extraction", "model=haiku", "fallback=cross_provider") as client:
        answer = client.ask("Two pumps arrived broken …")
        print(answer.output, answer.parsed, answer.cost_usd)

In a web application one client is made when it starts, and asked by every handler:

    @asynccontextmanager
    async def lifespan(app):
        async with load("task=summarization", "model=haiku", "budget_usd=5") as app.state.client:
            yield

    async def summary(request):
        try:
            answer = await request.app.state.client.aask(await request.text(), user="u17")
        except AskFailed as failed:
            return JSONResponse({"error": failed.answer.kind}, status_code=503)
        return JSONResponse({"summary": answer.output, "waited": answer.waited_seconds})

    async def streamed(request):
        async def pieces():
            async with client.astream(await request.text()) as stream:
                async for piece in stream:
                    yield piece
        return StreamingResponse(pieces())

    print(client.totals.requests, client.totals.failed, client.totals.cost_usd)

A request that got no answer raises AskFailed, whose `answer` says why and what it cost. All
requests of a client share its connections, its budget and the limits of its providers, from
whichever thread or event loop they come. Of the requests a minute that a provider grants (`rpm`),
a tenth may go at once, and the others are spaced evenly. Behind an address of its own, for other
languages, the same decision is served by `python -m runner serve`.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack
from weakref import finalize

from runner.cases import strict_json
from runner.cases.call_log import OnText
from runner.cases.cases import Case
from runner.errors import RunnerError
from runner.production.answer import Answer, Totals, answer, invalid
from runner.production.background import Background
from runner.production.inputs import InvalidInput, check, render, request
from runner.production.job import Production, production, request_key

if TYPE_CHECKING:
    from runner.pipeline.session import Session

Input = str | Mapping[str, Any] | None  # None: the request has `messages`


class AskFailed(RunnerError):
    """A request without an answer; `answer` is its record, and `answer.kind` the kind of error."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(answer.error)


def load(
    *overrides: str,
    config_dir: str | Path | None = None,
    journal: str | Path | None = None,
) -> "Client":
    """A client for the decision that these overrides make, as on the command line of `run`.

    `config_dir` is a directory of your own, laid out like conf/. With `journal` every outcome is
    appended to that file before it is returned; one client at a time may write to it. Embedded
    models are served until the client is closed. Raises ConfigError for whatever can go wrong
    before a request is sent.
    """
    from omegaconf import OmegaConf
    from omegaconf.resolvers import oc

    from runner.config import loading
    from runner.config.catalogue import compose_config
    from runner.production.deployment import check_production

    composed = compose_config("run", overrides, config_dir)
    try:
        job = production(loading.plain(composed, overrides))
    finally:  # what our configs may not do, those of this program may
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    check_production(job)
    return Client(job, None if journal is None else Path(journal).absolute())


class Request(TypedDict, total=False):
    """What a request may say besides its input; None: nothing."""

    id: str | None  # else requests are counted
    tags: Sequence[str] | None  # a router's rules look at them
    user: str | None  # keeps a user with one arm of a split
    system: str | None  # in place of the task's
    max_tokens: int | None  # in place of the task's
    images: Sequence[str | Path] | None
    files: Sequence[str | Path] | None  # PDFs
    messages: Sequence[Mapping[str, Any]] | None  # a conversation, in place of the input


class Client:
    """Asks one decision. `load` makes it; close it, or use it in a `with` or `async with` block.

    Every way to ask takes a text, or a mapping of the variables that the task's prompt names, or
    `messages=`, and the keys of `Request`. It raises AskFailed, and RunnerError once the client is
    closed. `totals` are of the requests until now; what could not be one, and was not sent, is none
    of them.
    """

    def __init__(self, job: Production, journal: Path | None = None) -> None:
        self.job = job
        self._fingerprint = job.fingerprint()
        self._background = Background(job, journal)
        self._ids = count(1)
        self.totals = Totals()
        # Also when it is forgotten, and when the program ends: no server and no line stays behind.
        self._close = finalize(self, self._background.close)

    def ask(self, input: Input = None, **request: Unpack[Request]) -> Answer:
        """From any thread. In a coroutine use `aask`: this one waits."""
        future = self._background.start(self._work(input, request))
        try:
            return future.result()
        except BaseException:
            future.cancel()  # at Ctrl-C it is still under way
            raise

    async def aask(self, input: Input = None, **request: Unpack[Request]) -> Answer:
        """From any event loop; when it is cancelled, so is the request."""
        return await asyncio.wrap_future(self._background.start(self._work(input, request)))

    def astream(self, input: Input = None, **request: Unpack[Request]) -> "Stream":
        """The answer piece by piece; a cascade's comes whole, once its checks are passed."""
        return Stream(lambda on_text: self._background.start(self._work(input, request, on_text)))

    def close(self) -> None:
        """Requests under way are given up. May be called again."""
        self._close()

    async def aclose(self) -> None:
        await asyncio.to_thread(self.close)

    def _work(
        self, input: Input, request: Request, on_text: OnText | None = None
    ) -> Callable[[Any], Coroutine[Any, Any, Answer]]:
        id = request.get("id") or str(next(self._ids))
        # Not the client: it may be forgotten.
        fingerprint, job, totals = self._fingerprint, self.job, self.totals

        async def ask(session: "Session") -> Answer:
            try:
                case = _case(input, request, id)
                check(job.task, case)
                messages = render(job.task, case)
            except InvalidInput as problem:
                raise AskFailed(invalid(str(problem), problem.id)) from None
            key = request_key(fingerprint, case.model_dump_json().encode())
            found = await session.ask(job.question(case, messages, key), on_text=on_text)
            await session.keep(found)
            given = answer(found, job.task, as_json=job.wants_json)
            totals.add(given)
            if given.status == "failed":
                raise AskFailed(given)
            return given

        return ask

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


class Stream:
    """An answer as it is written: `async for piece in stream`; then `answer` is all of it.

    The request is sent when the first piece is asked for. AskFailed is raised where the pieces
    break off. To stop before the end use `async with`, or `aclose`.
    """

    def __init__(self, start: Callable[[OnText], Future[Answer]]) -> None:
        self.answer: Answer | None = None  # None: it has not ended, or was stopped
        self._start = start
        self._future: Future[Answer] | None = None
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        future = self._future = self._future or self._begin()
        piece = await self._pieces.get()
        if piece is not None:
            return piece
        self._pieces.put_nowait(None)  # for whoever asks once more
        if not future.cancelled():
            self.answer = future.result()
        raise StopAsyncIteration

    def _begin(self) -> Future[Answer]:
        loop, pieces = asyncio.get_running_loop(), self._pieces

        def hand_over(piece: str | None) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(pieces.put_nowait, piece)

        future = self._start(hand_over)
        future.add_done_callback(lambda _: hand_over(None))
        return future

    async def aclose(self) -> None:
        """Stop; a request under way is given up."""
        if self._future:
            self._future.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _case(input: Input, given: Request, id: str) -> Case:
    """Raises InvalidInput."""
    said = {key: value for key, value in given.items() if value is not None}
    said["images"] = [str(path) for path in given.get("images") or ()]
    said["files"] = [str(path) for path in given.get("files") or ()]
    said |= {} if input is None else {"input": input}
    try:
        value = strict_json.loads(json.dumps(said))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"is not JSON: {error}", id) from None
    return request(value, id, Path.cwd())
