"""The scorer `python_tests`: real processes, each bounded by seconds."""

import asyncio
import secrets
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from runner import scorers
from runner.record.outcomes import Score
from runner.scorers._python_tests import sandbox, trial
from tests.scorers.make import call, judge, problem, task

TESTS = "assert double(2) == 4\nassert double(-1) == -2\n"
RIGHT = "def double(x):\n    return x * 2\n"
SECONDS = 60.0  # more than honest code takes on any machine

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's means are Linux's")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The directory for temporary files, found empty after every test that uses it."""
    folder = Path(tempfile.mkdtemp())  # pytest's own is closed to the user that root becomes
    folder.chmod(0o755)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    folder.rmdir()  # fails unless it is empty


def run(code: str, tests: str = TESTS, seconds: float = SECONDS) -> Score:
    return judge("python_tests", f"```python\n{code}\n```", tests, timeout=seconds, memory_mb=256)


@pytest.fixture(params=["bubblewrap", "none"])
def shut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """With bubblewrap where it works here, and as if it were not installed."""
    if request.param == "none":
        monkeypatch.setenv("PATH", "")
        sandbox.found.cache_clear()
    elif not shut_in():
        pytest.skip(f"{sandbox.found().lacking}; the record says so")
    yield request.param == "bubblewrap"
    sandbox.found.cache_clear()


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """In the environment of all that the test starts."""
    mark = secrets.token_hex()
    monkeypatch.setitem(sandbox.ENVIRONMENT, "MARK", mark)
    return mark


def shut_in() -> bool:
    return bool(sandbox.found().command)


def processes(mark: str) -> list[str]:
    """All processes that a test started, wherever they went."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if mark.encode() in environment:
            found.append(process.name)
    return found


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (RIGHT, 1),
        (f"```python\n{RIGHT}```", 1),
        (f"```py\n{RIGHT}```", 1),
        (f"```\n{RIGHT}```", 1),
        (f"Here:\n\n```Python\n{RIGHT}```\n\nCall it with a number.", 1),
        (f"```python\n{RIGHT}", 1),
        (f"  ```python\n  {RIGHT.replace(chr(10), chr(10) + '  ')}\n  ```", 1),
        (f"```python\n{RIGHT}```\nUse it:\n```python\nprint(input())\n```", 1),
        (f"```bash\npip install x\n```\n```python\n{RIGHT}```", 1),
        ("```python\ndef double(x): return x + 2\n```", 0),
        ("I can't write that.", 0),
        ("", 0),
        ("\x00", 0),
        ("x = '\ud800'", 0),
    ],
)
def test_pass_at_1(folder: Path, text: str, value: float) -> None:
    """The code of the answer passes the tests, or it does not; nothing else counts."""
    assert judge("python_tests", text, TESTS).value == value


def test_last_block(folder: Path) -> None:
    """`block` chooses between several blocks, and the reason says which it was."""
    text = f"```python\ndef double(x): return 0\n```\nBetter:\n```python\n{RIGHT}```"
    assert judge("python_tests", text, TESTS, block="last").why == "passed (last of 2 code blocks)"
    first = judge("python_tests", text, {"tests": TESTS}, key="tests")
    assert first.why.endswith("(first of 2 code blocks)")
    assert first.value == 0


NAMED = "FACTOR = 2\n"
USING = "def double(x):\n    return x * FACTOR\n"


@pytest.mark.parametrize(
    ("blocks", "block", "why"),
    [
        ((NAMED, USING), "first", "passed (2 of 2 code blocks, joined)"),
        ((USING, NAMED), "last", "passed (2 of 2 code blocks, joined)"),
        ((NAMED, USING, "print(double(input()))"), "first", "passed (2 of 3 code blocks, joined)"),
        (("FACTOR = 3", USING + NAMED), "first", "passed (last of 2 code blocks)"),
        ((USING + NAMED, "FACTOR = 3"), "first", "passed (first of 2 code blocks)"),
        (("double(", RIGHT, "double(2)"), "first", "passed (number 2 of 3 code blocks)"),
        ((NAMED, "from __future__ import annotations\n" + USING), "first", "passed (2 of 2 code"),
        ((USING, "print(FACTOR)"), "first", "NameError: name 'FACTOR' is not defined in answer"),
    ],
)
def test_blocks_that_need_each_other(
    folder: Path, blocks: tuple[str, ...], block: str, why: str
) -> None:
    """What the tests use and what that needs is run, wherever it stands, and nothing besides."""
    text = "\nThen:\n".join(f"```python\n{each}\n```" for each in blocks)
    assert judge("python_tests", text, TESTS, block=block).why.startswith(why)


HEAD = 'from operator import mul\n\n\ndef double(x: int) -> int:\n    """Twice x."""\n'
BODY = "    if not x:\n        return 0\n    return mul(x, 2)\n"


@pytest.mark.parametrize(
    "given", [HEAD, HEAD + "    pass", HEAD.replace('    """Twice x."""\n', "    ...\n"),
              f"Complete this:\n```python\n{HEAD}```\nThe body will do.", {"code": HEAD},
              f"Complete this, and add nothing:\n\n{HEAD}"],
)  # fmt: skip
@pytest.mark.parametrize(
    "answer",
    [BODY, BODY.strip(), textwrap.dedent(BODY), f"```python\n{BODY}```", "    return mul(x, 2)"],
)
def test_a_body_gets_the_head_of_the_prompt(
    folder: Path, given: str | dict[str, str], answer: str
) -> None:
    """A completion that is the function's body alone is run below the head that was given."""
    assert judge("python_tests", answer, TESTS, given=given).why.startswith("passed (with the head")


