"""Imports point one way, and each foreign library has one home."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import runner

PACKAGE = Path(runner.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# Who may import what is costly, foreign or both.
HOMES = {
    "litellm": {"calls.llm", "production.gateway.hooks"},  # the proxy loads the second one
    "tenacity": {"calls.ask"},
    "aiohttp": {"calls.llm", "calls.wire", "drill.loopback.server"},
    "aiolimiter": {"calls.limits"},
    "apprise": {"decide.notify"},
    "opentelemetry": {"pipeline.tracing.export"},
    "scipy": {"measure.bounded", "measure.statistics", "measure.paired", "measure.power"},
    "xllamacpp": {"calls.embedded.engine"},
    "uvloop": {"pipeline.event_loop"},
    "hydra": {
        "config.hydra_door",
        "config.conf_files",
        "config.composing",
        "commands.eval",
        "commands._sweep",
        "commands._arguments",
        "commands.check",
        "config.catalogue",
        "commands._plugins.hydra_plugins.runner_one_process",
    },
}


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("library", HOMES)
def test_one_home(library: str) -> None:
    """Only its home imports a foreign library."""
    users = {
        module(path)
        for path in FILES
        if any(name.partition(".")[0] == library for name in imports(path))
    }
    assert users <= HOMES[library]


def test_rooms() -> None:
    """Imports go down the floors that pyproject.toml names, and no room is in a circle."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports as l; raise SystemExit(l())",
        ],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


LIGHT = ["litellm", "scipy", "aiohttp", "numpy"]


LIGHT_COMMANDS = [
    ["--help"],
    ["check"],
    ["report", "nowhere"],
    ["model=nope"],
    ["spend"],
    ["select", "requirements=base"],
    ["models"],
    ["checklist", "model=haiku"],
    ["cost", "scenario=seed"],
    ["breakeven", "scenario=seed"],
]


@pytest.mark.parametrize("command", LIGHT_COMMANDS, ids=" ".join)
def test_light_commands(command: list[str], tmp_path: Path) -> None:
    """What calls no model does not pay for importing litellm."""
    code = (
        "import sys\nfrom runner.commands.command_line import main\n"
        f"main({command!r})\n"
        f"print([name for name in {LIGHT!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == "[]"
