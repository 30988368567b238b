"""Replies that no honest provider sends: whole ones and streams of each dialect, bent at one place.

A form is a true reply in which one value, one key or some bytes are others. Seeded: the same forms
each time.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

from runner.drill.loopback.dialect import Dialect, Saying
from runner.drill.loopback.dialects import OpenAI
from runner.drill.loopback.exchange import HttpAnswer, Piece
from runner.record.outcomes import Usage

SAYING = Saying(
    "one two \N{GRINNING FACE}", usage=Usage(input_tokens=10, output_tokens=5), model="m"
)
_DEEP = "[" * 100_000 + "]" * 100_000
# As they stand in JSON, or in what takes itself for it.
VALUES = [
    *("null", "true", "5", "0", "-1", "1.5", "NaN", "-Infinity", "1e400", "1" + "0" * 400),
    *('"many"', '""', "[]", "[5]", "[[null]]", "{}", '{"a": [{}]}', "9" * 5000, _DEEP),
    *(
        r'"\ud83d"',
        r'"\ude00 \ud83d"',
        r'"\u0000\u001b]52;c;eA==\u0007"',
        '"' + "x" * 100_000 + '"',
    ),
]
RETRY_AFTER = [
    *("Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "1e400", "NaN", "-5"),
    *("inf", "soon", "9" * 400, "Fri, 99 Foo 2026 99:99:99 GMT", "0x10", "1" + "0" * 40),
]
_PLACE = "\N{PLACE OF INTEREST SIGN}"


def whole(dialect: Dialect, count: int, seed: int) -> Iterator[HttpAnswer]:
    for bent in _bent(dialect.whole(SAYING), count, seed):
        yield HttpAnswer(body=bent)


def streamed(dialect: Dialect, count: int, seed: int) -> Iterator[HttpAnswer]:
    """One event of a stream is bent; what is before and behind it is as it should be."""
    events = dialect.events(SAYING)
    honest = [*events.opening, *events.text, *events.closing]
    random = Random(seed)
    for number in range(count):
        place = random.randrange(len(honest))
        frames = [dialect.frame(event) for event in honest]
        event = honest[place]
        if isinstance(event, dict):
            [bent] = _bent(event, 1, seed + number)
            stand_in = {"type": "x"}
            framed = dialect.frame(stand_in)
            frames[place] = framed.replace(json.dumps(stand_in).encode(), bent)
        else:
            frames[place] = bytes(random.randrange(256) for _ in range(40)) + b"\n\n"
        headers = {"content-type": dialect.stream_type}
        yield HttpAnswer(headers=headers, pieces=tuple(map(Piece, frames)))


def errors(dialect: Dialect, count: int, seed: int) -> Iterator[HttpAnswer]:
    random = Random(seed)
    for number in range(count):
        status = random.choice((400, 422, 429, 500, 503))
        _, body = dialect.error(status)
        if not isinstance(body, dict):
            body = {"error": {"message": "no", "code": "x"}}
        if isinstance(body.get("error"), dict):
            body["error"] |= {
                "details": [{"@type": "RetryInfo", "retryDelay": "3s", "reason": "R"}]
            }
        [bent] = _bent(body, 1, seed + number)
        yield HttpAnswer(status, bent, {"retry-after": random.choice(RETRY_AFTER)})


def bodies() -> Iterator[HttpAnswer]:
    """What is no reply of any dialect."""
    true = json.dumps(OpenAI().whole(SAYING)).encode()
    for body in (b"", b"\0", b"\xff\xfe", b"null", b"5", b'"hi"', b"[]", b"{}", _DEEP.encode()):
        yield HttpAnswer(body=body)
        yield HttpAnswer(status=500, body=body)
    for body in (
        b"\xef\xbb\xbf" + true,
        true + true,
        true.decode().encode("utf-16"),
        b"<" * 200_000,
    ):
        yield HttpAnswer(body=body)
    yield HttpAnswer(body=true, headers={"content-encoding": "gzip"})
    yield HttpAnswer(body=true, headers={"content-encoding": "br"})
    yield HttpAnswer(body=true, headers={"content-type": "text/html"})
    yield HttpAnswer(body=true, headers={"content-type": "text/event-stream; charset=utf-99"})
    yield HttpAnswer(status=204)
    yield HttpAnswer(status=500, body=b"<" * 10_000_000)
    for status in (300, 301, 302, 303, 304, 307, 308, 418, 599, 999):
        yield HttpAnswer(status=status, headers={"location": "http://127.0.0.1:9/elsewhere"})
    for wait in RETRY_AFTER:
        yield HttpAnswer(status=429, body=b"{}", headers={"retry-after": wait})


def _bent(body: Any, count: int, seed: int) -> Iterator[bytes]:
    random = Random(seed)
    for _ in range(count):
        bend = random.choice((_other_value,) * 6 + (_no_key, _other_bytes))
        yield bend(json.loads(json.dumps(body)), random)


def _other_value(body: Any, random: Random) -> bytes:
    random.choice(list(_places(body)))(_PLACE)
    text = json.dumps(body, ensure_ascii=False).replace(f'"{_PLACE}"', random.choice(VALUES), 1)
    return text.encode()


def _no_key(body: Any, random: Random) -> bytes:
    del body[random.choice(list(body))]
    return json.dumps(body).encode()


def _other_bytes(body: Any, random: Random) -> bytes:
    data = bytearray(json.dumps(body).encode())
    for _ in range(random.randrange(1, 4)):
        data[random.randrange(len(data))] = random.randrange(256)
    return bytes(data[: random.randrange(len(data))] if random.random() < 0.3 else data)


def _places(node: Any) -> Iterator[Callable[[Any], None]]:
    """A way to set each of the values in a JSON value."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield partial(node.__setitem__, key)
        yield from _places(node[key])