@pytest.mark.parametrize(
    "answer", [BODY.replace("2", "3"), "I can't.", "", "x = 1", "    return ("]
)
def test_a_head_makes_no_wrong_body_right(folder: Path, answer: str) -> None:
    """With the head before it a wrong body, or none, is as wrong as ever."""
    assert judge("python_tests", answer, TESTS, given=HEAD).value == 0


def test_a_prompt_that_is_python_lends_its_names(folder: Path) -> None:
    """A whole function may use what a prompt that is all Python has before it; prose lends none."""
    answer = "def double(x): return mul(x, 2)"
    assert judge("python_tests", answer, TESTS, given=HEAD).why == "passed"
    in_prose = f"Please:\n```python\n{HEAD}```"
    assert "NameError" in judge("python_tests", answer, TESTS, given=in_prose).why


@pytest.mark.parametrize("name", ["_raises", "check", "sum", "_cases", "AssertionError", "range"])
def test_helpers_of_any_name(folder: Path, name: str) -> None:
    """Helpers of code and tests, and what Python has, never meet, whatever their names."""
    answer = f"def {name}(x): return x + x\ndef double(x): return {name}(x)\n"
    tests = (
        "_cases = [1, 2]\ndef check(f): return [f(x) for x in _cases]\n"
        "def _raises(f): return False\n"
        "assert sum(check(double)) == 6 and not _raises(double)\n"
        "for each in range(3): assert double(each) == 2 * each\n" + TESTS
    )
    assert run(answer, tests).why == "passed"
    wrong = run(f"class {name}(Exception): pass\n" + RIGHT.replace("2", "3"), tests)
    assert wrong.value == 0


def test_names_of_python_are_imported(folder: Path) -> None:
    """Tests of a function that is called as one of Python's own import it, and see its globals."""
    code = "seen = []\ndef filter(x):\n    seen.append(x)\n    return x * 2"
    tests = "from answer import filter\nimport answer\nassert filter(2) == 4 and answer.seen == [2]"
    assert run(code, tests).why == "passed"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (RIGHT, "passed"),
        (
            "def double(x): return x + 2",
            "AssertionError in tests, line 2: assert double(-1) == -2",
        ),
        (
            "def double(x): return 1 / 0",
            "ZeroDivisionError: division by zero in answer, line 1: def",
        ),
        (
            "def double(x: return",
            "SyntaxError: invalid syntax in answer, line 1: def double(x: ret",
        ),
        (
            "import no_such_module",
            "ModuleNotFoundError: No module named 'no_such_module' in answer",
        ),
        ("def double(x): return input()", "EOFError: EOF when reading a line in answer, line 1"),
        ("def double(x): return double(x)", "RecursionError: maximum recursion depth exceeded"),
        ("raise ValueError('a\\nb' * 999)", "ValueError: a ba ba"),
    ],
)
def test_why(folder: Path, code: str, why: str) -> None:
    """The reason is the line that failed."""
    assert run(code).why.startswith(why)
    assert len(run(code).why) < 500


