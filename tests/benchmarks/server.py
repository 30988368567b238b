"""The fast provider: fixed replies, thousands of times a second, on 127.0.0.1 only.

The address says how it answers: /v1 at once, /wait-200/v1 after 200 ms, /first-300-gap-20/v1 a
stream with its first token after 300 ms and each further one 20 ms later. It prints its port, and
ends when its standard input does, so that it never outlives its parent. `GET /` says how many
POSTs it has answered.
"""

import asyncio
import json
import re
import sys
from itertools import count
from typing import cast

import uvloop

from tests.loopback import completion, tokens

EVENTS = 50  # with text, of a stream
WORDS = [f"word{number:02d} " for number in range(EVENTS)]
ANSWER = "ACK " + "".join(WORDS[:24])  # about 50 tokens
MAX_REQUEST = 1024 * 1024
_WAIT = re.compile(rb"/wait-(\d+)/")
_STREAM = re.compile(rb"/first-(\d+)-gap-(\d+)/")


def reply(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


def event(**changes: object) -> bytes:
    whole = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "bench"}
    body = b"data: %s\n\n" % json.dumps({**whole, "choices": [], **changes}).encode()
    return b"%x\r\n%s\r\n" % (len(body), body)


def piece(**choice: object) -> bytes:
    return event(choices=[{"index": 0, "delta": {}, "finish_reason": None, **choice}])


# Nothing is computed per request, the model's name included, so that the server is never the limit.
FIXED = reply(json.dumps(completion(ANSWER, usage=tokens(60, 50), model="bench")).encode())
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
PIECES = [
    piece(delta={"content": f"ACK {word}" if not n else word}) for n, word in enumerate(WORDS)
]
_DONE = b"data: [DONE]\n\n"
LAST = piece(finish_reason="stop") + event(usage=tokens(60, EVENTS))
LAST += b"%x\r\n%s\r\n0\r\n\r\n" % (len(_DONE), _DONE)


class Fast(asyncio.Protocol):
    served = 0

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            end = head + 4 + content_length(self._buffer[:head])
            if len(self._buffer) < end:
                break
            target = bytes(self._buffer[: self._buffer.find(b"\r\n")])
            del self._buffer[:end]
            self._answer(target)
        if len(self._buffer) > MAX_REQUEST:
            self._transport.abort()

    def _answer(self, target: bytes) -> None:
        if not target.startswith(b"POST "):
            self._transport.write(reply(json.dumps(Fast.served).encode()))
            return
        Fast.served += 1
        if found := _STREAM.search(target):
            first, gap = (int(each) / 1000 for each in found.groups())
            self._transport.write(HEAD)
            self._stream(self._loop.time() + first, gap)
        elif found := _WAIT.search(target):
            self._loop.call_later(int(found[1]) / 1000, self._transport.write, FIXED)
        else:
            self._transport.write(FIXED)

    def _stream(self, start: float, gap: float) -> None:
        """Each piece at its own time after the start: a late one makes no other late."""
        numbers = count()

        def send() -> None:
            number = next(numbers)
            last = number + 1 == len(PIECES)
            self._transport.write(PIECES[number] + LAST if last else PIECES[number])
            if not last:
                self._loop.call_at(start + (number + 1) * gap, send)

        self._loop.call_at(start, send)


def content_length(head: bytearray) -> int:
    lower = head.lower()
    at = lower.find(b"\r\ncontent-length:")
    return int(lower[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Fast, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
