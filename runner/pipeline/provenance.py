"""What a number rests on: `run.json`, written before the first request."""

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from runner.config import paths
from runner.config.redact import redact
from runner.config.schema import Job
from runner.pipeline.plan import Plan
from runner.record.files import utc_now

_PACKAGES = ("llm-decision-runner", "hydra-core", "litellm", "tenacity", "xllamacpp", "scipy")


def describe(plan: Plan, *, taken_over: int) -> dict[str, Any]:
    return {
        "identity": plan.identity,
        "outcomes": plan.count,
        "taken_over": taken_over,
        "cases": {
            "path": str(plan.cases_file),
            "sha256": plan.cases_sha256,
            "count": plan.count // plan.job.repeats,
        },
        **about(plan.job),
    }


def about(job: Job) -> dict[str, Any]:
    """Who was asked, by which command, and with what."""
    return {
        "task": job.task.name,
        "model": job.model.name,
        "id": job.model.id,
        "started": utc_now(),
        "command": shared_command(),
        "prices": {
            model.name: model.price and model.price.model_dump(mode="json")
            for model in job.models.values()
        },
        "git": git(),
        "versions": versions(),
        "config": job.model_dump(mode="json"),
    }


def command() -> str:
    """The command line as it can be pasted again."""
    as_module = Path(sys.argv[0]).name == "__main__.py"
    program = ["python", "-m", "runner"] if as_module else [sys.argv[0]]
    return redact(shlex.join([*program, *sys.argv[1:]]))


def shared_command() -> str:
    """The same without what says where on this machine it was: a record may be shared."""
    program, *given = sys.argv
    as_module = Path(program).name == "__main__.py"
    name = ["python", "-m", "runner"] if as_module else [Path(program).name]
    return redact(shlex.join([*name, *map(paths.shown_argument, given)]))


def versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def git() -> dict[str, Any] | None:
    """The commit that the working directory stands at, and whether files differ from it."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}

    def ask(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, env=environment
        ).stdout.strip()

    try:
        return {
            "commit": ask("rev-parse", "HEAD"),
            "dirty": bool(ask("status", "--porcelain", "--untracked-files=no")),
        }
    except (OSError, subprocess.CalledProcessError):
        return None
