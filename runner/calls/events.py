"""The events of a stream, from bytes as they come: lines of text, or Amazon's binary messages."""

import json
import struct
from collections.abc import Iterator
from typing import Any

_BINARY = "application/vnd.amazon.eventstream"
_TEXT = 7  # the type of a header's value that is text; a message of Converse has no other


def events(content_type: str) -> "Lines | Messages":
    """What reads such a stream: `feed` it bytes, cut anywhere, and `end` it.

    Each event is its JSON value, or its bytes where they are no JSON; `rest` is no event yet.
    """
    return Messages() if content_type == _BINARY else Lines()


class Lines:
    """Server-sent events as the standard has them, or lines of JSON.

    Lines end with LF, CR or both; the `data:` lines of an event are one text, which an empty line
    ends (https://html.spec.whatwg.org/multipage/server-sent-events.html). A line that is no field
    is a line of JSON by itself. More forgiving than the standard is, an event that is whole need
    not wait for its empty line.
    """

    def __init__(self) -> None:
        self.rest = bytearray()  # whose end has not come
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[Any]:
        if not (b"\n" in data or b"\r" in data or self.rest.endswith(b"\r")):
            self.rest += data  # searched once, however long a line is
            return
        lines = bytes(self.rest + data).splitlines(keepends=True)  # of bytes: at LF and CR alone
        # A CR may be the first half of a line end.
        self.rest = bytearray(b"" if lines[-1].endswith(b"\n") else lines.pop())
        for line in lines:
            yield from self._take(line.rstrip(b"\r\n"))

    def end(self) -> Iterator[Any]:
        """What is left when no more comes."""
        line, self.rest = bytes(self.rest).rstrip(b"\r\n"), bytearray()
        yield from self._take(line)
        yield from self._dispatch()

    def _take(self, line: bytes) -> Iterator[Any]:
        line = line.removeprefix(b"\xef\xbb\xbf")
        if not line.strip():
            yield from self._dispatch()
        elif line.startswith(b"data:"):
            self._data.append(line.removeprefix(b"data:").strip())
            if len(self._data) == 1 and not isinstance(value := read(self._data[0]), bytes):
                self._data.clear()
                yield value
        elif not line.startswith(_FIELDS) and line not in _BARE:
            yield from self._dispatch()
            yield read(line)

    def _dispatch(self) -> Iterator[Any]:
        data, self._data = b"\n".join(self._data), []
        if data.strip() and data != b"[DONE]":
            yield read(data)


class Messages:
    """Each as `{type: payload}`: its length, that of its headers, a sum, these, payload, a sum."""

    def __init__(self) -> None:
        self.rest = bytearray()

    def feed(self, data: bytes) -> Iterator[Any]:
        self.rest += data
        buffer, start = self.rest, 0
        while len(buffer) - start >= 12:
            length, headers = struct.unpack_from(">II", buffer, start)
            if len(buffer) - start < length or length < headers + 16:
                break
            body = start + 12 + headers
            payload = read(bytes(buffer[body : start + length - 4]))
            kind = _kind(buffer[start + 12 : body])
            yield payload if isinstance(payload, bytes) else {kind: payload}
            start += length
        self.rest = buffer[start:]

    def end(self) -> Iterator[Any]:
        """What is left when no more comes."""
        if self.rest:
            yield bytes(self.rest)


_FIELDS = (b"event:", b"id:", b"retry:", b":")
_BARE = (b"event", b"id", b"retry", b"data")  # a field without a value


def read(data: bytes) -> Any:
    """The JSON value, or the bytes themselves when they are none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data


def _kind(headers: bytearray) -> str:
    """The type of the event or of the error that a message is."""
    at, said = 0, dict[str, str]()
    try:
        while at < len(headers):
            size = headers[at]
            name = headers[at + 1 : at + 1 + size].decode()
            at += 1 + size
            kind, length = struct.unpack_from(">BH", headers, at)
            if kind != _TEXT:
                break
            said[name] = headers[at + 3 : at + 3 + length].decode()
            at += 3 + length
    except (struct.error, IndexError, UnicodeDecodeError):
        return "unknown"
    return said.get(":event-type") or _error(said.get(":exception-type", "unknown"))


def _error(kind: str) -> str:
    return kind if kind.endswith("Exception") else f"{kind}Exception"
