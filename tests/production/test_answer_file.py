"""Lines that stand in the output stay; from the first that differs it is written anew."""

from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import ConfigError, StorageError
from runner.production.answer_file import Output

LINES = [b"one\n", b"two\n", b"three\n"]


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b"one\n",
        b"one\ntw",
        b"one\nTWO\nthree\n",
        b"one\n\0\0\0\0\0",
        b"one\ntwo\nthree\nmore\n",
    ],
)
def test_whatever_was_there(tmp_path: Path, before: bytes) -> None:
    """In the end the file holds the lines, and only these."""
    path = tmp_path / "out"
    path.write_bytes(before)
    output = Output(path)
    output.write(LINES[:2])
    output.write(LINES[2:])
    output.finish()
    output.close()
    assert path.read_bytes() == b"".join(LINES)


def test_not_finished(tmp_path: Path) -> None:
    """An interrupt leaves what stood there beyond the lines that were passed over."""
    path = tmp_path / "out"
    path.write_bytes(b"one\ntwo\n")
    output = Output(path)
    output.write(LINES[:1])
    output.close()
    assert path.read_bytes() == b"one\ntwo\n"


def test_at_once(tmp_path: Path) -> None:
    """A line can be read as soon as it is written."""
    output = Output(tmp_path / "out")
    output.write(LINES[:1])
    assert (tmp_path / "out").read_bytes() == b"one\n"
    output.close()


def test_device() -> None:
    """What is no file is only written to; a full one is an error in a line."""
    output = Output(Path("/dev/full"))
    with pytest.raises(StorageError, match="No space left"):
        output.write(LINES)
    output.close()  # and says nothing more


def test_no_directory(tmp_path: Path) -> None:
    """What can't be opened is refused."""
    with pytest.raises(ConfigError, match="No such file"):
        Output(tmp_path / "no" / "out")


def test_what_else_is_printed(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    """Standard output has answers alone: what a tool prints meanwhile goes beside them."""
    with closing(Output(None)) as output:
        print("looking it up")
        output.write([b"an answer\n"])
    print("done")
    assert capsysbinary.readouterr() == (b"an answer\ndone\n", b"looking it up\n")
