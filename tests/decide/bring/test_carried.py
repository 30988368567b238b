"""Nothing of a file goes missing: what is not in the task stands in the list of what was left."""

import contextlib
import itertools
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from runner.cases.rows import rows
from runner.decide.bring import evals, promptfoo
from runner.decide.bring.brought import Brought
from runner.decide.bring.models import by_name
from runner.decide.bring.read import read
from runner.decide.bring.records import Wish
from runner.decide.bring.sources import Ledger
from runner.errors import ConfigError

INPUTS = Path(__file__).parent / "inputs"
# Words that say what something is: they become a scorer, a model, a key.
FORM = """
equals regex is json contains any all not icontains starts with llm rubric factuality model graded
closedqa rouge n l latency cost assert set type openai chat messages anthropic mistral google groq
ollama user system developer assistant role content string check label score similarity eq ne
template input text responses completions file item sample output https http object true false
javascript python ref assertiontemplates
"""


def plain(value: Any) -> Any:
    return vars(value) if hasattr(value, "__dict__") else str(value)


def words(value: Any) -> set[str]:
    text = value if isinstance(value, str) else json.dumps(value, default=plain)
    return set(re.findall(r"[^\W_]+", text.lower().replace("\\n", " ").replace("\\b", " ")))


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], Any]]:
    pairs: Any = enumerate(value) if isinstance(value, list) else ()
    pairs = value.items() if isinstance(value, dict) else pairs
    found = [leaf for key, each in pairs for leaf in leaves(each, (*path, key))]
    return found if isinstance(value, dict | list) and value else [(path, value)]


def goes_on(value: str, out: Brought) -> bool:
    """Whether it names a file or a part, which is a source of its own, or a model that came."""
    found = by_name(value)
    model = not isinstance(found, str) and found.option in out.models
    return model or value.startswith(("file://", "#/"))


def missing(ledger: Ledger, out: Brought) -> list[tuple[Any, ...]]:
    """Leaves of the sources whose words are neither in what came out nor under what was left."""
    came = words(vars(out)) | set(FORM.split())
    left = [(file, path) for file, path, _ in ledger.left]
    return [
        (path, value)
        for source in ledger.sources.values()
        for path, value in leaves(source.root.value)
        if value not in (None, "", [], {})
        and not any(file == source.file and path[: len(at)] == at for file, at in left)
        and not words(value) <= came
        and not (isinstance(value, str) and goes_on(value, out))
        and source.file.suffix not in (".csv",)
    ]


CONFIGS = [
    "labels.yaml",
    "refunds/promptfooconfig.yaml",
    "invoices.json",
    "judged.yaml",
    "pages/promptfooconfig.yaml",
    "scenarios.yaml",
    "regexes.yaml",
    "eval_labels.json",
    "eval_judged.json",
]


@pytest.mark.parametrize("name", CONFIGS)
def test_configs(name: str) -> None:
    """Each value of each config is in the task, or listed with its line."""
    ledger = Ledger()
    reader = evals.read if name.startswith("eval") else promptfoo.read
    out = reader(ledger, INPUTS / name)
    listed = ledger.close()
    assert missing(ledger, out) == []
    assert all(row.line >= 1 for row in listed)
    assert any(task.cases for task in out.tasks)


@pytest.mark.parametrize("name", ["otel", "langfuse", "litellm", "journal", "talks", "questions"])
def test_records(name: str) -> None:
    """Each key of each record is carried, or listed: what was asked and answered aside."""
    file = INPUTS / f"{name}.jsonl"
    out = read(file, None, Wish(expected="answers"))
    listed = {row.what for row in out.left}
    came = json.dumps(vars(out), default=plain)
    told = {"messages", "call_type", "type", "observations", "resourceSpans", "tags", "repeat"}
    told |= {"input", "output", "response", "reply", "request_tags", "case", "status", "id"}
    for _, row in rows(file, ()):
        for key in row:
            assert key in told | listed or row[key] in (None, "", [], {}) or key in came, key