@pytest.mark.parametrize(
    "code",
    [
        "from dataclasses import dataclass\n@dataclass\nclass A:\n    x: 'int' = 1\n" + RIGHT,
        "if __name__ == '__main__':\n    raise SystemExit(1)\n" + RIGHT,
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n" + RIGHT,
        "print('x' * 10_000_000)\n" + RIGHT,
        "import sys; sys.stderr.write('x' * 1_000_000)\n" + RIGHT,
        "open('notes.txt', 'w').write('x')\n" + RIGHT,
        "import tempfile; tempfile.TemporaryFile().write(b'x')\n" + RIGHT,
        "from multiprocessing.pool import ThreadPool\n"
        "def double(x):\n    with ThreadPool(2) as pool: return pool.map(int, [x * 2])[0]",
        "import subprocess\nsubprocess.run(['true'], check=True)\n" + RIGHT,
    ],
)
def test_honest_code(folder: Path, code: str) -> None:
    """What ordinary programs do works inside."""
    assert run(code).why == "passed"


@pytest.mark.parametrize(
    "code",
    [
        "import sys; sys.exit(0)",
        "import os; os._exit(0)",
        "raise KeyboardInterrupt",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import os; os.abort()",
        "import ctypes; ctypes.string_at(0)",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.killpg(0, 9)",
        "def double(x): import os; os._exit(0)",
        "import os\nfor fd in range(3, 30):\n"
        '    try: os.write(fd, b\'{"token": "", "problem": null}\\n\')\n'
        "    except OSError: pass\nos._exit(0)",
        "import os\nfor fd in range(3, 30):\n    try: os.write(fd, b'[' * 1_000_000)\n"
        "    except OSError: pass",
        "import os\nos.closerange(3, 64)\n" + RIGHT,
    ],
)
def test_an_early_end_is_no_pass(folder: Path, code: str) -> None:
    """Only tests that ran to their end count, however the code ends before."""
    if "getppid" in code and not shut_in():
        pytest.skip("that is this process here; the record says that the code could end it")
    score = run(code)
    assert score.value == 0
    assert "timed out" not in score.why


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("while True: pass", "timed out after 1 s"),
        ("import time; time.sleep(60)", "timed out after 1 s"),
        ("import signal\nsignal.alarm(0)\nwhile True:\n    try: 1\n    except: pass", "timed out"),
        (
            "import signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n"
            "    except (OSError, ValueError): pass\nwhile True: pass",
            "timed out",
        ),
        ("data = bytearray(10 << 30)", "MemoryError in answer, line 1"),
        (
            "with open('big', 'wb') as f:\n    for _ in range(1024): f.write(bytes(1 << 20))",
            "OSError: [Errno 27] File too large",
        ),
        (
            "files = [open('x', 'w') for _ in range(1000)]",
            "OSError: [Errno 24] Too many open files",
        ),
    ],
)
@linux
def test_limits(folder: Path, code: str, why: str) -> None:
    """Time, memory, size and number of files are bounded."""
    score = run(code, seconds=1 if why.startswith("timed out") else SECONDS)
    assert score.value == 0
    assert score.why.startswith(why)


@linux
def test_memory_is_bounded_for_all_processes_together(folder: Path, mark: str, shut: bool) -> None:
    """Children that each keep to their own limit end when they take more than it together."""
    child = (
        "x = bytearray(60 << 20)\n        x[::4096] = bytes(len(x[::4096]))\n        time.sleep(60)"
    )
    fork = "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        "
    code = f"{fork}{child}\ntime.sleep(60)"
    score = run(code)
    assert (score.value, score.why) == (0, "took over 256 MB, all processes together")
    assert not shut or processes(mark) == []


@linux
def test_fork_bomb(folder: Path, mark: str) -> None:
    """A fork bomb runs into the limit on processes, and none of them is left."""
    if not shut_in():
        pytest.skip("what would be left can't be ended; the record says so")
    assert run("import os\nwhile True:\n    os.fork()", seconds=1).value == 0
    stubborn = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
    assert run(stubborn, seconds=1).value == 0
    assert processes(mark) == []


@linux
def test_a_daemon_ends_too(folder: Path, mark: str, shut: bool) -> None:
    """A process that left its session ends with the tests, or the record says that it may not."""
    daemon = (
        "import os, time\n"
        "if os.fork() == 0:\n    os.setsid()\n"
        "    if os.fork() == 0: time.sleep(5)\n    os._exit(0)\n"
        "time.sleep(0.3)\n"
    )
    score = run(daemon + RIGHT)
    assert score.why == "passed"
    said = score.details["limits"]["end"]
    if shut:
        assert processes(mark) == []
        assert said == "held: all its processes end with the tests"
    else:
        assert said.endswith("a process that leaves its session lives on")


