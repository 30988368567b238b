"""Where answers go: a file or standard output, a line each, in the order of their inputs."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from runner.config.terminal import clean
from runner.errors import ConfigError, StorageError


class Output:
    """Writes lines. Those that stand in the file already, from an interrupted run, are passed over.

    From the first that differs, torn by a power cut for instance, the file is written anew.
    `path` is None for standard output; a terminal gets nothing that it would obey. Raises
    ConfigError when it can't be opened.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        # Of a file only: a pipe or a device holds nothing to compare with.
        self._comparing = path is not None and path.is_file()
        self._terminal = path is None and sys.stdout.isatty()
        self._end = 0  # of the lines that are known to stand
        self._stdout = sys.stdout
        try:
            self._file: BinaryIO = (
                sys.stdout.buffer if path is None else path.open("r+b" if self._comparing else "wb")
            )
        except OSError as error:
            raise ConfigError(f"output: {path}: {error.strerror}") from None
        if path is None:  # what a tool or a scorer prints is no answer
            sys.stdout = sys.stderr

    def write(self, lines: list[bytes]) -> None:
        """Raises StorageError, and BrokenPipeError where nobody reads them any more."""
        try:
            for line in lines:
                if not self._stands(line):
                    self._file.write(clean(line.decode()).encode() if self._terminal else line)
            self._file.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StorageError(f"{self._path or 'standard output'}: {error.strerror}") from None

    def _stands(self, line: bytes) -> bool:
        if not self._comparing:
            return False
        if self._file.read(len(line)) == line:
            self._end += len(line)
            return True
        self._cut()
        return False

    def _cut(self) -> None:
        self._file.seek(self._end)
        self._file.truncate()
        self._comparing = False

    def finish(self) -> None:
        """Nothing comes after this, and it would survive a power cut."""
        try:
            if self._comparing:
                self._cut()
            self._file.flush()
            if self._path and self._path.is_file():
                os.fsync(self._file.fileno())
        except OSError as error:
            raise StorageError(f"{self._path}: {error.strerror}") from None

    def close(self) -> None:
        sys.stdout = self._stdout
        if self._path:
            with suppress(OSError):  # what could not be written was said when it was to be
                self._file.close()
