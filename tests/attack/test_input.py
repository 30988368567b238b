"""Malformed input of every kind: an error of ours in one line, never a traceback. Seeded."""

import json
import random
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from runner.cases import cases
from runner.commands import command_line
from runner.config import conf_files, loading, override_grammar
from runner.config.schema import Job
from runner.decide.promote import decision_record
from runner.errors import RunnerError
from runner.record.files import read_record
from runner.record.journal import read_journal
from runner.record.outcomes import Result
from runner.record.run_json import Measurement
from tests.report.make import answered

SEED = 20261128
DEEP = 100_000
BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)
VALUES: list[Any] = [
    None, True, -1, 0, 1e308, float("nan"), float("inf"), 10**400, 10**4000, "", "\0", "\ud800",
    "caf\udce9", "9" * 5000, "${a}", "${", "${oc.env:HOME}", "../../x", "x" * 20_000, "\u202e", [],
    [None], {}, {"": 1}, {"kind": "single"}, {None: 1}, date(2026, 1, 1), b"\xff", {"a": [{}]},
]  # fmt: skip
TEXTS = [
    "=", "a", "=1", "+", "~", "~x=", "++model=null", "model=null", "task=null", "mapping=null",
    "model=[a]", "model={a:1}", "model=@", "task.prompt='", 'task.prompt="', "limit=" + "9" * 5000,
    "seed=" + "[" * DEEP, "seed=" + "{a:" * 300, "seed=1e999", "a..b=1", "task.=1", "@=1", "a@b@c=",
    "x=${", "x=${oc.env:HOME}", "x=\\", "x=\x1b[2J", "x=choice(1,", "x=range(1)", "x=glob(*)",
    "tags=[[1]]", "hydra=null", "hydra.run.dir=null", "é=1", "model=" + "x" * 9000, "-m", "--cfg",
    "--config-dir", "--no-such", "outputs=/dev/null", "reuse=.", "baseline=..", "gate=maybe",
]  # fmt: skip


def deep(count: int) -> Any:
    value: Any = 1
    for _ in range(count):
        value = [value]
    return value


def outcome(work: Callable[[], Any]) -> None:
    """The claim: it works, or says why not in lines without a break."""
    try:
        work()
    except RunnerError as error:
        lines = getattr(error, "problems", (str(error),))
        assert all(line.strip() and "\n" not in line for line in lines), lines


def damaged(draw: random.Random, raw: bytes) -> bytes:
    """Some bytes of a file are cut, doubled, or others."""
    data = bytearray(raw)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        odd = draw.choice(
            [b"\0", b"\xe9", b"\xff\xfe", b'"\\ud800"', b"NaN", b"9" * 5000, b"[" * 5000, b"\t",
             b"{", b"]", b":", b"&a ", b"*a", b"- ", b"\n", b"1e999", b"null", b"!!python/x "],
        )  # fmt: skip
        cut = draw.choice([0, 0, 1, 20])
        data[at : at + cut] = odd
    return bytes(data)


def put(draw: random.Random, tree: Any, value: Any) -> None:
    """Somewhere in a config stands something else."""
    while True:
        keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
        key = draw.choice(keys)
        below = tree[key]
        if not isinstance(below, dict | list) or not below or draw.random() < 0.3:
            tree[key] = value
            return
        tree = below


@pytest.mark.parametrize("seed", range(3))
def test_configs(config: dict[str, Any], seed: int) -> None:
    """A config with a wrong value anywhere is a job, or a line a problem: 300 of them."""
    draw, text = random.Random(SEED + seed), json.dumps(config)
    for _ in range(100):
        tree = json.loads(text)
        put(draw, tree, draw.choice([*VALUES, deep(900)]))
        outcome(partial(loading.validate, tree))


def test_overrides() -> None:
    """What Hydra's grammar can't read, or would trip over, is one line: 300 of them."""
    draw = random.Random(SEED)
    signs = "=+~@.[]{}()'\"\\$: ,\n\tmodeltask0é"
    texts = TEXTS + ["".join(draw.choices(signs, k=draw.randint(1, 12))) for _ in range(260)]
    for text in texts:

        def both(text: str = text) -> None:
            override_grammar.refuse(text, None)
            override_grammar.check(text, None, Job)

        outcome(both)


