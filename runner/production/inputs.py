"""What is asked in production: lines of a file, of standard input, or one text."""

import asyncio
import json
import stat
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain, islice
from os import fstat
from pathlib import Path
from typing import Any, BinaryIO

from runner.cases import cases, prompt, strict_json, variables
from runner.cases.cases import Case
from runner.config.schema import Task
from runner.errors import ConfigError, did_you_mean
from runner.record.outcomes import Message

_FILE_TYPES = {".jsonl", ".ndjson", ".json", ".txt"}
_TABLES = {".csv", ".tsv", ".parquet", ".xlsx"}
_READ_AHEAD = 1024  # lines of standard input


class InvalidInput(ValueError):
    """Why one request can't be made; `id` is the one that it would have had."""

    def __init__(self, problem: str, id: str) -> None:
        self.id = id
        super().__init__(problem)


@dataclass(frozen=True)
class Source:
    """Where requests come from, line by line; opened before anything else is done."""

    name: str  # an absolute path, "-", or the text
    folder: Path  # beside which images are
    of_texts: bool  # each line is a text; else JSON
    first: bytes | None  # its first line; None: it is empty
    file: BinaryIO | None  # None: the first line is all
    waits: bool  # for somebody who writes it
    part: tuple[int, int] = (0, 1)  # the first line to be asked, from 0, and the step to the next

    async def lines(self) -> AsyncIterator[bytes]:
        """Without their ends. Raises ConfigError when it can't be read on."""
        first = () if self.first is None else (self.first,)
        try:
            if not self.waits:
                for line in islice(chain(first, self.file or ()), self.part[0], None, self.part[1]):
                    yield _bare(line)
                return
            assert self.file is not None
            for line in first:
                yield _bare(line)
            async for line in _read_aside(self.file):
                yield _bare(line)
        except OSError as error:
            raise ConfigError(f"input: {self.name}: {error.strerror}") from None

    def count(self) -> int | None:
        """How many lines there are, where that takes no waiting."""
        if self.file is None:
            return 1
        if self.waits or self.name == "-":
            return None
        with Path(self.name).open("rb") as file:
            return sum(1 for _ in file)

    def close(self) -> None:
        """Standard input stays open: somebody may be waiting for its next line."""
        if self.file is not None and self.name != "-":
            self.file.close()


def source(given: str, part: tuple[int, int] = (0, 1)) -> Source:
    """`-`, the path of a file, or else a text. Raises ConfigError for a file that is not there."""
    path = Path(given)
    if given != "-" and not _is_there(path):
        if _looks_like_a_path(given):
            folder = path.parent
            near = [str(folder / one.name) for one in folder.glob("*") if one.suffix in _FILE_TYPES]
            raise ConfigError(f"input: no file '{given}'{did_you_mean(given, near)}")
        return Source(given, Path.cwd(), True, given.encode(), None, False)
    if path.suffix in _TABLES:
        raise ConfigError(f"input: {given}: is a table; a line is one request here, JSON or a text")
    try:
        # Of its own: whoever waits in sys.stdin's buffer would keep the process from ending.
        file = open(0, "rb", closefd=False) if given == "-" else path.open("rb")  # noqa: SIM115
        first = file.readline() or None
    except OSError as error:
        raise ConfigError(f"input: {given}: {error.strerror}") from None
    waits = not stat.S_ISREG(fstat(file.fileno()).st_mode)
    name = given if given == "-" else str(path.absolute())
    folder = Path.cwd() if given == "-" else path.absolute().parent
    of_texts = path.suffix == ".txt" or (given == "-" and not _begins_as_json(first or b""))
    return Source(name, folder, of_texts, first, file, waits, part)


def _begins_as_json(line: bytes) -> bool:
    """Requests are objects and texts in quotes; what begins so and goes on wrongly is a mistake."""
    start = line.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start in (b"", b"{", b'"', b"[")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a text may be too long for a path, or hold a null
        return False


def _looks_like_a_path(given: str) -> bool:
    """A typing error in a file's name is not to be asked of a model."""
    one_word = len(given.split()) == 1
    return one_word and (Path(given).suffix in _FILE_TYPES | _TABLES or "/" in given)


def _bare(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")


async def _read_aside(file: BinaryIO) -> AsyncIterator[bytes]:
    """Lines as they are written; whoever waits for the next one keeps nobody from ending."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[bytes | OSError | None] = asyncio.Queue()
    room = threading.Semaphore(_READ_AHEAD)

    def read() -> None:
        last: OSError | None = None
        try:
            for line in file:
                room.acquire()
                loop.call_soon_threadsafe(lines.put_nowait, line)
        except RuntimeError:  # the loop is closed: nobody waits for more
            return
        except OSError as error:
            last = error
        loop.call_soon_threadsafe(lines.put_nowait, last)

    threading.Thread(target=read, name="input", daemon=True).start()
    while isinstance(line := await lines.get(), bytes):
        room.release()
        yield line
    if line is not None:
        raise line


def parse(line: bytes, number: int, source: Source) -> Case:
    """The request that a line makes. Raises InvalidInput."""
    id = str(number)
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"is not UTF-8 ({error.reason})", id) from None
    if not text.strip():
        raise InvalidInput("is empty", id)
    if source.of_texts:
        return Case(id=id, input=text)
    try:
        value = strict_json.loads(text)
    except json.JSONDecodeError as error:
        hint = f'is not JSON: {error.msg} at column {error.colno}; a text stands in quotes: "…"'
        raise InvalidInput(hint, id) from None
    except ValueError as error:
        raise InvalidInput(f"is not JSON: {error}", id) from None
    return request({"input": value} if isinstance(value, str) else value, id, source.folder)


def request(value: Any, id: str, folder: Path) -> Case:
    """A case out of the keys that a request has; `id` is for one without. Raises InvalidInput."""
    if not isinstance(value, dict):
        raise InvalidInput("is neither a text nor an object with input", id)
    named = value.get("id")
    id = named if isinstance(named, str) and named else id
    try:
        return cases.case({"id": id} | value, folder)
    except cases.InvalidCase as problem:
        raise InvalidInput(str(problem), id) from None


async def check_prompt(task: Task, given: str, limit: int | None) -> None:
    """Raises ConfigError naming the line whose values the prompt can't take.

    A line without a variable of the prompt is no request: that is the failure of one line. Standard
    input is read once, as it comes: there it always is.
    """
    if given == "-":
        return
    opened = source(given)
    try:
        if opened.waits:
            return
        number = 0
        async for line in opened.lines():
            number += 1
            if limit is not None and number > limit:
                return
            try:
                prompt.render(task, parse(line, number, opened))
            except prompt.PromptFailed as problem:
                raise ConfigError(f"input: line {number}: {problem}") from None
            except (InvalidInput, ConfigError):  # it has an answer that says so
                continue
    finally:
        opened.close()


def check(task: Task, case: Case) -> None:
    """What a program asks is what it means. Raises InvalidInput.

    An empty text is no question, and a variable that the prompt does not name would be left out.
    """
    if case.messages or case.turns:
        return
    if isinstance(case.input, str):
        if not case.input.strip():
            raise InvalidInput("input: is empty", case.id)
        return
    unknown, named = variables.unknown(task.templates, list(case.input))
    if unknown:
        known = did_you_mean(unknown[0], named)
        raise InvalidInput(f"input.{unknown[0]}: the prompt names no such variable{known}", case.id)


def render(task: Task, case: Case) -> list[Message]:
    """Raises InvalidInput where the prompt can't be made of this case."""
    try:
        return prompt.render(task, case)
    except ConfigError as error:
        raise InvalidInput(str(error), case.id) from None
