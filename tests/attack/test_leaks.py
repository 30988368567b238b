"""What others wrote is data to a terminal, and what others read does not say where it was made."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runner.commands.command_line import main
from runner.config import paths
from runner.record.files import PAGE, REPORT
from tests import loopback
from tests.commands.conftest import home, runner, server
from tests.loopback import Loopback

__all__ = ["home", "runner", "server"]

# The clipboard, the screen, the title, C1's CSI, a bell, what was typed before, and RTL overrides.
CODES = "\x1b]52;c;cm0gLXJm\x07\x1b[2J\x1b]0;title\x1b\\\x9b2J\x08\x7f\r\u202egnp.exe\u2066"
UNSAFE = set(CODES) - set("]52;c;cm0gLXJm[2J]0;title\\2Jgnp.exe")


class Screen(io.TextIOWrapper):
    """A terminal that keeps what was written to it."""

    def __init__(self) -> None:
        self.raw_bytes = io.BytesIO()
        super().__init__(self.raw_bytes, encoding="utf-8", errors="surrogatepass")

    def isatty(self) -> bool:
        return True

    def seen(self) -> str:
        self.flush()
        return self.raw_bytes.getvalue().decode("utf-8", "surrogatepass")


def screen(monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """From now on stdout and stderr are a terminal; what it was sent so far."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")  # without our own bar, which moves the cursor
    screens = Screen(), Screen()
    monkeypatch.setattr(sys, "stdout", screens[0])
    monkeypatch.setattr(sys, "stderr", screens[1])
    return lambda: "".join(each.seen() for each in screens)


def hostile(request: loopback.Request) -> loopback.Answer:
    if request.number % 2:
        return loopback.error_reply(400, f"no {CODES} such thing")
    return loopback.text(f"an answer {CODES}")


OWN = ("--config-dir", "conf", "task=demo", "requirements=base", "retry=quick")


@pytest.mark.parametrize(
    "argv",
    [
        ("run", "model=first", "input=one text", *OWN),
        ("run", "model=first", "input=in.jsonl", *OWN),
        ("model=first", *OWN),
        ("-m", "model=first,second", *OWN),
        ("model=first", *OWN, "task.prompt='{{ input * \"a\" }}'"),
        ("model=first", *OWN, f"task.prompt='{CODES}{{{{'"),
        (f"model={CODES}", *OWN),
        ("model=first", *OWN, f"+{CODES}=1"),
        (CODES, *OWN),
        ("check", *OWN[:2], "group=task"),
        ("spend", "format=json"),
    ],
)
def test_terminal(
    home: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
) -> None:
    """No control code of an answer, an error, a case or an argument reaches a terminal."""
    server.answer = hostile
    cases = [json.dumps({"id": f"{n}{CODES}", "input": CODES, "expected": "x"}) for n in range(4)]
    (home / "tasks" / "demo.jsonl").write_text("".join(f"{each}\n" for each in cases))
    (home / "in.jsonl").write_text("".join(f"{each}\n" for each in [cases[0], CODES, '"a"']))
    (home / "outputs").mkdir()
    seen = screen(monkeypatch)
    codes = [main(list(argv)) for _ in range(2)]  # one answer is a failure, the next is none
    assert 1 not in codes, seen()
    assert seen()
    assert not UNSAFE & set(seen()), seen()


def test_data_stays_data(
    home: Path, server: Loopback, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """In a pipe or a file an answer is what the model said, to the last byte."""
    server.answer = loopback.text(f"an answer {CODES}")
    own = ["model=first", *OWN]
    assert main(["run", "input=one text", *own]) == 0
    assert capfdbinary.readouterr().out.decode() == f"an answer {CODES}\n"
    assert main(["run", "input=one text", "output=out.jsonl", *own]) == 0
    assert json.loads(Path("out.jsonl").read_text())["output"] == f"an answer {CODES}"


SCORER = """
import os
from runner.scorers import Score

def score(reply, case, task):
    if reply.text.endswith("3"):
        raise OSError(2, "No such file", os.path.abspath("x.txt"))
    return Score(value=float(reply.text.endswith("0")), why=f"is not in {os.path.abspath('x.txt')}")
"""


def test_paths_of_this_machine(
    home: Path, server: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Neither the working directory, nor the home, nor another absolute path stands in what is to
    be shared: reports and pages of runs, sweeps, comparisons and drills, JUnit, decisions."""
    person, project = home / "person", home / "person" / "project"
    project.mkdir(parents=True)
    for name in ("conf", "tasks"):
        (home / name).rename(project / name)
    monkeypatch.chdir(project)
    monkeypatch.setenv("HOME", str(person))
    away, ci = home / "elsewhere", home / "ci"
    (project / "tasks" / "demo").mkdir()
    (project / "tasks" / "demo" / "mine.py").write_text(SCORER)
    task = project / "conf" / "task" / "demo.yaml"
    text = task.read_text().replace("exact", "mine")
    task.write_text(text.replace("demo.jsonl", str(project / "tasks" / "demo.jsonl")))
    own = [f"--config-dir={project / 'conf'}", "task=demo", "requirements=base", "retry=quick"]
    own += [f"outputs={away}"]

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", [f"{person}/.venv/bin/runner", *arguments])
        return main(list(arguments))

    assert command(*own, "model=first", "limit=3", f"junit={ci}/a.xml") == 0
    [first] = (away / "runs").glob("*")
    assert command(*own, "model=second", "limit=3", f"baseline={first}", f"junit={ci}/b.xml") == 0
    assert command(*own, "model=second", f"junit={ci}/c.xml") == 4  # its scorer raises
    assert command(*own, "-m", "model=first,second", "limit=3", f"junit={ci}/d.xml") == 0
    [sweep] = (away / "sweeps").glob("*")
    assert command("promote", str(sweep), "candidate=second", "task=demo", own[0]) == 0
    assert command("drill", *own, "model=first") in (0, 3)
    shared = [*home.rglob(REPORT), *home.rglob(PAGE), *ci.glob("*.xml"), *home.rglob("decisions/*")]
    assert len(shared) >= 15
    for path in shared:
        said = path.read_text()
        for place in (person, home, tmp_path, Path.cwd(), paths.builtin("conf").parent):
            assert str(place) not in said, path


@pytest.mark.parametrize("directory", ["/home/ann", "/srv/it's here & there", "/app", "/root"])
def test_shared(monkeypatch: pytest.MonkeyPatch, directory: str) -> None:
    """Paths are told from words that merely look like them."""
    monkeypatch.setattr(Path, "cwd", lambda: Path(directory))
    assert paths.shared(f"in {directory}/a/b.txt, and '{directory}/c'") == "in a/b.txt, and 'c'"
    assert paths.shared(f"of /mnt{directory}/a") == f"of /mnt{directory}/a"
    assert paths.shared("no /other/place") == "no /other/place"
    argument = f"outputs={directory}/out"
    assert paths.shown_argument(argument) == "outputs=out"
    assert (
        paths.shown_argument("task.cases=[/data/x.jsonl,/data/y]") == "task.cases=[…/x.jsonl,…/y]"
    )
    assert paths.shown_argument("api_base=http://127.0.0.1/v1") == "api_base=http://127.0.0.1/v1"
