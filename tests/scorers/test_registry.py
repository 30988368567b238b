"""Finding scorers, binding their options, and what happens when a user's own one is wrong."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from runner import scorers
from runner.cases.call_log import CallLog
from runner.cases.cases import Case
from runner.cases.query import Query
from runner.config.schema import Model
from runner.errors import BudgetSpent, ConfigError
from runner.record.outcomes import Score
from runner.scorers import Scorer, ScorerFailed, ScorerTable, Unscored
from tests.conftest import model
from tests.scorers.make import call, case, own, problem, reply, task

BUILTIN = [
    "assertions",
    "contains",
    "exact",
    "fields",
    "json_valid",
    "judge",
    "label",
    "numeric",
    "python_tests",
    "regex",
    "rouge",
    "summary",
    "tool_calls",
]

IMPORT = "from runner.record.outcomes import Score\n"


def load_own(folder: Path, source: str, **options: Any) -> Scorer:
    own(folder, "mine", source)
    return scorers.load(task({"mine": options}), [folder])["mine"]


def problems(given: dict[str, dict[str, Any]], *folders: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        scorers.load(task(given), folders)
    return list(caught.value.problems)


def run(scorer: Scorer, text: str = "answer", expected: Any = "answer") -> Score:
    return asyncio.run(call(scorer, text, expected, task({"mine": {}})))


@pytest.mark.parametrize("name", [name for name in BUILTIN if name != "judge"])
def test_builtin(name: str) -> None:
    """Every built-in scorer loads by the name of its file, without options."""
    scorer = scorers.load(task({name: {}}), [])[name]
    assert (scorer.name, scorer.own) == (name, False)
    assert callable(scorer)


def test_order_is_kept() -> None:
    """The scorers come in the order in which the task names them."""
    names = ["label", "exact", "contains"]
    assert list(scorers.load(task({name: {} for name in names}), [])) == names


def test_what_it_prints_is_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a user's file prints when it is imported does not stand among answers."""
    source = "print('loading')\ndef score(reply, case, task): return 1\n"
    load_own(tmp_path, source)
    assert capsys.readouterr() == ("", "loading\n")


def test_an_own_scorer_comes_first(tmp_path: Path) -> None:
    """A user's file goes before a built-in one, and the first directory before the second."""
    first, second = tmp_path / "first", tmp_path / "second"
    own(second, "exact", "def score(reply, case, task): return 0.25")
    loaded = scorers.load(task({"exact": {}}), [first, second])
    assert run(loaded["exact"]).value == 0.25
    own(first, "exact", "def score(reply, case, task): return 0.75")
    loaded = scorers.load(task({"exact": {}}), [first, second])
    assert run(loaded["exact"]).value == 0.75


def test_own_scorers_of_two_tasks(tmp_path: Path) -> None:
    """Two tasks may each have a scorer of one name, with state of its own."""
    for name in ("a", "b"):
        own(tmp_path, "mine", f"NAME = {name!r}\ndef score(r, c, t): return 1", task_name=name)
    modules = [
        scorers.load(task({"mine": {}}, name=name), [tmp_path])["mine"].module for name in "ab"
    ]
    assert [module.NAME for module in modules] == ["a", "b"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exakt", "task.scorers.exakt: no such scorer; did you mean 'exact'?"),
        ("mind", "task.scorers.mind: no such scorer; did you mean 'mine'?"),
        ("../demo/mine", "task.scorers.../demo/mine: no such scorer"),
        ("_text", "task.scorers._text: no such scorer"),
        ("__init__", "task.scorers.__init__: no such scorer"),
        (
            "zzz",
            f"task.scorers.zzz: no such scorer; there is: {', '.join(sorted([*BUILTIN, 'mine']))}",
        ),
    ],
)
def test_unknown_scorer(tmp_path: Path, name: str, message: str) -> None:
    """An unknown name is answered with the nearest of the built-in and the user's scorers."""
    own(tmp_path, "mine", "async def score(reply, case, task): return 1")
    own(tmp_path, "helper", "raise SystemExit('only read, never run')")
    own(tmp_path, "broken", "def score(")
    own(tmp_path, "_private", "def score(reply, case, task): return 1")
    (found,) = problems({name: {}}, tmp_path)
    assert found.startswith(message)
    assert "helper" not in found
    assert "broken" not in found


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"numeric": {"tolerence": 1}},
            "task.scorers.numeric.tolerence: no such option; did you mean 'tolerance'?",
        ),
        (
            {"json_valid": {"strict": True}},
            "task.scorers.json_valid.strict: no such option; it has no options",
        ),
        (
            {"numeric": {"tolerance": "much"}},
            "task.scorers.numeric.tolerance: input should be a valid number, unable to parse "
            "string as a number (it is 'much')",
        ),
        (
            {"label": {"labels": ["a", 2]}},
            "task.scorers.label.labels[1]: input should be a valid string (it is 2)",
        ),
        (
            {"python_tests": {"timeout": "soon"}},
            "task.scorers.python_tests.timeout: 'soon' is no duration; write 500ms, 30s, 2m or 1h "
            "(it is 'soon')",
        ),
    ],
)
def test_wrong_option(given: dict[str, dict[str, Any]], message: str) -> None:
    """An unknown option and one of the wrong type are named by their place in the config."""
    assert problems(given) == [message]


