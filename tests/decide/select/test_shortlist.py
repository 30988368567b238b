"""A shortlist is a command, and a sweep that never takes the place of somebody's work."""

import shlex
from pathlib import Path

import pytest
import yaml

from runner.config import paths
from runner.decide.select.shortlist import Shortlist, sweep_place
from runner.errors import ConfigError

SELECT = ["task=mine", "requirements.max_latency_ms=900", "to=my conf/sweep/a.yaml"]
TWO = Shortlist(["haiku", "gpt-6.1-sol"], ["task=mine", "requirements.max_latency_ms=900"], None)


def test_the_command() -> None:
    """Several models are a sweep and one is a run; what has a space is quoted."""
    assert TWO.command() == (
        "python -m runner -m task=mine requirements.max_latency_ms=900 model=haiku,gpt-6.1-sol"
    )
    own = Shortlist(["haiku"], ["task.system=Be brief."], "my conf")
    assert shlex.split(own.command())[3:] == [
        "--config-dir",
        "my conf",
        "task.system=Be brief.",
        "model=haiku",
    ]


def test_the_file(tmp_path: Path) -> None:
    """It opens as every sweep does, names its keys, and holds the overrides and the models."""
    file = tmp_path / "my conf/sweep/a.yaml"
    command = TWO.write(file, SELECT, {"B_API_KEY", "A_API_KEY"})
    assert shlex.split(command)[-3:] == ["--config-dir", str(tmp_path / "my conf"), "sweep=a"]
    package, use, origin, keys, *_ = file.read_text().splitlines()
    assert package == "# @package _global_"
    assert use.startswith(f"# {command} ")
    assert "select task=mine requirements.max_latency_ms=900 'to=my conf/sweep/a.yaml'`" in origin
    assert keys == "# Needs A_API_KEY, B_API_KEY."
    assert yaml.safe_load(file.read_text()) == {
        "hydra": {
            "mode": "MULTIRUN",
            "sweeper": {
                "params": {
                    "task": "mine",
                    "requirements.max_latency_ms": "900",
                    "model": "haiku,gpt-6.1-sol",
                }
            },
        }
    }


def test_its_own_file_is_written_over_and_no_other(tmp_path: Path) -> None:
    """A file that select wrote is replaced; one that it did not write stays as it is."""
    file = tmp_path / "sweep/a.yaml"
    TWO.write(file, SELECT, [])
    Shortlist(["haiku"], [], None).write(file, SELECT, [])
    assert "gpt-6.1-sol" not in file.read_text()
    file.write_text("# @package _global_\n# by hand\n")
    with pytest.raises(ConfigError, match="was not written by select"):
        TWO.write(file, SELECT, [])
    assert file.read_text() == "# @package _global_\n# by hand\n"


def test_a_comment_has_one_line(tmp_path: Path) -> None:
    """A line break in an argument does not end the comment."""
    file = tmp_path / "sweep/a.yaml"
    TWO.write(file, ["task=mine", "task.system=a\nevil: true"], [])
    assert "evil" not in yaml.safe_load(file.read_text())


def test_where_sweep_finds_it(tmp_path: Path) -> None:
    """A name is what stands below sweep/; conf/ takes no --config-dir, another directory does."""
    ours, own = paths.builtin("conf"), tmp_path / "own"
    assert sweep_place(ours / "sweep/a.yaml", None) == ("a", None)
    assert sweep_place(ours / "sweep/a.yaml", str(own)) == ("a", str(own))
    assert sweep_place(own / "sweep/team/a.yaml", None) == ("team/a", str(own))


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("a.yaml", "is no sweep; name a file like"),
        ("own/sweep/a.txt", "is no sweep; name a file like"),
        ("other/sweep/a.yaml", "is not in --config-dir own, nor in conf/"),
    ],
)
def test_what_sweep_would_not_find_is_refused(file: str, problem: str) -> None:
    """A place where nobody looks for sweeps is a line that names one."""
    with pytest.raises(ConfigError, match=problem):
        sweep_place(Path(file), "own")
