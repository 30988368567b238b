"""Where the events of a stream end, whatever pieces it comes in."""

import json
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.calls.framing import EVENT_STREAM, framing, last
from runner.drill.loopback.clouds import binary_message
from runner.drill.loopback.dialect import sse

EVENTS = [{"messageStart": {"role": "assistant"}}, {"throttlingException": {"message": "ж\n"}}]


def binary(event: dict[str, object]) -> bytes:
    [(name, payload)] = event.items()
    return binary_message(name, json.dumps(payload).encode())


@pytest.mark.parametrize(
    ("kind", "frame"), [(EVENT_STREAM, binary), ("text/event-stream", sse)], ids=["binary", "text"]
)
@given(cuts=st.lists(st.integers(1, 200), max_size=8))
def test_events_do_not_depend_on_pieces(
    kind: str, frame: Callable[[object], bytes], cuts: list[int]
) -> None:
    """However a stream is cut into pieces, its events are the same, and nothing is left."""
    whole, found, buffer = b"".join(map(frame, EVENTS)), list[bytes](), bytearray()
    bounds = sorted({0, *(cut % len(whole) for cut in cuts), len(whole)})
    for start, end in pairwise(bounds):
        events, buffer = framing(kind)(buffer + whole[start:end])
        found += events
    assert [json.loads(event) for event in found] == EVENTS
    assert last(buffer, kind) == b""


@given(st.binary(max_size=300))
def test_noise_is_no_end(noise: bytes) -> None:
    """Bytes that are no message raise nothing: what they hold is for the reader to refuse."""
    framing(EVENT_STREAM)(bytearray(noise))
