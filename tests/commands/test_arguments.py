"""Every command comes in by one door, and is refused in the same words."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from runner.commands.command_line import COMMANDS, main
from runner.config import paths

TAKES = {  # what a command needs besides overrides of its config
    "compare": ["a", "b"],
    "promote": ["outputs/sweeps/x", "candidate=haiku"],
    "report": ["outputs/runs/x"],
    "schema": ["model"],
    "run": ["input=text"],
}
COMPOSED = sorted(set(COMMANDS) - {"help", "check", "schema", "report", "compare", "promote"})
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Said:
    """Run a command line in an empty directory: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(argv))
        found = capsys.readouterr()
        assert "Traceback" not in found.err
        return code, found.out, found.err

    return run


@pytest.mark.parametrize("command", sorted(set(COMMANDS) - {"help", "eval"}))
def test_help(said: Said, command: str) -> None:
    """`--help` of each command is a short page of its own that shows an example."""
    code, out, _ = said(command, "--help")
    assert code == 0
    assert len(out.splitlines()) <= 40
    assert f"python -m runner {command}" in out


@pytest.mark.parametrize("command", COMPOSED)
def test_a_typo_in_a_key(said: Said, command: str) -> None:
    """An unknown key is one line with the command's own keys in mind, and exit code 2."""
    code, out, err = said(command, *TAKES.get(command, []), "outputz=x")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "outputz" in err


@pytest.mark.parametrize("command", COMPOSED)
def test_a_flag_may_stand_before_the_command(said: Said, command: str) -> None:
    """`--config-dir` is understood wherever it stands, and so is a directory that is none."""
    argv = ["--config-dir", "nowhere", command, *TAKES.get(command, [])]
    code, _, err = said(*argv)
    assert code == 2
    assert err == "runner: --config-dir: no directory 'nowhere'\n"


@pytest.mark.parametrize("command", COMPOSED)
def test_cfg_prints_the_config(said: Said, command: str) -> None:
    """`--cfg job` prints what would be used, and does nothing."""
    decided = ("eval", "drill", "checklist", "run", "serve", "drift")
    more = ["model=local"] if command in decided else []
    argv = ["--cfg", "job", command, *TAKES.get(command, []), *more]
    code, out, err = said(*argv)
    assert (code, err) == (0, "")
    assert re.search(r"^(outputs|task|format|workload|requirements)\b", out, re.MULTILINE)
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize("command", ["run", "promote", "compare"])
def test_bare(said: Said, command: str) -> None:
    """A command that can do nothing bare says in two lines how it is used."""
    code, _, err = said(command)
    assert code == 2
    assert len(err.splitlines()) == 2
    assert f"python -m runner {command} " in err


def test_version(said: Said) -> None:
    """`--version` is ours, and not Hydra's."""
    code, out, _ = said("--version")
    assert (code, out[:7]) == (0, "runner ")


@pytest.mark.parametrize("value", ["a@b{", "x # {", "50%, {", "${nowhere", "你好 {", "it's"])
def test_what_hydra_can_not_read(said: Said, value: str) -> None:
    """The line names the override, and what is to be pasted instead is read as that very text."""
    code, _, err = said("drill", "task=extraction", f"task.prompt={value}", "--cfg", "job")
    assert code == 2
    assert len(err.splitlines()) == 1
    assert err.startswith(f"runner: task.prompt={value}: can't be read; if it is one text, write ")
    [pasted] = shlex.split(err.partition(" write ")[2])
    code, out, err = said("drill", "task=extraction", pasted, "--cfg", "job")
    assert (code, err) == (0, "")
    assert yaml.safe_load(out)["task"]["prompt"].replace("\\$", "$") == value


def test_from_a_config_of_ours(said: Said, tmp_path: Path) -> None:
    """A user's own config.yaml or checklist.yaml may start from the one that it hides."""
    own = tmp_path / "own"
    own.mkdir()
    for name in ("config", "checklist"):
        (own / f"{name}.yaml").write_text(f"defaults: [/{name}, _self_]\nconcurrency: 3\n")
    for argv in ([], ["checklist"]):
        code, out, err = said("--config-dir", "own", *argv, "--cfg", "job")
        assert (code, err) == (0, "")
        assert "\nconcurrency: 3\n" in out
    (own / "config.yaml").write_text("defaults: [/other, _self_]\n")
    (own / "other.yaml").write_text("defaults: [/config, _self_]\n")
    code, _, err = said("--config-dir", "own", "task=extraction")
    assert code == 2
    assert "config.yaml → other.yaml → config.yaml" in err
    assert (paths.builtin("conf") / "config.yaml").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["run", ""],
        ["drift", "=x"],
        ["drill", "--bogus"],
        ["run", "--config-dir"],
        ["check", "modle=x"],
        ["schema"],
        ["report"],
        ["drill", "-m", "model=a,b"],
        ["chekc"],
    ],
    ids=" ".join,
)
def test_one_line(said: Said, argv: list[str]) -> None:
    """Whatever is wrong with the words and flags of a command is one line, and exit code 2."""
    code, out, err = said(*argv)
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith("runner: ")
