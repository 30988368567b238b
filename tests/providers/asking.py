"""What is asked: each thing in the provider's own place."""

import base64
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.cases import attachments
from runner.cases.query import misfit
from runner.record.outcomes import Reply
from tests.providers.calls import (
    ENFORCED,
    MESSAGES,
    PDF,
    PNG,
    SCHEMA,
    Bench,
    NotThere,
    answered,
    ask,
    place,
    sent,
)
from tests.providers.table import Hole, Row


async def path(row: Row, bench: Bench) -> str:
    _, request = await answered(row, bench)
    assert (request.method, request.path) == ("POST", row.facts.path)
    return request.path.replace(row.facts.id, "…")


async def key(row: Row, bench: Bench) -> str:
    if isinstance(row.facts.key, Hole):
        await answered(row, bench)
        raise NotThere(row.facts.key.reason)
    _, request = await answered(row, bench)
    name, _, value = row.facts.key.partition(": ")
    assert request.headers[name] == value
    return f"{name}: …"


async def system(row: Row, bench: Bench) -> str:
    _, request = await answered(row, bench)
    assert place(request.body, row.facts.system) == "Be brief."
    assert row.speaks.read(request).text == "hello"
    return row.facts.system


async def max_tokens(row: Row, bench: Bench) -> str:
    return await sent(row, bench, row.facts.max_tokens, 9, max_tokens=9)


async def temperature(row: Row, bench: Bench) -> str:
    return await sent(row, bench, row.facts.temperature, 0.25, temperature=0.25)


async def stop(row: Row, bench: Bench) -> str:
    return await sent(row, bench, row.facts.stop, ["END"], stop=["END"])


async def seed(row: Row, bench: Bench) -> str:
    return await sent(row, bench, row.facts.seed, 3, seed=3)


async def schema(row: Row, bench: Bench) -> str:
    return await sent(row, bench, row.facts.schema, SCHEMA, response_format=ENFORCED)


async def json_object(row: Row, bench: Bench) -> str:
    fact = row.facts.json_object
    wanted = {"format": "json", "response_format": {"type": "json_object"}}
    value = wanted.get(str(fact), "application/json")
    return await sent(row, bench, fact, value, response_format={"type": "json_object"})


async def extra_body(row: Row, bench: Bench) -> str:
    where, value = row.facts.extra
    _, request = await answered(row, bench, extra_body={where.split(".")[-1]: value})
    assert place(request.body, where) == value
    return where


async def unknown(row: Row, bench: Bench) -> str:
    """A key that it refuses is an error of its own kind; some pass over what they don't know."""
    ended, _ = await ask(row, bench, extra_body={"no_such_key": 1})
    if isinstance(ended, Reply):
        raise NotThere("it passes over keys that it does not know")
    assert (ended.kind, ended.unbilled) == ("unsupported_param", True)
    assert "drop_params" in ended.message
    return f"{ended.status}"


async def image(row: Row, bench: Bench) -> str:
    """It arrives in the provider's form, and the record has its hash instead."""
    with _files() as [file, _]:
        parts = [{"type": "text", "text": "What is it?"}, attachments.part(file)]
        messages = [MESSAGES[0], {"role": "user", "content": parts}]
        reply, request = await answered(row, bench, messages=messages)
    encoded = base64.b64encode(PNG).decode()
    digest = hashlib.sha256(PNG).hexdigest()
    asked = row.speaks.read(request)
    assert (asked.text, asked.images) == ("What is it?", (digest,))
    assert encoded in place(request.body, row.facts.image)
    assert encoded not in str(reply.request)
    if "messages" in reply.request or "contents" in reply.request:
        assert f"sha256:{digest}" in str(reply.request)
    return row.facts.image


async def document(row: Row, bench: Bench) -> str:
    """A PDF arrives whole; where none is taken it is refused before it is sent."""
    with _files() as [_, file]:
        part = attachments.part(file, "file")
        if why := misfit(row.model("http://nowhere", vision=True), [part]):
            assert f"{row.name} takes no PDF files" in why
            raise NotThere("no PDF files: its file has no documents: true")
        parts = [{"type": "text", "text": "What is it?"}, part]
        messages = [MESSAGES[0], {"role": "user", "content": parts}]
        reply, request = await answered(row, bench, messages=messages)
    digest = hashlib.sha256(PDF).hexdigest()
    asked = row.speaks.read(request)
    assert (asked.text, asked.files) == ("What is it?", (digest,))
    assert base64.b64encode(PDF).decode() not in str(reply.request)
    assert str(Path(file).parent) not in str(reply.request)
    return "ok"


async def conversation(row: Row, bench: Bench) -> str:
    """Three turns, with an image in the first and a PDF where it is taken: all in their order."""
    with _files() as [picture, file]:
        parts = [{"type": "text", "text": "one"}, attachments.part(picture)]
        takes = row.configured().get("documents", False)
        more = [attachments.part(file, "file")] if takes else []
        messages = [
            MESSAGES[0],
            {"role": "user", "content": [*parts, *more]},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
            {"role": "assistant", "content": "four"},
            {"role": "user", "content": "five"},
        ]
        for on_text in (None, lambda _: None):
            reply, request = await answered(row, bench, messages=messages, on_text=on_text)
            asked = row.speaks.read(request)
            words = [(m["role"], m["content"]) for m in messages[2:]]
            assert asked.said == (("user", "one"), *words)
            assert asked.images == (hashlib.sha256(PNG).hexdigest(),)
            assert asked.files == ((hashlib.sha256(PDF).hexdigest(),) if takes else ())
            assert reply.by_litellm == "images or files go with it"
    return "image and PDF" if takes else "image"


@contextmanager
def _files() -> Iterator[list[str]]:
    """An image and a PDF."""
    with tempfile.TemporaryDirectory() as folder:
        found = [Path(folder) / name for name in ("dot.png", "a.pdf")]
        for path, data in zip(found, (PNG, PDF), strict=True):
            path.write_bytes(data)
        yield [str(path) for path in found]