@linux
def test_no_network(folder: Path, shut: bool) -> None:
    """Neither the own machine nor a socket by its path can be reached, or the record says so."""
    tcp, path = socket.create_server(("127.0.0.1", 0)), folder / "agent"
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(path))
    path.chmod(0o777)
    unix.listen()
    with tcp, unix:
        address = tcp.getsockname()
        scores = [
            run(f"import socket\nsocket.create_connection({address}, 1)\n" + RIGHT),
            run(f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(path)!r})\n" + RIGHT),
        ]
    path.unlink()
    whys = [score.why for score in scores]
    said = scores[0].details["limits"]["network"]
    if shut:
        assert "Error: [Errno" in whys[0] and "No such file" in whys[1]
        assert said == "held: no network, no socket outside"
    else:
        assert whys == ["passed", "passed"]
        assert said.startswith("NOT held, bubblewrap is not installed: the code could use")


@linux
def test_no_file_of_the_user_is_seen(folder: Path, shut: bool) -> None:
    """Not what lies in a home, not the cases, not the package; nothing of it comes out in `why`."""
    planted = folder / "id_ed25519"
    planted.write_text("PRIVATE KEY")
    planted.chmod(0o644)
    score = run(f"raise ValueError(open({str(planted)!r}).read())")
    planted.unlink()
    said = score.details["limits"]["files"]
    if not shut:
        assert "PRIVATE KEY" in score.why
        assert said.startswith("NOT held, bubblewrap is not installed: the code could use every")
        return
    assert "FileNotFoundError" in score.why and "PRIVATE" not in score.why
    assert said.startswith("held: nothing to read but Python")
    hidden = [Path.home() / ".ssh", Path(scorers.__file__).parent, Path(pytest.__file__).parent]
    for path in (*hidden, Path("/home"), Path("/var"), Path("/etc/passwd")):
        assert run(f"import os\nassert not os.path.exists({str(path)!r})\n" + RIGHT).value == 1
    assert "No module named 'pytest'" in run("import pytest").why


@linux
def test_files_outside_are_read_only(folder: Path) -> None:
    """The code can write where it runs and nowhere else, and few megabytes."""
    if not shut_in():
        pytest.skip("no bubblewrap here; the record says so")
    outside = folder / "outside"
    assert "Error: [Errno" in run(f"open({str(outside)!r}, 'w')\n{RIGHT}").why
    assert not outside.exists()
    for place in ("/x", "/dev/x", "/usr/x", "/etc/x"):
        assert "Error: [Errno" in run(f"open({place!r}, 'w')\n{RIGHT}").why
    many = "for n in range(40): open(str(n), 'wb').write(bytes(4 << 20))"
    assert "No space left on device" in run(many).why


