"""Where the events of a stream begin and end: lines of text, or Amazon's binary messages."""

import json
import struct
from collections.abc import Callable

EVENT_STREAM = "application/vnd.amazon.eventstream"
_TEXT = 7  # the type of a header's value that is text; a message of Converse has no other

Framing = Callable[[bytearray], tuple[list[bytes], bytearray]]


def framing(content_type: str) -> Framing:
    """What takes the whole events off a buffer: they, each as JSON, and what is left."""
    return _messages if content_type == EVENT_STREAM else _lines


def _lines(buffer: bytearray) -> tuple[list[bytes], bytearray]:
    """Of server-sent events, or of JSON."""
    *lines, rest = buffer.split(b"\n")
    return [data for line in lines if (data := _data(line))], rest


def last(buffer: bytearray, content_type: str) -> bytes:
    """What a stream ended with, which nothing has closed."""
    return bytes(buffer) if content_type == EVENT_STREAM else _data(buffer)


def _data(line: bytearray) -> bytes:
    line = line.strip()
    if line.startswith((b"event:", b"id:", b"retry:", b":")):
        return b""
    data = line.removeprefix(b"data:").strip()
    return b"" if data == b"[DONE]" else bytes(data)


def _messages(buffer: bytearray) -> tuple[list[bytes], bytearray]:
    """Each as `{type: payload}`: its length, that of its headers, a sum, these, payload, a sum."""
    found, start = list[bytes](), 0
    while len(buffer) - start >= 12:
        length, headers = struct.unpack_from(">II", buffer, start)
        if len(buffer) - start < length or length < headers + 16:
            break
        body = start + 12 + headers
        kind = _kind(buffer[start + 12 : body])
        found.append(b"{%s: %s}" % (json.dumps(kind).encode(), buffer[body : start + length - 4]))
        start += length
    return found, buffer[start:]


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