WORDS = st.from_regex(r"w[a-z]{6}", fullmatch=True)
VALUES = st.recursive(
    WORDS | st.integers(1000, 9999),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
KINDS = """
equals contains icontains not-contains contains-any contains-all starts-with regex is-json
llm-rubric factuality rouge-n javascript similar latency unheard-of
"""
ASSERTION = st.fixed_dictionaries(
    {
        "type": st.sampled_from(KINDS.split()),
        "value": WORDS | st.lists(WORDS, min_size=1, max_size=3),
    },
    optional={"threshold": st.integers(1000, 9999), "metric": WORDS, "weight": st.integers(2, 9)}
    | dict.fromkeys(("config", "rubricPrompt", "transform", "made-up"), VALUES),
)
TEST = st.fixed_dictionaries(
    {"vars": st.dictionaries(WORDS, WORDS | st.lists(WORDS, min_size=1, max_size=2), min_size=1)},
    optional={"assert": st.lists(ASSERTION, max_size=3)}
    | {"description": WORDS, "metadata": st.dictionaries(WORDS, WORDS, max_size=2)}
    | dict.fromkeys(("options", "threshold", "provider", "made-up"), VALUES),
)
CONFIG = st.fixed_dictionaries(
    {"prompts": st.lists(WORDS, min_size=1, max_size=2), "tests": st.lists(TEST, min_size=1)},
    optional={
        "description": WORDS,
        "defaultTest": TEST.map(lambda test: test | {"vars": {"given": "wdefault"}}),
        "providers": st.lists(WORDS.map("openai:chat:{}".format), max_size=2),
    }
    | dict.fromkeys(("scenarios", "evaluateOptions", "env", "extensions"), VALUES),
)


def unlike(value: Any, count: Iterator[int]) -> Any:
    """The same, but that no two of its made-up words are alike."""
    if isinstance(value, dict):
        return {key: unlike(each, count) for key, each in value.items()}
    if isinstance(value, list):
        return [unlike(each, count) for each in value]
    made_up = isinstance(value, str) and re.fullmatch(r"w[a-z]{6}", value)
    return f"{value}{next(count)}" if made_up else value


@given(tree=CONFIG.map(lambda tree: unlike(tree, itertools.count())))
def test_any_config(tree: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a config says, and wherever: it comes over, or is listed."""
    file = tmp_path_factory.mktemp("any") / "promptfooconfig.yaml"
    file.write_text(yaml.safe_dump(tree, sort_keys=False))
    ledger = Ledger()
    out = promptfoo.read(ledger, file)
    ledger.close()
    assert missing(ledger, out) == []


JUNK: list[Any] = [None, 5, True, "", [], {}, [[1]], {"a": {"b": [1]}}, "{{ x", "file://nope.txt"]
JUNK += [[{"role": "user", "content": None}], {"type": "chat", "content": [5]}, "openai:", 10**30]
ALL = [*CONFIGS, *(f"{name}.jsonl" for name in ("otel", "langfuse", "litellm", "journal", "talks"))]


def spoilt(value: Any, draw: random.Random) -> Any:
    """The same with junk somewhere in it."""
    places = [path for path, _ in leaves(value)]
    path = draw.choice(places)[: draw.randint(1, 6)]
    copy = json.loads(json.dumps(value))
    node = copy
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = draw.choice(JUNK)
    return copy


@pytest.mark.parametrize("name", ALL)
def test_damage(name: str, tmp_path: Path) -> None:
    """Whatever stands where something else belongs: a row of the list or one line, no traceback."""
    source, file, draw = INPUTS / name, tmp_path / Path(name).name, random.Random(name)
    lines = source.suffix == ".jsonl"
    text = source.read_text().replace("\t", " ")
    tree = [row for _, row in rows(source, ())][:5] if lines else yaml.safe_load(text)
    came = 0
    for _ in range(25):
        bad = spoilt(tree, draw)
        rest = json.dumps(bad) if source.suffix == ".json" else yaml.safe_dump(bad)
        file.write_text("".join(json.dumps(row) + "\n" for row in bad) if lines else rest)
        with contextlib.suppress(ConfigError):
            came += bool(read(file, None, Wish()).tasks)
    assert came
