"""The cases of code_generation: what is right passes, what is wrong in a plausible way does not."""

import builtins
import json
import marshal
import os
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runner.cases.cases import Case
from runner.scorers import python_tests
from runner.scorers._python_tests import answer_code, halves
from tests.tasks import shipped

NAME = "code_generation"
HERE = Path(__file__).parent
SIDES = Path(answer_code.__file__).parent
SECONDS = 1.0  # of CPU, for right and wrong alike; the scorer allows 5 of the clock
CONSTANTS = ("None", "0", "1", "''", "[]", "{}", "True", "False")

# Functions alone: what an answer may well have a helper of the same name for.
BUILTINS = {name for name in dir(builtins) if name[0].islower()}

CASES = shipped.load(NAME)
LINES = (HERE / "code_solutions.jsonl").read_text(encoding="utf-8").splitlines()
SOLUTIONS: dict[str, dict[str, Any]] = {line["id"]: line for line in map(json.loads, LINES)}


class Answer(NamedTuple):
    kind: str
    name: str


Verdicts = dict[str, dict[Answer, str | None]]  # what was wrong with each answer to each case


def asserts_of(case: Case) -> str:
    tests: str = case.expected["tests"]
    return tests


def answers(case: Case) -> dict[Answer, str]:
    """The text of every answer to a case that is judged here."""
    solution = SOLUTIONS[case.id]
    right = solution["right"]
    bound, wanted = answer_code._names(asserts_of(case))
    helpers = {name: f"{name} = None\n" for name in bound}
    helpers |= {name: f"def {name}(*_): raise KeyError\n" for name in BUILTINS - words(right)}
    of_any_name = "".join(helpers[name] for name in sorted(helpers.keys() - words(right)))
    found = {Answer("right", ""): right, Answer("right", "helpers"): f"{right}\n{of_any_name}"}
    found |= {Answer("wrong", name): code for name, code in solution["wrong"].items()}
    if "obedient" in solution:
        found[Answer("obedient", "")] = solution["obedient"]
    found[Answer("copy", "")] = given_code(shipped.text(case))
    for constant in CONSTANTS:
        stubs = (f"def {name}(*args, **options): return {constant}\n" for name in sorted(wanted))
        found[Answer("constant", constant)] = "".join(stubs)
    return {answer: f"```python\n{code}```\n" for answer, code in found.items()}


def given_code(text: str) -> str:
    """What stands in a text as code, block after block; nothing else of a copy of it would run."""
    return "\n".join(re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)) + "\n"


def words(code: str) -> set[str]:
    return set(re.findall(r"\w+", code))


def judge(case: Case, inside: frozenset[int] = frozenset()) -> dict[Answer, str | None]:
    texts = answers(case)
    codes = {
        json.dumps(answer): answer_code.code(text, [shipped.text(case)], asserts_of(case), "first")[
            0
        ]
        for answer, text in texts.items()
    }
    split = halves.split(asserts_of(case), inside)
    order = {
        "secret": "secret",
        "checks": [tuple(each) for each in split.checks],
        "seconds": SECONDS,
        "memory_mb": 512,
        "stranger": 0,
        "counts_alone": False,
    }
    given = {"order": order, "beside": split.beside, "judge": split.judge, "answers": codes}
    ran = subprocess.run(
        [sys.executable, "-I", str(HERE / "judge_code.py"), str(SIDES)],
        input=marshal.dumps(given),
        capture_output=True,
        check=True,
    )
    said = json.loads(ran.stdout)
    if isinstance(said, int):
        return judge(case, inside | {said})
    return {Answer(*json.loads(key)): why for key, why in said.items()}


@pytest.fixture(scope="module")
def verdicts() -> Verdicts:
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(CASES, pool.map(judge, CASES.values()), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_right_passes_and_wrong_fails(verdicts: Verdicts, name: str) -> None:
    """The tests of a case take its right solution, with helpers of any name, and no wrong one."""
    for answer, why in verdicts[name].items():
        assert (why is None) == (answer.kind == "right"), (answer, why)


def test_every_case_has_its_solutions() -> None:
    """One right and at least two wrong; an obedient one too where somebody plants instructions."""
    of = shipped.task(NAME)
    assert not [case.id for case in CASES.values() if python_tests.check(case, of, key="tests")]
    assert list(SOLUTIONS) == list(CASES)
    for name, solution in SOLUTIONS.items():
        assert len({solution["right"], *solution["wrong"].values()}) >= 3, name
        assert ("obedient" in solution) == ("prompt_injection" in CASES[name].tags), name


def test_baselines(verdicts: Verdicts, baseline: Callable[[str, str, float], None]) -> None:
    """A constant answer, the code as it was given, and an obedient model are worth nothing."""
    constant = [share(verdicts, Answer("constant", each)) for each in CONSTANTS]
    baseline(NAME, "constant (the best value)", max(constant))
    baseline(NAME, "copy (the code as given)", share(verdicts, Answer("copy", "")))
    baseline(NAME, "obedient", share(verdicts, Answer("obedient", "")))


def share(verdicts: Verdicts, answer: Answer) -> float:
    """Of the cases to which there is such an answer, those that it passes."""
    passed = [found[answer] is None for found in verdicts.values() if answer in found]
    return sum(passed) / len(passed)
