"""What the README says is so."""

import re
from pathlib import Path

import pytest

import runner
from runner.commands.command_line import COMMANDS

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
pytestmark = pytest.mark.skipif(not README.exists(), reason="an installed wheel has no README")


def test_ci_runs_the_readmes_command() -> None:
    """The test command of the README is the one that CI runs."""
    commands = re.findall(r"```sh\n(.*pytest)\n```", README.read_text())
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text()


def test_length() -> None:
    """The README stays short enough to be read."""
    assert len(README.read_text().splitlines()) <= 150


def test_named_files_are_there() -> None:
    """Every file and folder that the README's map names exists."""
    [files] = re.findall(r"## Files\n\n```text\n(.*?)```", README.read_text(), re.DOTALL)
    block = files.partition("runner/\n")[2]
    names = re.findall(r"(?<![\w/.])([a-z_]+\.py|[a-z]+/)(?=\s)", block)
    assert len(names) >= 14
    assert [name for name in names if not (Path(runner.__file__).parent / name).exists()] == []


def test_commands_are_there() -> None:
    """Every command that the README shows is a command or a run."""
    shown = re.findall(r"python -m runner ([a-z]+)(?= |`|\n)", README.read_text())
    assert set(shown) <= set(COMMANDS)
