"""A decision asked as a client of the server would ask it, without a socket: for drills."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import httpx

from runner.cases.cases import Case
from runner.cases.query import Question
from runner.errors import ConfigError
from runner.pipeline.session import Session
from runner.production.decisions import Decision
from runner.production.job import Production
from runner.production.server import Front
from runner.production.serving import Limits, Serving
from runner.record.journal import Journal
from runner.record.outcomes import Answered, Failed, Record

_LIMITS = Limits(
    waiting=0,
    body_bytes=20_000_000,
    max_tokens=None,
    n=1,
    connections=1,
    header_time=10,
    body_time=30,
    write_time=30,
)
_SERVING = Serving(
    host="localhost",
    port=0,
    key_env=None,
    pass_through=False,
    limits=_LIMITS,
    shadow=None,
    drain=1,
    dry_run=False,
)


class _Kept:
    """In place of a journal: the last outcome."""

    last: Answered | Failed

    async def append(self, outcome: Record) -> None:
        assert isinstance(outcome, Answered | Failed)
        self.last = outcome


class Client:
    """Asks one question at a time, and holds what comes back against the record of it."""

    def __init__(self, session: Session) -> None:
        fields = {name: getattr(session.job, name) for name in Production.model_fields}
        job = Production.model_construct(**fields)
        self._task, self._kept = job.task.name, _Kept()
        kept = replace(session, journal=cast(Journal, self._kept))
        decision = Decision(job, kept, Path(), job.fingerprint())
        front = Front(_SERVING, {self._task: decision}, 1)
        self._http = httpx.AsyncClient(
            transport=httpx.ASGITransport(front), base_url="http://localhost/v1", timeout=None
        )

    async def ask(self, question: Question, *, stream: bool) -> Answered | Failed:
        """Raises ConfigError for a case that no client could send."""
        asked = {
            "model": self._task,
            "messages": [{"role": "user", "content": _text(question.case)}],
            "stream": stream,
        }
        reply = await self._http.post("/chat/completions", json=asked)
        if reply.status_code in (400, 404) and "x-request-id" not in reply.headers:
            said = reply.json()["error"]["message"]
            raise ConfigError(f"case '{question.case.id}': can't be asked of a server: {said}")
        outcome = self._kept.last
        expected = outcome.reply if isinstance(outcome, Answered) else None
        if (said := _said(reply)) != expected:
            raise RuntimeError(f"a client was told {said!r}, and {expected!r} is on record")
        return outcome


def _text(case: Case) -> str:
    if case.system is not None or case.images or case.files or case.messages or case.turns:
        raise ConfigError(f"case '{case.id}': served=true asks with the case's input alone")
    given = case.input
    return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)


def _said(reply: httpx.Response) -> str | None:
    """What a client takes for the answer; None: there was none."""
    if not reply.is_success:
        return None
    if not reply.headers["content-type"].startswith("text/event-stream"):
        return str(reply.json()["choices"][0]["message"]["content"])
    events = [line[6:] for line in reply.text.split("\n\n") if line.startswith("data: ")]
    if events[-1] != "[DONE]":
        return None
    chunks: list[Any] = [json.loads(event) for event in events[:-1]]
    return "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks)
