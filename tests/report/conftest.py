"""A factory of run directories."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runner.records import Answered, Failed
from runner.schema import Job
from tests.report import make

Factory = Callable[..., Path]


@pytest.fixture
def write_run(tmp_path: Path) -> Factory:
    def write(
        lines: list[Answered | Failed],
        job: Job | None = None,
        name: str = "run",
        outcomes: int | None = None,
    ) -> Path:
        return make.run(tmp_path / name, lines, job, outcomes=outcomes)

    return write
