"""Server-sent events, however they are cut and written."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.calls.events import Lines, Messages
from runner.drill.loopback.clouds import binary_message

VALUES = st.lists(
    st.dictionaries(st.text(), st.text() | st.integers() | st.none(), min_size=1), max_size=5
)
TROUBLE = "\u2028\u2029\x85\x0b\x0c\x1c \N{GRINNING FACE}"


def read(data: bytes, cuts: list[int], *, binary: bool = False) -> list[Any]:
    events, found = (Messages if binary else Lines)(), list[Any]()
    for start, end in pairwise([0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]):
        found += events.feed(data[start:end])
    return [*found, *events.end()]


@given(VALUES, st.sampled_from(["\n", "\r", "\r\n"]), st.lists(st.integers(0)), st.booleans())
def test_cut_anywhere(values: list[Any], end: str, cuts: list[int], escaped: bool) -> None:
    """Wherever the bytes are cut and whatever ends the lines, the events are the same."""
    values = [value | {"trouble": TROUBLE} for value in values]
    lines = [f"data: {json.dumps(value, ensure_ascii=escaped)}{end}{end}" for value in values]
    data = "".join(["\ufeff", *lines, f"data: [DONE]{end}{end}"]).encode("utf-8", "replace")
    assert read(data, cuts) == [
        json.loads(json.dumps(value).encode("utf-8", "replace")) for value in values
    ]


@given(VALUES, st.lists(st.integers(0)))
def test_lines_of_json(values: list[Any], cuts: list[int]) -> None:
    """A line without a field is JSON by itself."""
    data = "".join(json.dumps(value) + "\n" for value in values).encode()
    assert read(data, cuts) == values


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        ('data: {"a":\ndata: 1}\n\n', [{"a": 1}]),
        ('event: x\nid: 7\nretry: 3\n: note\ndata:{"a": 1}\n\n', [{"a": 1}]),
        ('data: {"a": 1}\ndata: {"a": 2}\n\n', [{"a": 1}, {"a": 2}]),
        ('data: {"a": 1}', [{"a": 1}]),
        ("data\n\ndata:\n\n\n\nevent\n", []),
        ('data: {"a": \n\ndata: {"b": 1}\n\n', [b'{"a":', {"b": 1}]),
        ("data: [DONE]\n\n", []),
        ("<html>\n", [b"<html>"]),
    ],
)
def test_fields(stream: str, events: list[Any]) -> None:
    """Fields are the standard's; what is no JSON is handed on, and what follows it is read."""
    assert read(stream.encode(), []) == events


@given(VALUES, st.lists(st.integers(0)))
def test_binary_messages(values: list[Any], cuts: list[int]) -> None:
    """Amazon's messages are the same wherever they are cut, each under its type."""
    data = b"".join(binary_message("x", json.dumps(value).encode()) for value in values)
    assert read(data, cuts, binary=True) == [{"x": value} for value in values]


@given(st.binary(max_size=300))
def test_noise(noise: bytes) -> None:
    """Bytes that are no message raise nothing: what they hold is for the reader to refuse."""
    read(noise, [], binary=True)
    read(noise, [], binary=False)
