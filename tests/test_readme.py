"""What the README says is so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

import runner
from runner.commands.command_line import COMMANDS
from runner.config import loading
from runner.config.schema import Job, Single
from tests import loopback
from tests.conftest import model as demo_model
from tests.loopback import Loopback
from tests.tree import CI, README


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


def test_ci_runs_the_readmes_command() -> None:
    """The test command of the README is the one that CI runs."""
    commands = re.findall(r"```sh\n(.*pytest)\n```", README.read_text())
    assert len(commands) == 1
    assert commands[0] in CI.read_text()


def test_length() -> None:
    """The README stays short enough to be read."""
    assert len(README.read_text().splitlines()) <= 170


def test_the_map() -> None:
    """The README's map names every room and file at the top of runner/, and nothing else."""
    [files] = re.findall(r"## Files\n\n```text\n(.*?)```", README.read_text(), re.DOTALL)
    block = files.partition("\nrunner/")[2]
    named = set(re.findall(r"(?:^  |\s{2,})([a-z_]+\.py|[a-z]+/)(?=\s)", block, re.MULTILINE))
    top = Path(runner.__file__).parent
    rooms = {f"{path.parent.name}/" for path in top.glob("*/__init__.py")}
    modules = {path.name for path in top.glob("*.py") if not path.name.startswith("__")}
    assert named == rooms | modules
    assert len(rooms) <= 12


@pytest.fixture
def played(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A composed job goes to a provider of ours, whichever model it names."""
    load = loading.load

    def at_ours(composed: Any) -> Job:
        job = load(composed)
        model = TypeAdapter(Single).validate_python(demo_model(server.base_url))
        return job.model_copy(update={"model": model})

    monkeypatch.setattr(loading, "load", at_ours)


@pytest.mark.usefixtures("played")
def test_the_program_in_ten_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's program is ten lines at most, and goes from config to a measured answer."""
    codes = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    [code] = [code for code in codes if "asyncio.run" in code]
    lines = [line for line in code.splitlines() if line]
    assert len(lines) <= 10
    assert max(map(len, lines)) <= 100
    monkeypatch.chdir(tmp_path)
    exec(code, {"__name__": "readme"})
    assert "value=" in capsys.readouterr().out
    assert len((tmp_path / "outputs" / "mine" / "cases.jsonl").read_text().splitlines()) == 3


def test_commands_are_there() -> None:
    """Every command that the README shows is a command or a run."""
    shown = re.findall(r"python -m runner ([a-z]+)(?= |`|\n)", README.read_text())
    assert set(shown) <= set(COMMANDS)
