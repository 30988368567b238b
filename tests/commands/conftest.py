"""What the tests of commands share: a user's own conf/, and what is measured once for a file."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from runner.commands._arguments import Conf
from runner.config.schema import Single
from tests import loopback
from tests.commands.test_command_line import home, runner, server
from tests.loopback import Loopback

__all__ = ["home", "runner", "server"]

Once = Callable[[str, Callable[[], None]], None]


@pytest.fixture(scope="module")
def one_server() -> Iterator[Loopback]:
    """A provider that keeps its address: a model of one test is that of the next."""
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def composed(catalogue: Mapping[str, Single], monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands take our models as they were composed for all tests, and not anew."""
    monkeypatch.setattr(Conf, "catalogue", lambda _, folders=False: dict(catalogue))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def once(kept: Path, home: Path) -> Once:
    """`once("sweep", make)` fills `home` by `make` for a file's first test, and then by a copy.

    The file needs a `server` that is `one_server`.
    """

    def fill(name: str, make: Callable[[], None]) -> None:
        if (kept / name).exists():
            shutil.copytree(kept / name, home, dirs_exist_ok=True)
        else:
            make()
            shutil.copytree(home, kept / name)

    return fill