def test_files_of_conf(tmp_path: Path) -> None:
    """A file of conf/ that is damaged, of another encoding or a trap is one line: 200 of them."""
    draw = random.Random(SEED)
    (tmp_path / "model").mkdir()
    good = b"defaults: [/provider: openai, _self_]\nname: a\nprice: {x: [1, 2], y: &a 1, z: *a}\n"
    traps = [
        BOMB.encode(), b"a: &a [*a]\n", b"a: " + b"[" * DEEP, b"caf\xe9: 1\n", b"a\0: 1\n", b"text",
        b"defaults: 5\n", b"defaults: [x, _self_]\n", b"a: " + b"9" * 5000, b"- a\n", b"5\n", b"",
        b"a: !!python/object:os.system x\n", b"a: 2026-99-99\n", "a: 1\n".encode("utf-16"),
        b"? [a]\n: 1\n", b"a: {a: " + b"{a: " * 3000, b"null: null\n", b"a: .inf\n", b"\t- a\n",
        b"a: ${\n", b'a: "\\ud800"\n', b"---\na: 1\n---\nb: 2\n", b"%YAML 9.9\n---\na: 1\n",
    ]  # fmt: skip
    source = conf_files._Own("own", f"own://{tmp_path}")
    for raw in traps + [damaged(draw, good) for _ in range(180)]:
        (tmp_path / "model" / "x.yaml").write_bytes(raw)
        outcome(lambda: source.load_config("model/x"))


def test_lines_of_cases(tmp_path: Path) -> None:
    """A line that is no case is named, and a case can be written down again: 200 of them."""
    draw = random.Random(SEED)
    file = tmp_path / "cases.jsonl"
    good = b'{"id": "a", "input": {"q": "x", "n": 1.5}, "expected": ["y"], "tags": ["t"]}\n'
    traps = [
        b'{"id": "a", "input": "\\ud800"}', b'{"id": "a", "input": "x", "expected": NaN}',
        b'{"id": "a", "input": "x", "expected": %s}' % json.dumps(deep(900)).encode(),
        b"[" * DEEP, b'{"id": "a", "input": "x", "expected": %s}' % (b"9" * 5000), b"caf\xe9",
        b"null", b"5", b"[]", b'"x"', b"{}", b'{"id": null, "input": 5}', b"\xef\xbb\xbf", b"\0",
        b'{"id": "a", "input": "x", "images": ["\\u0000"]}',
        b'{"id": "a", "input": "x", "images": ["%s"]}' % (b"x" * 5000),
        b'{"id": "a", "input": "x", "input": "y"}', b'{"id": "a", "input": {"": 1e999}}',
    ]  # fmt: skip
    for raw in traps + [damaged(draw, good) for _ in range(190)]:
        file.write_bytes(raw)
        outcome(lambda: [json.loads(each.model_dump_json()) for each in cases.read(file)])


def records(folder: Path) -> Iterator[tuple[Path, Callable[[], Any]]]:
    """Every file that is read back, and how."""
    yield folder / "cases.jsonl", lambda: list(read_journal(folder / "cases.jsonl"))
    yield folder / "run.json", lambda: read_record(Measurement, folder / "run.json")
    yield folder / "result.json", lambda: read_record(Result, folder / "result.json")
    path = decision_record.place(folder, "demo", "mine")
    path.parent.mkdir(parents=True)
    yield path, lambda: decision_record.find([folder], "demo", "mine")


def test_records_read_back(tmp_path: Path) -> None:
    """A journal, a run.json, a result.json or a decision that is damaged is one line: 240."""
    draw = random.Random(SEED)
    good = answered("a").model_dump_json().encode() + b"\n"
    traps = [
        b"[" * DEEP, b'{"task": ' * DEEP, b"{}", b"5", b"null", b"", b"\0", b"caf\xe9: 1",
        BOMB.encode(), b'{"task": "\\ud800"}\n', b'{"task": %s}\n' % (b"9" * 5000),
    ]  # fmt: skip
    for file, read in records(tmp_path):
        for raw in traps + [b"[" * DEEP + b"\n"] + [damaged(draw, good) for _ in range(50)]:
            file.write_bytes(raw)
            outcome(read)


def test_arguments_of_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No command ends with a traceback whatever is typed behind it: 200 of them, exit code 2."""
    monkeypatch.chdir(tmp_path)
    draw = random.Random(SEED)
    words = [*TEXTS, "\udce9", "a\0b", "", " ", "x" * 5000, "outputs/none", "--", "-x", "=" * 50]
    names = ["report", "compare", "promote", "schema", "models", "cost", "spend", "drift", "evil"]
    for _ in range(200):
        argv = [draw.choice(names), "no=key", *draw.choices(words, k=draw.randint(1, 3))]
        code = command_line.main(argv)
        said = capsys.readouterr().err
        assert code == 2, (argv, code, said)
        assert said.startswith("runner: ") and len(said.splitlines()) == 1, (argv, said)


@pytest.mark.parametrize("words", [[], ["run"], ["cost"], ["drill"], ["checklist"]])
def test_no_choice_at_all(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """`null` for what has to be chosen, and numbers beyond all sense, are one line, exit code 2."""
    for override in ("model=null", "task=null", "mapping=null", "limit=" + "9" * 5000, "\udce9=1"):
        assert command_line.main([*words, "estimate=true", override]) == 2
        said = capsys.readouterr().err
        assert said.startswith("runner: ") and len(said.splitlines()) == 1
        assert len(said) < 2100
