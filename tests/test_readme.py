"""What the README says is so."""

import re
from pathlib import Path
from typing import Any

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


def test_the_program_in_ten_lines() -> None:
    """What the README's Python names is there."""
    for code in re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL):
        if "asyncio.run" in code:
            given: dict[str, Any] = {"__name__": "readme"}
            exec(code.replace("asyncio.run(", "(lambda made: made.close())("), given)  # not run
            for name in ("door.load", "catalogue.compose_config", "session.connected", "run.run"):
                module, _, attribute = name.partition(".")
                assert callable(getattr(given[module], attribute))
            return
    raise AssertionError("the README shows no program")


def test_commands_are_there() -> None:
    """Every command that the README shows is a command or a run."""
    shown = re.findall(r"python -m runner ([a-z]+)(?= |`|\n)", README.read_text())
    assert set(shown) <= set(COMMANDS)