def test_all_problems_at_once() -> None:
    """Every problem of every scorer is reported, not only the first."""
    found = problems({"exakt": {}, "numeric": {"tol": 1, "relative": -1}})
    assert [line.split(":")[0] for line in found] == [
        "task.scorers.exakt",
        "task.scorers.numeric.tol",
        "task.scorers.numeric.relative",
    ]


def test_own_options(tmp_path: Path) -> None:
    """The options of an own scorer are typed by its annotations, and free without them."""
    source = (
        "from __future__ import annotations\n"
        "def score(reply, case, task, *, need: int, share: float = 0.5, free=None):\n"
        "    assert type(need) is int and free == {'any': 1}\n"
        "    return share"
    )
    assert run(load_own(tmp_path, source, need="3", free={"any": 1})).value == 0.5
    assert problems({"mine": {}}, tmp_path) == ["task.scorers.mine.need: is missing"]
    assert problems({"mine": {"need": "x", "shore": 1}}, tmp_path) == [
        "task.scorers.mine.shore: no such option; did you mean 'share'?",
        "task.scorers.mine.need: input should be a valid integer, unable to parse string as an "
        "integer (it is 'x')",
    ]
    own(tmp_path, "bare", "def score(reply, case, task): return 1")
    assert problems({"bare": {"x": 1}}, tmp_path) == [
        "task.scorers.bare.x: no such option; it has no options"
    ]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "",
            "mine.py: has no function 'score'; it needs def score(reply, case, task, *, <options>)",
        ),
        ("score = 5", "mine.py: has no function 'score'"),
        ("def score(reply, case): return 1", "mine.py: score must take (reply, case, task) and"),
        ("def score(a, b, c, d): return 1", "mine.py: score must take (reply, case, task) and"),
        (
            "def score(reply, case, task, *, x: 'Nope'): pass",
            "mine.py: score: a type can't be read",
        ),
        (
            "class X: pass\ndef score(r, c, t, *, x: X = None): pass",
            "option 'x' has a type that no",
        ),
        ("def score(", "mine.py: can't be imported: SyntaxError: '(' was never closed"),
        (
            "x = 1\nimport no_such_module",
            "mine.py: can't be imported: ModuleNotFoundError: No module",
        ),
        (
            "x = 1\n1 / 0",
            "mine.py: can't be imported: ZeroDivisionError: division by zero (mine.py:2)",
        ),
        ("raise SystemExit(3)", "mine.py: can't be imported: SystemExit: 3"),
        (
            "def score(r, c, t): pass\ndef check(case): pass",
            "mine.py: check must take (case, task)",
        ),
        (
            "def score(r, c, t, *, key=1): pass\ndef check(c, t, *, kye=1): pass",
            "mine.py: check: score has no option 'kye'; did you mean 'key'?",
        ),
        (
            "def score(r, c, t, *, key=1): pass\ndef check(c, t, *, key): pass",
            "mine.py: check: give 'key' the default that it has in score",
        ),
        ("def score(r, c, t): pass\ndef tables(): pass", "mine.py: tables must take (scores)"),
    ],
)
def test_a_file_that_is_no_scorer(tmp_path: Path, source: str, message: str) -> None:
    """A user's file that can't be used is named in one line with what is wrong."""
    own(tmp_path, "mine", source)
    (found,) = problems({"mine": {"x": 1} if "x: X" in source else {}}, tmp_path)
    assert found.startswith(str(tmp_path))
    assert message in found
    assert "\n" not in found


