"""Imports point one way, and each foreign library has one home."""

import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

import runner
from tests.tree import ROOT

PACKAGE = Path(runner.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def module(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def test_contracts() -> None:
    """Imports go down the floors, no command needs another, a heavy library has its home."""
    code = "from importlinter.cli import lint_imports as l; raise SystemExit(l())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_no_circle() -> None:
    """No module needs one that needs it: not in a function, and not for a type, either."""
    graph = grimp.build_graph("runner", cache_dir=None)
    needs = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    assert sum(map(len, needs.values())) > len(FILES)
    TopologicalSorter(needs).prepare()  # raises CycleError


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
    ["check", "group=model"],
    ["check", "group=task"],
    ["import", "nowhere.yaml"],
    ["report", "nowhere"],
    ["model=nope"],
    ["spend"],
    ["select", "requirements=base"],
    ["models"],
    ["checklist", "model=haiku"],
    ["cost", "scenario=seed"],
    ["breakeven", "scenario=seed"],
]


IN_TURN = f"""
import sys
from runner.commands.command_line import main
for command in {LIGHT_COMMANDS!r}:
    main(command)
    print("heavy:", *(name for name in {LIGHT!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def heavy() -> dict[str, list[str]]:
    """What was imported by the time that each light command had ended, all in one process."""
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line.split() for line in done.stderr.splitlines() if line.startswith("heavy:")]
    return {" ".join(each): line[1:] for each, line in zip(LIGHT_COMMANDS, lines, strict=True)}


@pytest.mark.parametrize("command", [" ".join(each) for each in LIGHT_COMMANDS])
def test_light_commands(heavy: dict[str, list[str]], command: str) -> None:
    """What calls no model does not pay for importing litellm."""
    assert heavy[command] == []


EXTRAS = ["xllamacpp", "apprise", "opentelemetry", "playwright", "litellm", "ray", "joblib"]
EXTRAS += ["starlette", "uvicorn"]
NEEDS_ONE = {
    "runner.pipeline.tracing.export",
    "runner.production.listening",
    "runner.production.rehearsed",
    "runner.production.server",
}
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
    """Without extras, and without litellm, every module loads but those that are made for one."""
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
