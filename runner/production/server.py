"""The decisions of a server behind OpenAI's addresses: an ASGI application.

    async with decisions.opened(served, say) as found:
        front = Front(served.serving, found, served.concurrency)
        ...  # front is the application; await front.drain(seconds) when it is to end

What is asked goes the way that `run` and the client go. A client that hangs up gives its request
up; what was paid for it is on record.
"""

import asyncio
import hmac
import json
import sys
import time
import traceback
import uuid
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from runner.cases.query import Question
from runner.config.redact import redact
from runner.config.terminal import clean, say
from runner.errors import RunnerError, did_you_mean
from runner.production import chat, openai_api
from runner.production.asking import Asking, HungUp, Outcomes
from runner.production.decisions import Decision
from runner.production.openai_api import ApiError, ChatRequest, Chunks, Json
from runner.production.serving import Serving, on_loopback
from runner.record.outcomes import Answered, Failed

_CLOSE = {"connection": "close"}  # where the rest of a body is not worth reading


class Front:
    """What stands between clients and decisions."""

    def __init__(self, serving: Serving, decisions: dict[str, Decision], concurrency: int) -> None:
        self._serving, self._limits, self._decisions = serving, serving.limits, decisions
        self._key = (serving.key or "").encode()
        self._turns, self._asked = asyncio.Semaphore(concurrency), 0
        self._most = concurrency + serving.limits.waiting
        self._since = int(time.time())
        self._draining = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._inner = Starlette(
            routes=[
                Route("/health", self._health),
                Route("/v1/models", self._models),
                Route("/v1/models/{task}", self._model),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
            ],
            exception_handlers={ApiError: _refusal, HTTPException: _no_such_place},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application."""
        task = asyncio.current_task()
        assert task is not None
        self._under_way.add(task)
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            if scope["path"] != "/health":
                self._admit(Request(scope))
            await self._inner(scope, receive, sending)
        except ApiError as error:
            await _said(error)(scope, receive, send)
        except (HungUp, ClientDisconnect):
            pass
        except RunnerError as error:
            say(str(error))
            if not begun:
                await _said(_ours())(scope, receive, send)
        except asyncio.CancelledError:
            if begun or not self._draining:
                raise
            await _said(_stopping())(scope, receive, send)
        except Exception:
            sys.stderr.write(clean(redact(traceback.format_exc())))
            raise
        finally:
            self._under_way.discard(task)

    async def drain(self, seconds: float) -> int:
        """Take nothing new. What is under way has so long to end, then it is given up: so many."""
        self._draining = True
        if not self._under_way:
            return 0
        _, late = await asyncio.wait(self._under_way, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
        return len(late)

    def _admit(self, request: Request) -> None:
        """Raises ApiError."""
        if self._key:
            given = request.headers.get("authorization", "")
            scheme, _, key = given.partition(" ")
            same = hmac.compare_digest(key.strip().encode(), self._key)
            if scheme.lower() != "bearer" or not same:
                why = "no key, or a wrong one"
                raise ApiError(401, why, "invalid_api_key", again=False, headers=_CLOSE)
        elif not on_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or ""):
            # A page in a browser on this machine would ask under a name of its own.
            why = "without a key only localhost is answered"
            raise ApiError(403, why, "forbidden", again=False, headers=_CLOSE)
        if self._draining:
            raise _stopping()

    async def _health(self, _: Request) -> Response:
        said = "draining" if self._draining else "ok"
        return _json({"status": said}, 503 if self._draining else 200)

    async def _models(self, _: Request) -> Response:
        return _json(openai_api.models(list(self._decisions), self._since))

    async def _model(self, request: Request) -> Response:
        self._decision(task := request.path_params["task"])
        return _json(openai_api.model(task, self._since))

    async def _chat(self, request: Request) -> Response:
        asked = openai_api.read(await self._body(request))
        decision = self._decision(asked.model)
        count, most = asked.n or 1, self._limits.n
        if count > most:
            raise openai_api.refused(f"n: {most} is the most", "n")
        id = f"chatcmpl-{uuid.uuid4().hex}"
        first = chat.question(
            decision.job,
            decision.fingerprint,
            asked,
            id,
            pass_through=self._serving.pass_through,
            most_tokens=self._limits.max_tokens,
        )
        questions = [_repeated(first, number) for number in range(count)]
        return _Exchange(self, decision, asked, questions)

    async def _body(self, request: Request) -> bytes:
        """Raises ApiError, ClientDisconnect."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            # So that no page in a browser can ask without asking first.
            why, code = "content-type: is to be application/json", "unsupported_media_type"
            raise ApiError(415, why, code, again=False, headers=_CLOSE)
        most = self._limits.body_bytes
        why, code = f"the body has more than {most:,} bytes", "request_too_large"
        too_much = ApiError(413, why, code, again=False, headers=_CLOSE)
        if int(request.headers.get("content-length", "0")) > most:
            raise too_much
        found = bytearray()
        try:
            async with asyncio.timeout(self._limits.body_time):
                async for part in request.stream():
                    found += part
                    if len(found) > most:
                        raise too_much
        except TimeoutError:
            why = "the body did not come in time"
            raise ApiError(408, why, "timeout", headers=_CLOSE) from None
        return bytes(found)

    def _decision(self, task: str) -> Decision:
        if found := self._decisions.get(task):
            return found
        near = did_you_mean(task, self._decisions)
        raise ApiError(404, f"no model '{task}'{near}", "model_not_found", "model", again=False)

    def ask(
        self, decision: Decision, questions: Sequence[Question], receive: Receive, *, streamed: bool
    ) -> Asking:
        """Raises ApiError where too many are asked already."""
        if self._asked >= self._most:
            why = "too many requests are waiting already"
            raise ApiError(429, why, "rate_limit_exceeded", retry_after=1)

        async def gone() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        def ended() -> None:
            self._asked -= 1

        asking = Asking(
            decision, questions, turn=self._turns, gone=gone, ended=ended, streamed=streamed
        )
        self._asked += 1
        return asking


class _Exchange(Response):
    """A question and its answer, whole or streamed."""

    def __init__(
        self, front: Front, decision: Decision, asked: ChatRequest, questions: Sequence[Question]
    ) -> None:
        super().__init__()
        self._front, self._decision = front, decision
        self._asked, self._questions = asked, questions
        self._id, self._task = questions[0].case.id, decision.job.task.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        streamed = bool(self._asked.stream)
        asking = self._front.ask(self._decision, self._questions, receive, streamed=streamed)
        async with asking:
            if streamed and (first := await asking.piece()):
                await self._stream(asking, first, send)
                return
            outcomes = await asking.outcomes()
            headers = {"x-request-id": self._id} | self._about(outcomes)
            if error := _failure(outcomes):
                raise replace(error, headers=error.headers | headers)
            answers = [each for each in outcomes if isinstance(each, Answered)]
            if streamed:  # without a word of text
                await _begin(send, headers)
                await _send(send, self._end(Chunks(self._id, self._task), answers))
                return
            whole = openai_api.completion(self._id, self._task, answers) | self._extra(outcomes)
        await _json(whole, headers=headers)(scope, receive, send)

    async def _stream(self, asking: Asking, first: tuple[int, str], send: Send) -> None:
        chunks = Chunks(self._id, self._task)
        log = asking.logs[first[0]]
        arm = ".".join(choice.arm for choice in log.choices if choice.how != "escalated")
        known = {"arm": arm, "fallback": log.fallback, "task": self._task}
        await _begin(send, {"x-request-id": self._id} | _named(known))
        piece: tuple[int, str] | None = first
        try:
            while piece:
                await _send(send, chunks.text(*piece), more=True)
                piece = await asking.piece()
            outcomes = await asking.outcomes()
        except asyncio.CancelledError:
            await _send(send, chunks.breaks(_stopping()))
            raise
        except RunnerError:
            await _send(send, chunks.breaks(_ours()))
            raise
        if error := _failure(outcomes):
            await _send(send, chunks.breaks(error))
            return
        answers = [each for each in outcomes if isinstance(each, Answered)]
        await _send(send, self._end(chunks, answers))

    def _end(self, chunks: Chunks, answers: list[Answered]) -> bytes:
        options = self._asked.stream_options
        apart = bool(options and options.include_usage)
        return chunks.ends(answers, self._extra(answers), apart=apart)

    def _extra(self, outcomes: Sequence[Answered | Failed]) -> Json:
        return {"runner": openai_api.about(self._task, outcomes)}

    def _about(self, outcomes: Outcomes) -> dict[str, str]:
        said = openai_api.about(self._task, outcomes)
        return _named({key: said.get(key) for key in _IN_HEADERS})


_IN_HEADERS = ("task", "model", "arm", "fallback", "attempts", "cost_usd", "waited_seconds")


def _named(said: Json) -> dict[str, str]:
    """What is unknown, or not so, has no header."""
    known = {key: value for key, value in said.items() if value not in (None, "")}
    return {f"x-runner-{key.replace('_', '-')}": f"{value}" for key, value in known.items()}


def _failure(outcomes: Outcomes) -> ApiError | None:
    return next((openai_api.failure(each) for each in outcomes if isinstance(each, Failed)), None)


def _repeated(question: Question, number: int) -> Question:
    """Repeats of one seed would be one answer, copied."""
    seed = question.query.seed
    query = replace(question.query, seed=None if seed is None else seed + number)
    return replace(question, query=query, repeat=number) if number else question


def _stopping() -> ApiError:
    return ApiError(503, "the server is stopping", "stopping", retry_after=5)


def _ours() -> ApiError:
    return ApiError(500, "something went wrong in the server itself", "internal_error")


async def _begin(send: Send, headers: dict[str, str]) -> None:
    also = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    pairs = [(name.encode(), value.encode()) for name, value in (also | headers).items()]
    await send({"type": "http.response.start", "status": 200, "headers": pairs})


async def _send(send: Send, body: bytes, *, more: bool = False) -> None:
    await send({"type": "http.response.body", "body": body, "more_body": more})


def _json(value: Json, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(body, status, headers, media_type="application/json")


def _said(error: ApiError) -> Response:
    return _json(error.body, error.status, error.all_headers)


async def _refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return _said(error)


async def _no_such_place(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    where = f"{request.method} {request.url.path}"
    return _said(ApiError(error.status_code, f"there is no {where}", "not_found", again=False))
