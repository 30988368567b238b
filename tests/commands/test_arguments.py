"""Every command comes in by one door, and is refused in the same words."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from runner.commands.command_line import COMMANDS, main
from runner.config import paths

TAKES = {  # what a command needs besides overrides of its config
    "compare": ["a", "b"],
    "import": ["x.yaml"],
    "init": ["here"],
    "promote": ["outputs/sweeps/x", "candidate=haiku"],
    "report": ["outputs/runs/x"],
    "schema": ["model"],
    "run": ["input=text"],
}
EVERY = sorted(COMMANDS)
DECIDED = ("eval", "drill", "checklist", "run", "serve", "drift")  # for one model and task
NO_CONFIG = (
    "help",
    "check",
    "schema",
    "report",
    "compare",
    "promote",
    "init",
    "import",
    "history",
    "rescore",
    "label",
)
COMPOSED = sorted(set(COMMANDS) - set(NO_CONFIG))
VALUES = {  # what is wrong with the value of a key
    **dict.fromkeys(DECIDED, "model=haiko"),
    **dict.fromkeys(("models", "select", "compare", "spend"), "format=tabel"),
    "cost": "model=haiko",
    "breakeven": "api_model=haiko",
    "promote": "canary=few",
    "schema": "modle",
}
FOREIGN = ("usage: __main__", "primary config", "hydra.", "omegaconf", "Traceback", "full_key")
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


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", EVERY)
def test_help(said: Said, command: str, flag: str) -> None:
    """`--help` of each command is one page that shows an example, wherever the flag stands."""
    code, out, err = said(command, flag)
    assert (code, err) == (0, "")
    assert len(out.splitlines()) <= (80 if command in ("eval", "help") else 40)
    assert "python -m runner" + (f" {command}" if command not in ("eval", "help") else "") in out
    assert said(flag, command) == (code, out, err)
    assert not [word for word in FOREIGN if word in out]
    assert not list(Path.cwd().iterdir())


def wrong(command: str) -> Iterator[list[str]]:
    """Command lines that are each wrong in one way."""
    takes = TAKES.get(command, [])
    yield [command, *takes, "--bogus"]
    yield ["--bogus", command, *takes]
    yield ["--config-dir", "nowhere", command, *takes]
    yield ["--cfg", "nope", command, *takes]
    yield [command, *takes, "modle=haiku"]
    yield [command, "modle=haiku"]  # before it is missed what the command needs
    yield [command, *takes, "+grop=x"]
    yield [command, *takes, "grop/x=y"]
    yield [command, *takes, "stray"]
    yield [command, *takes, ""]
    if command in NO_CONFIG:
        yield ["--cfg", "job", command, *takes]
    if command in VALUES:
        typo = VALUES[command]
        yield [command, typo] if command == "schema" else [command, *takes, typo]
    if command in DECIDED:
        yield [command, *takes, "task=${x}"]
        yield [command, *takes, "~task"]
        yield [command, *takes, "task=extraction,reasoning"]
    if command != "eval":
        yield [command, *takes, "-m"]
        yield ["-m", command, *takes]
    else:
        yield ["-m", "--cfg", "job"]
        yield ["-m", "model=haiko,haiku"]
        yield ["-m", "model=haiku"]  # whose key is not set


@pytest.mark.parametrize("command", EVERY)
def test_whatever_is_wrong_is_one_line(said: Said, command: str) -> None:
    """Each mistake in a command line is one line in our words, exit code 2, and nothing on disk."""
    for argv in wrong(command):
        code, out, err = said(*argv)
        assert (code, out) == (2, ""), argv
        assert len(err.splitlines()) == 1, (argv, err)
        assert err.startswith("runner: "), argv
        assert not [word for word in FOREIGN if word in err], (argv, err)
        assert not list(Path.cwd().iterdir()), argv


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["promote", "modle=haiku"], "modle: no such key; there is: canary, candidate"),
        (["promote", "x", "candidate=a,b"], "candidate=a,b: one candidate at a time"),
        (["drift", "task=extraction,reasoning"], "reasoning: one value at a time"),
        (["report", "modle=x"], "modle: no such key; there is: gate, junit"),
        (["report", "a", "b"], "b: is no override; write key=value"),
        (["schema", "modle"], "schema: no group 'modle'; did you mean 'model'?"),
        (["help", "dril"], "no command 'dril'; did you mean 'drill'?"),
        (["--config-dri", "x", "drill"], "no flag --config-dri; did you mean '--config-dir'?"),
        (["drill", "--config-dri", "x"], "no flag --config-dri; did you mean '--config-dir'?"),
        (["--mutlirun"], "no flag --mutlirun; did you mean '--multirun'?"),
        (["--config-name", "drill"], "no flag --config-name"),
        (["-cn", "drill"], "no flag -cn; there is: --cfg, --config-dir, --help"),
        (["--cfg"], "--cfg: write --cfg job; see python -m runner eval --help"),
        (["drill", "--cfg", "hydra"], "--cfg: write --cfg job; see python -m runner drill --help"),
        (["models", "--config-dir"], "--config-dir: write --config-dir my_conf; see python"),
        (["--multirun=x"], "--multirun: takes no value; see python -m runner eval --help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_line_says_what_would_be_right(said: Said, argv: list[str], expected: str) -> None:
    """A typing error is met with what was probably meant, before anything else is missed."""
    code, _, err = said(*argv)
    assert code == 2
    assert expected in err
    assert len(err.splitlines()) == 1


def test_a_directory_of_ones_own_may_stand_before_any_command(said: Said, tmp_path: Path) -> None:
    """`--config-dir` is taken by commands that compose nothing, too: they do what they do."""
    (tmp_path / "own").mkdir()
    assert said("--config-dir", "own", "schema", "model") == said("schema", "model")
    assert said("--config-dir", "own", "report", "x") == said("report", "x")
    assert said("help", "drill") == said("drill", "--help")


@pytest.mark.parametrize("command", COMPOSED)
def test_cfg_prints_the_config(said: Said, command: str) -> None:
    """`--cfg job` prints what would be used, does nothing, and needs no more than that."""
    decided = ("eval", "drill", "checklist", "run", "serve", "drift")
    more = ["model=local"] if command in decided else []
    argv = ["--cfg", "job", command, *more]
    code, out, err = said(*argv)
    assert (code, err) == (0, "")
    assert re.search(r"^(outputs|task|format|workload|requirements)\b", out, re.MULTILINE)
    assert not list(Path.cwd().iterdir())


BARE = {
    **dict.fromkeys(("help", "models", "select", "cost", "breakeven", "checklist"), 0),
    **dict.fromkeys(("run", "promote", "compare", "report", "schema", "drift", "spend"), 2),
}  # eval, drill and serve go to work, check reads all there is: they have tests of their own


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize("command", BARE)
def test_bare(said: Said, command: str) -> None:
    """A bare command answers, or says in a line how it is used; it leaves nothing behind."""
    code, out, err = said(command)
    assert code == BARE[command]
    assert bool(out) == (code == 0)
    if code == 2:
        assert len(err.splitlines()) == 1
        wanted = {"drift": "python -m runner promote", "spend": "outputs: "}
        assert wanted.get(command, f"python -m runner {command}") in err
    assert not list(Path.cwd().iterdir())


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