@linux
def test_bubblewrap_that_does_not_work(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that has it and forbids what it does is tried once, and named with the reason."""
    false = folder / "bwrap"
    false.write_text("#!/bin/sh\necho x >> tries; echo 'bwrap: No permissions' >&2; exit 1\n")
    false.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.chdir(folder)
    sandbox.found.cache_clear()
    said = {run(RIGHT).details["limits"]["files"] for _ in range(2)}
    sandbox.found.cache_clear()
    assert len((folder / "tries").read_text().split()) <= 2  # as root in two ways
    for path in (false, folder / "tries"):
        path.unlink()
    (words,) = said
    assert words.startswith("NOT held, bubblewrap does not work here (bwrap: No permissions): the")


def test_environment_is_empty(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys in the environment of the runner are not in that of the code."""
    monkeypatch.setenv("SECRET_API_KEY", "planted")
    assert run("import os\nassert 'SECRET_API_KEY' not in os.environ\n" + RIGHT).why == "passed"
    code = (
        "import glob\nfor name in glob.glob('/proc/[0-9]*/environ'):\n"
        "    try: found = b'planted' in open(name, 'rb').read()\n"
        "    except OSError: found = False\n"
        "    assert not found, name\n"
    )
    if shut_in():
        assert run(code + RIGHT).why == "passed"


def test_details_say_which_limits_held(folder: Path, shut: bool) -> None:
    """Every score says in words what bounded the code, also when it ran out of time."""
    for code in (RIGHT, "while True: pass"):
        limits = run(code, seconds=1).details["limits"]
        assert list(limits) == [
            "files",
            "network",
            "end",
            "others",
            "cpu",
            "file_size",
            "open_files",
            "memory of a process",
            "memory of all processes",
            "processes",
        ]
        assert all(each.startswith(("held", "NOT held")) for each in limits.values())
        assert limits["cpu"] == "held"
        outside = ("files", "network", "end", "others")
        assert all(limits[name].startswith("held") == shut for name in outside)


@linux
def test_processes_outside(folder: Path, shut: bool) -> None:
    """None can be ended by the code, or the record says that it could."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        score = run(f"import os\nos.kill({other.pid}, 9)\n{RIGHT}")
        survives = other.poll() is None
        other.kill()
    said = score.details["limits"]["others"]
    assert survives or said.startswith("NOT held")
    assert said == "held: no process outside is seen" if shut else "could end other" in said


def test_details_say_what_was_believed(folder: Path) -> None:
    """What only the code's process could evaluate is counted apart from what was compared."""
    tests = TESTS + "assert isinstance(double(1), int)\nassert double(2) == double(2)\n"
    details = run(RIGHT, tests).details
    assert details["compared_apart_from_the_code"] == 2
    assert details["evaluated_beside_the_code"] == 2


def test_tables(folder: Path) -> None:
    """The table says for how many answers what held, in the record's words."""
    limits = ({"cpu": "held", "files": "NOT held, because"}, {"cpu": True, "files": False})
    scores = [Score(value=1, why="", details={"limits": limits[n > 1]}) for n in range(3)]
    (table,) = scorers.tables("python_tests", scores, task="demo", tasks_dirs=[])
    assert table.rows == (
        ("cpu", "held", 3),
        ("files", "NOT held, because", 2),
        ("files", "NOT held", 1),
    )
    assert scorers.tables("python_tests", [], task="demo", tasks_dirs=[]) == []


def test_many_at_once(folder: Path) -> None:
    """Many answers are run on one loop, and again on another, without running into time limits."""

    async def many() -> list[Score]:
        asked = task({"python_tests": {}})
        scorer = scorers.load(asked, [])["python_tests"]
        text = f"```python\n{RIGHT}```"
        return await asyncio.gather(*(call(scorer, text, TESTS, asked) for _ in range(12)))

    for run_loop in (asyncio.run, uvloop.run, asyncio.run):
        assert {score.why for score in run_loop(many())} == {"passed"}


@linux
def test_cancelling_ends_the_code(folder: Path, mark: str, shut: bool) -> None:
    """When the run is interrupted, the code that is just being run ends with it."""

    async def interrupted() -> None:
        running = asyncio.create_task(trial.run("while True: pass", TESTS, 3600.0, 256))
        while len(processes(mark)) < 2:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert processes(mark) == []


@linux
@pytest.mark.parametrize("steps", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_cancelling_at_any_step(folder: Path, mark: str, shut: bool, steps: int) -> None:
    """Also while a process is only just being made, an interrupt ends all of it."""

    async def interrupted() -> None:
        running = asyncio.create_task(trial.run("while True: pass", TESTS, 3600.0, 256))
        for _ in range(steps):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(interrupted())
    assert processes(mark) == []


def test_off_the_main_thread(folder: Path) -> None:
    """The scorer works on an event loop of another thread."""
    scores: list[Score] = []
    thread = threading.Thread(target=lambda: scores.append(run(RIGHT)))
    thread.start()
    thread.join()
    assert [score.why for score in scores] == ["passed"]


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        (TESTS, None),
        ("check(double)", None),
        ("def test_x():\n    assert False\ntest_x()", None),
        (None, "expected is missing"),
        ("", "expected is empty"),
        ("assert (", "the tests are no Python: '(' was never closed"),
        ("assert 1\x00", "the tests are no Python"),
        ("def test_x():\n    assert False", "the tests only define things"),
        ("import double", "the tests only define things"),
        ("# nothing", "the tests only define things"),
        ({"tests": TESTS}, "expected must be text, but is an object"),
    ],
)
def test_check(expected: object, message: str | None) -> None:
    """Tests that are no Python, or that nothing would run, are found before anything is sent."""
    found = problem("python_tests", expected)
    assert (found is None) == (message is None)
    assert (found or "").startswith(message or "")