@pytest.mark.parametrize(
    ("returned", "value", "why"),
    [
        ("0.5", 0.5, "returned 0.5"),
        ("True", 1.0, "returned True"),
        ("False", 0.0, "returned False"),
        ("1", 1.0, "returned 1"),
        ("Score(value=0.2, why='so', details={'a': 1})", 0.2, "so"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_what_an_own_scorer_may_return(
    tmp_path: Path, kind: str, returned: str, value: float, why: str
) -> None:
    """A Score, a number from 0 to 1 or a boolean is fine, from a coroutine too."""
    source = f"{IMPORT}{kind} score(reply, case, task): return {returned}"
    score = run(load_own(tmp_path, source))
    assert (score.value, score.why) == (value, why)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return None", "TypeError: returned NoneType, not a Score or a number from 0 to 1"),
        ("return 'good'", "TypeError: returned str, not a Score"),
        ("return 1.5", "ValueError: returned 1.5, not a number from 0 to 1"),
        ("return -1", "ValueError: returned -1, not"),
        ("return float('nan')", "ValueError: returned nan, not"),
        (
            "return Score(value=2, why='')",
            "ValidationError: 1 validation error for Score value Input",
        ),
        ("return Score(value=1, why='', details={'x': object()})", "PydanticSerializationError"),
        ("return {}['x']", "KeyError: 'x' (mine.py:3)"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines (mine.py:3)"),
        ("assert False", "AssertionError (mine.py:3)"),
    ],
)
@pytest.mark.parametrize("kind", ["def", "async def"])
def test_a_bug_is_no_wrong_answer(tmp_path: Path, kind: str, body: str, message: str) -> None:
    """What is no score stops the run with the scorer, the case and the line that is to blame."""
    source = f"{IMPORT}{kind} score(reply, case, task):\n    {body}"
    scorer = load_own(tmp_path, source)
    with pytest.raises(ScorerFailed) as caught:
        run(scorer)
    assert str(caught.value).startswith(f"scorer 'mine', case 'c1': {message}")
    assert "\n" not in str(caught.value)


def test_a_slow_own_scorer_leaves_the_loop_free(tmp_path: Path) -> None:
    """A user's plain function runs in a thread, a built-in one where it is called."""
    source = (
        "import threading\n"
        "def score(reply, case, task): return threading.current_thread() is threading.main_thread()"
    )
    assert threading.current_thread() is threading.main_thread()
    assert run(load_own(tmp_path, source)).value == 0


def test_own_check_gets_the_options_that_it_names(tmp_path: Path) -> None:
    """A check is called with its part of the options, and its answer is passed on as text."""
    source = (
        "def score(reply, case, task, *, key='a', other=1): return 1\n"
        "def check(case, task, *, key): return None if key in case.expected else f'no {key}'"
    ).replace("*, key)", "*, key='a')")
    scorer = load_own(tmp_path, source, key="b", other=2)
    assert scorer.check(case({"b": 1}), task({"mine": {}})) is None
    assert scorer.check(case({"a": 1}), task({"mine": {}})) == "no b"
    with pytest.raises(ScorerFailed, match=r"scorer 'mine', case 'c1': TypeError"):
        scorer.check(case(None), task({"mine": {}}))


def test_own_scorer_without_check(tmp_path: Path) -> None:
    """A scorer without a check has no objections."""
    scorer = load_own(tmp_path, "def score(reply, case, task): return 1")
    assert scorer.check(case(None), task({"mine": {}})) is None
    assert scorer.tables([]) == []


def test_own_tables(tmp_path: Path) -> None:
    """The tables of an own scorer are found by task and name; a bug in them is named."""
    source = (
        "from runner.scorers import ScorerTable\n"
        "def score(reply, case, task): return 1\n"
        "def tables(scores): return [ScorerTable('T', ('n',), ((len(scores) // len(scores),),))]"
    )
    scorer = load_own(tmp_path, source)
    score = Score(value=1, why="")
    assert scorer.tables([score]) == [ScorerTable("T", ("n",), ((1,),))]
    assert scorers.tables("mine", [score], task="demo", tasks_dirs=[tmp_path]) == scorer.tables(
        [score]
    )
    with pytest.raises(ScorerFailed, match=r"scorer 'mine', tables: ZeroDivisionError.*mine\.py:3"):
        scorer.tables([])


def test_an_own_scorer_may_use_a_built_in_one(tmp_path: Path) -> None:
    """A user's file can wrap a built-in scorer of the same name."""
    source = (
        "from runner.scorers import exact\n"
        "def score(reply, case, task): return exact.score(reply, case, task, case_sensitive=False)"
    )
    own(tmp_path, "exact", source)
    scorer = scorers.load(task({"exact": {}}), [tmp_path])["exact"]
    assert asyncio.run(scorer(reply("A"), case("a"), task({"exact": {}}))).value == 1


@pytest.mark.parametrize("name", [n for n in BUILTIN if n not in ("json_valid", "judge")])
def test_missing_expected(name: str) -> None:
    """Every scorer that compares with something says when a case has nothing to compare with."""
    assert problem(name) == "expected is missing"


ASKING = (
    "from runner.scorers import Unscored\n"
    "from runner.config.schema import Model\n"
    "async def score(reply, case, task, *, ask, model: Model, share=0.5):\n"
    "    asked = await ask(model, case)\n"
    "    if asked.reply is None:\n"
    "        raise Unscored('it did not answer')\n"
    "    return float(asked.reply.text)"
)


def test_a_scorer_that_asks(tmp_path: Path) -> None:
    """A scorer with `ask` gets the way to ask the model that stands among its options."""
    given = []

    async def ask(model: Model, query: Query) -> CallLog:
        given.append(model.name)
        return CallLog(reply=reply("0.25"))

    scorer = load_own(tmp_path, ASKING, model=model("http://127.0.0.1:9/v1", "judge-model"))
    score = asyncio.run(scorer(reply("a"), case("a"), task({"mine": {}}), ask))
    assert (score.value, given) == (0.25, ["judge-model"])


def test_asking_is_no_option(tmp_path: Path) -> None:
    """`ask` can't be set by a config, and a model's bare name is answered with what to write."""
    own(tmp_path, "mine", ASKING)
    assert problems({"mine": {"ask": 1, "model": "haiku"}}, tmp_path) == [
        "task.scorers.mine.ask: no such option; there is: model, share",
        "task.scorers.mine.model: a model comes by the defaults list, with a line like "
        "/model@scorers.mine.model: sonnet (it is 'haiku')",
    ]


@pytest.mark.parametrize("reason", [Unscored("it did not answer"), BudgetSpent("nothing is left")])
def test_what_is_no_bug_passes(tmp_path: Path, reason: Exception) -> None:
    """A model that did not judge and a spent budget are not reported as a bug of the scorer."""

    async def ask(model: Model, query: Query) -> CallLog:
        raise reason

    scorer = load_own(tmp_path, ASKING, model=model("http://127.0.0.1:9/v1"))
    with pytest.raises(type(reason)) as caught:
        asyncio.run(scorer(reply("a"), case("a"), task({"mine": {}}), ask))
    assert caught.value is reason


def test_key_is_of_all_that_makes_a_score(tmp_path: Path) -> None:
    """The key changes with the file, an option, the expected value and the input, else never."""
    source = "def score(reply, case, task, *, share=0.5): return share"
    first = load_own(tmp_path / "a", source).key(case("x"))
    assert first == load_own(tmp_path / "b", source).key(case("x"))
    others = [
        load_own(tmp_path / "c", source + "  # changed").key(case("x")),
        load_own(tmp_path / "d", source, share=0.25).key(case("x")),
        load_own(tmp_path / "e", source).key(case("y")),
        load_own(tmp_path / "f", source).key(Case(id="c1", input="!", expected="x")),
    ]
    assert len({first, *others}) == 5


def test_key_is_the_same_at_another_price(tmp_path: Path) -> None:
    """A price that changes takes no score away, another model does."""

    def key(folder: str, **changes: Any) -> str:
        judge = model("http://127.0.0.1:9/v1") | changes
        return load_own(tmp_path / folder, ASKING, model=judge).key(case("x"))

    assert key("a") == key("b", price=None)
    assert key("a") != key("c", id="another-2026-01-01")


def test_a_scorer_that_blocks(tmp_path: Path) -> None:
    """It fails once its time is over, and neither the loop nor the end of the run waits for it."""
    own(tmp_path, "slow", "import time\ndef score(reply, case, task): time.sleep(600)\n")
    asked = task({"slow": {}}).model_copy(update={"scorer_timeout": 0.05})
    scorer = scorers.load(asked, [tmp_path])["slow"]
    with pytest.raises(scorers.ScorerFailed, match=r"over 0\.05 s, which is task\.scorer_timeout"):
        asyncio.run(call(scorer, "x", None, asked))
