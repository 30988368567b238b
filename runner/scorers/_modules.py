"""Finds and imports the file of a scorer."""

import ast
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Sequence
from contextlib import redirect_stdout
from hashlib import sha256
from pathlib import Path
from types import ModuleType

from runner.errors import ConfigError, did_you_mean

_BUILTIN = Path(__file__).parent


def find(name: str, task: str, tasks_dirs: Sequence[Path]) -> tuple[ModuleType, bool]:
    """The module of a scorer, and whether it is the user's own. Raises ConfigError."""
    if name.isidentifier() and not name.startswith("_"):
        for folder in tasks_dirs:
            if (path := folder / task / f"{name}.py").is_file():
                return load(path), True
        if (_BUILTIN / f"{name}.py").is_file():
            return importlib.import_module(f"{__package__}.{name}"), False
    choices = {path.stem for path in _BUILTIN.glob("[!_]*.py")}
    for folder in tasks_dirs:
        choices |= {path.stem for path in (folder / task).glob("[!_]*.py") if _has_score(path)}
    raise ConfigError(f"task.scorers.{name}: no such scorer{did_you_mean(name, choices)}")


def explain(error: BaseException, module: ModuleType | None = None) -> str:
    """An exception in one line, with the place in the module that it came from."""
    message = " ".join(str(error).split())
    line = f"{type(error).__name__}: {message[:300]}" if message else type(error).__name__
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if module is not None and frame.filename == module.__file__
    ]
    return f"{line} ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else line


def load(path: Path) -> ModuleType:
    """Under a name of its own: two tasks may each have a scorer of the same name."""
    name = f"_scorer_{path.stem}_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None  # it ends in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up there
    try:
        with redirect_stdout(sys.stderr):  # standard output may be that of `run`
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ConfigError(f"{path}: can't be imported: {explain(error, module)}") from error
    return module


def _has_score(path: Path) -> bool:
    """Without running it: a file that is only listed as a choice must have no effect."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):  # then it isn't a choice either
        return False
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return any(isinstance(node, functions) and node.name == "score" for node in tree.body)
