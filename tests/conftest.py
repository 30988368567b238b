"""What every test gets: an environment without keys, and jobs to measure."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import runner.config.hydra_app  # noqa: F401  # our plugins, before any test lets Hydra look for some
from runner.commands._arguments import arguments
from runner.config.loading import validate
from runner.config.schema import Job, Single
from runner.record.outcomes import Answered, Failed

KEY = "sk-planted-0123456789-abcdef"


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may reach a provider by a key that happens to be set, nor know a screen."""
    for name in list(os.environ):
        if name.endswith(("_API_KEY", "_API_BASE", "_BASE_URL", "_PROXY", "_proxy")):
            monkeypatch.delenv(name)
    for name in ("COLUMNS", "LINES"):  # readline tells a worker of a screen that it has not
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOOPBACK_API_KEY", KEY)


@pytest.fixture
def config(tmp_path: Path) -> dict[str, Any]:
    """A composed config as plain data, to be changed before it is validated."""
    return {
        "task": {
            "name": "demo",
            "cases": str(write_cases(tmp_path / "demo.jsonl", 4)),
            "system": None,
            "prompt": "{{ input }}",
            "output": "text",
            "json_schema": None,
            "sampling": {"temperature": 0.0, "max_tokens": 64},
            "scorers": {"exact": {}},
            "quality": None,
        },
        "model": model("http://127.0.0.1:9/v1"),
        "requirements": {"name": "base", "bounds": {"fallback_rate": {"max": 0.0}}},
        "retry": {
            "name": "quick",
            "attempts": 3,
            "initial_wait": "1ms",
            "max_wait": "2ms",
            "jitter": 0,
            "total": "5m",
        },
        "fallback": {"name": "none"},
        "limit": None,
        "tags": [],
        "repeats": 1,
        "concurrency": 4,
        "seed": None,
        "gate": False,
        "reuse": None,
        "outputs": str(tmp_path / "outputs"),
    }


@pytest.fixture
def make_job(config: dict[str, Any]) -> Callable[..., Job]:
    """`make_job(base_url, repeats=2, **{"task.system": "Be brief."})`."""

    def make(base_url: str, **changes: Any) -> Job:
        config["model"]["provider"]["api_base"] = base_url
        for path, value in changes.items():
            *parents, last = path.split(".")
            node = config
            for parent in parents:
                node = node[parent]
            node[last] = value
        return validate(config)

    return make


@pytest.fixture(scope="session")
def _catalogues() -> tuple[Mapping[str, Single], Mapping[str, Single]]:
    """Composed once: it takes seconds."""
    with arguments("models", None, []).conf() as config:
        return config.catalogue(), config.catalogue(folders=True)


@pytest.fixture(scope="session")
def catalogue(
    _catalogues: tuple[Mapping[str, Single], Mapping[str, Single]],
) -> Mapping[str, Single]:
    """The single models that ship, as commands that show them take them."""
    return _catalogues[0]


@pytest.fixture(scope="session")
def every_model(
    _catalogues: tuple[Mapping[str, Single], Mapping[str, Single]],
) -> Mapping[str, Single]:
    """Those in folders, too: an old table."""
    return _catalogues[1]


def model(base_url: str, name: str = "demo-model") -> dict[str, Any]:
    return {
        "kind": "single",
        "name": name,
        "id": f"{name}-2026-01-01",
        "provider": {
            "name": "loopback",
            "litellm": "openai",
            "api_base": base_url,
            "api_key_env": "LOOPBACK_API_KEY",
            "timeout": "60s",  # imports of a first call count, and a machine may be busy
            "data": "third_party",
        },
        "price": {
            "input_usd_per_mtok": 1.0,
            "output_usd_per_mtok": 2.0,
            "cached_input_usd_per_mtok": 0.1,
            "checked": "2026-11-23",
            "source": "made up for the tests",
        },
        "context_tokens": 8192,
        "max_output_tokens": None,
        "retires": None,
        "successor": None,
        "allow_unpinned": False,
        "strengths": [],
        "typical": {},
        "benchmarks": {},
        "drop_params": [],
        "extra_body": {},
        "artifact": None,
    }


def write_cases(path: Path, count: int) -> Path:
    """Cases whose right answer is their own input."""
    lines = (
        json.dumps({"id": f"c{n}", "input": f"text {n}", "expected": f"text {n}"})
        for n in range(count)
    )
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def files_with(tmp_path: Path) -> Callable[[str], Iterator[Path]]:
    """Files below the test's directory that hold a text."""

    def find(needle: str) -> Iterator[Path]:
        for path in tmp_path.rglob("*"):
            if path.is_file() and needle.encode() in path.read_bytes():
                yield path

    return find


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    def write(
        lines: list[Answered | Failed],
        job: Job | None = None,
        name: str = "run",
        outcomes: int | None = None,
    ) -> Path:
        from tests.report import make

        return make.run(tmp_path / name, lines, job, outcomes=outcomes)

    return write


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The quality of what is no model at all, on the tasks that it attacks (tests/tasks)."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    rows = [value for one in reports for key, value in one.user_properties if key == "baseline"]
    if rows:
        terminalreporter.section("baselines: mean quality, below 0.6 each")
        for row in sorted(rows):
            terminalreporter.write_line(str(row))
