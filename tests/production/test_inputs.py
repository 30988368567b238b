"""What is given as input is a file, standard input or a text, and its lines are requests."""

import os
import threading
from pathlib import Path

import pytest

from runner.errors import ConfigError
from runner.production.inputs import parse, source


async def lines(given: str) -> list[bytes]:
    return [line async for line in source(given).lines()]


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
async def test_lines(tmp_path: Path, end: bytes) -> None:
    """A line is what stands between the ends of lines, an empty one included."""
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'"one"\n\n"\xe2\x80\xa8"' + end)
    assert await lines(str(path)) == [b'"one"', b"", b'"\xe2\x80\xa8"']
    assert source(str(path)).count() == 3


@pytest.mark.parametrize(
    "text", ["one text", "two\nlines", "Hello.", "a" * 5000, "nul \0", "and/or or"]
)
async def test_text(text: str) -> None:
    """What is no file is a text, as one line."""
    assert await lines(text) == [text.encode()]


@pytest.mark.parametrize("given", ["ticktes.jsonl", "no/such/file", "./x", "notes.txt"])
def test_typing_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    """What looks like a path is never asked of a model as a text."""
    monkeypatch.chdir(tmp_path)
    Path("tickets.jsonl").touch()
    with pytest.raises(ConfigError, match="no file"):
        source(given)


def test_table(tmp_path: Path) -> None:
    """The lines of a table are no requests, its header least of all."""
    path = tmp_path / "tickets.csv"
    path.write_text("input,expected\na,b\n")
    with pytest.raises(ConfigError, match="is a table"):
        source(str(path))


def test_directory(tmp_path: Path) -> None:
    """A directory holds no lines."""
    with pytest.raises(ConfigError, match="directory"):
        source(str(tmp_path))


async def test_pipe(tmp_path: Path) -> None:
    """A pipe is read as it is written, and nobody can say how long it is."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"one\ntwo\n",))
    writer.start()
    given = source(str(path))
    assert given.count() is None
    assert [line async for line in given.lines()] == [b"one", b"two"]
    writer.join()


def test_parse(tmp_path: Path) -> None:
    """A request is a text in quotes or an object; without an id it goes by its line."""
    path = tmp_path / "in.jsonl"
    path.touch()
    given = source(str(path))
    assert parse('\ufeff"Grüße"'.encode(), 1, given).input == "Grüße"
    case = parse(b'{"input": {"a": 1}, "tags": ["x"], "user": "u"}', 7, given)
    assert (case.id, case.input, case.tags, case.user) == ("7", {"a": 1}, ("x",), "u")
