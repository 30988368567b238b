"""Imports point one way, and each foreign library has one home."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
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


def test_the_help_page_needs_nothing() -> None:
    """The first thing that anybody types waits for no foreign library, not even for Hydra."""
    code = (
        "import sys\nfrom runner.commands.command_line import main\nmain(['--help'])\n"
        "print({'hydra', 'omegaconf', 'pydantic', 'rich'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stderr == "set()\n"


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


def at_import(path: Path) -> set[str]:
    """The modules of ours that a file imports as it is loaded: not in functions, not for types."""
    top = [node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.If)]
    froms = [node for node in top if isinstance(node, ast.ImportFrom) and node.module]
    names = {f"{node.module}.{alias.name}" for node in froms for alias in node.names}
    names |= {str(node.module) for node in froms}
    known = {f"runner.{module(each)}" for each in FILES}
    return {name.removeprefix("runner.") for name in names & known} - {module(path)}


def test_any_module_may_be_imported_first() -> None:
    """No module needs, as it is loaded, one that needs it: the order of imports decides nothing."""
    graph = {module(path): at_import(path) for path in FILES}
    assert sum(map(len, graph.values())) > len(graph)
    for name, needed in graph.items():  # a package is loaded before its modules
        needed -= {above for above in needed if name.startswith(f"{above}.")}
    TopologicalSorter(graph).prepare()  # raises CycleError


EXTRAS = ["xllamacpp", "apprise", "opentelemetry", "playwright", "litellm", "ray", "joblib"]
NEEDS_ONE = {"runner.pipeline.tracing.export", "runner.production.gateway.hooks"}
WITHOUT = f"""
import importlib, sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        print(name)
"""


def test_all_but_its_home_load_without_an_extra() -> None:
    """Without extras, and without litellm, every module loads but the two that are made for one."""
    names = [f"runner.{module(path)}" for path in FILES if "_plugins" not in path.parts]
    names = [name for name in names if not name.endswith("__")]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *reversed(names)],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (set(done.stdout.split()), done.stderr) == (NEEDS_ONE, "")
