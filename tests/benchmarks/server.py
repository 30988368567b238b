"""The fast provider: one fixed reply at once, thousands of times a second, on 127.0.0.1 only.

It prints its port, and ends when its standard input does, so that it never outlives its parent.
`GET /` says how many POSTs it has answered.
"""

import asyncio
import json
import sys
from typing import cast

import uvloop

from tests.loopback import completion, tokens

ANSWER = "ACK " + " ".join(f"word{number:02d}" for number in range(24))  # about 50 tokens
MAX_REQUEST = 1024 * 1024


def reply(body: bytes) -> bytes:
    head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: "
    return f"{head}{len(body)}\r\n\r\n".encode() + body


# Nothing is computed per request, the model's name included, so that the server is never the limit.
FIXED = reply(json.dumps(completion(ANSWER, usage=tokens(60, 50), model="bench")).encode())


class Fast(asyncio.Protocol):
    served = 0

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (head := self._buffer.find(b"\r\n\r\n")) >= 0:
            end = head + 4 + content_length(self._buffer[:head])
            if len(self._buffer) < end:
                break
            posted = self._buffer.startswith(b"POST ")
            del self._buffer[:end]
            Fast.served += posted
            self._transport.write(FIXED if posted else reply(json.dumps(Fast.served).encode()))
        if len(self._buffer) > MAX_REQUEST:
            self._transport.abort()


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
