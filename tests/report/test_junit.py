"""Verdicts reach CI as well-formed JUnit XML."""

from pathlib import Path
from xml.etree.ElementTree import Element, parse

import pytest

from runner.record.files import SWEEP, write_json
from runner.record.outcomes import Counts, Metric, Result, Verdict
from runner.report import build, build_sweep, junit
from tests.report.make import Factory, answered, job, model


def verdict(name: str, word: str, why: str = "it is so") -> Verdict:
    return Verdict.model_validate(
        {"requirement": name, "bound": 1, "value": 2, "verdict": word, "why": why}
    )


def result(*verdicts: Verdict, failed: int = 0) -> Result:
    counts = Counts(cases=4, outcomes=4, answered=4 - failed, failed=failed, replayed=0)
    quality = {"quality": Metric(value=1, low=0.9, high=1, n=4, unit="score")}
    return Result(
        task="sorting",
        model="small",
        id="s-1",
        complete=True,
        counts=counts,
        metrics=quality,
        verdicts=[*verdicts],
    )


def read(path: Path) -> Element:
    return parse(path).getroot()


def test_a_test_for_each_requirement(tmp_path: Path) -> None:
    """Met passes, missed fails, what is not proven or unknown is skipped, each with its why."""
    words = ("met", "missed", "not proven", "unknown")
    junit.write(tmp_path / "j.xml", result(*(verdict(word, word) for word in words)))
    [suite] = read(tmp_path / "j.xml")
    assert {test.get("name"): [child.tag for child in test] for test in suite.iter("testcase")} == {
        "met": [],
        "missed": ["failure"],
        "not proven": ["skipped"],
        "unknown": ["skipped"],
    }
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")
    assert suite.get("name") == "sorting: small"
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == "missed: it is so"


@pytest.mark.parametrize(
    "found",
    [
        Result(task="sorting", model="small", id="s-1", error="no key"),
        Result(task="sorting", model="small", id="s-1"),
    ],
)
def test_what_could_not_be_measured_is_an_error(tmp_path: Path, found: Result) -> None:
    """A run that failed or is not complete is an error, not a failed test."""
    junit.write(tmp_path / "j.xml", found)
    [suite] = read(tmp_path / "j.xml")
    assert (suite.get("errors"), suite.get("failures")) == ("1", "0")


def test_hostile_characters(tmp_path: Path) -> None:
    """What XML can't hold is replaced, markup is text."""
    hostile = "\x00\x1b[2J\ufffe\ud800 <![CDATA[ ]]> & \"'</testsuite>"
    junit.write(tmp_path / "j.xml", result(verdict(hostile, "missed", hostile)))
    [suite] = read(tmp_path / "j.xml")
    [test] = suite.iter("testcase")
    assert str(test.get("name")).endswith(" <![CDATA[ ]]> & \"'</testsuite>")


def test_a_suite_for_each_candidate(write_run: Factory, tmp_path: Path) -> None:
    """A sweep writes one file with all candidates, two of one name told apart."""
    path = tmp_path / "ci" / "j.xml"
    for number in range(2):
        lines = [answered(str(k)) for k in range(4)]
        build(write_run(lines, job(junit=path), name=f"sweep/{number}_sorting-small"))
    write_json(tmp_path / "sweep" / SWEEP, {})
    junit.write_sweep(tmp_path / "sweep", build_sweep(tmp_path / "sweep"))
    names = [suite.get("name") for suite in read(path)]
    assert names == ["sorting: small #1", "sorting: small #2"]


def test_against_a_baseline(write_run: Factory, tmp_path: Path) -> None:
    """A proven regression fails, with its numbers."""
    before = write_run([answered(f"c{k}") for k in range(20)], name="before")
    after = job(baseline=before, model=model("large"))
    found = build(write_run([answered(f"c{k}", 0.0) for k in range(20)], after, name="after"))
    junit.write(tmp_path / "j.xml", found)
    failed = read(tmp_path / "j.xml").findall("testsuite/testcase[failure]")
    assert [test.get("name") for test in failed] == ["against the baseline: quality"]
    failure = failed[0].find("failure")
    assert failure is not None
    assert "change -1.000" in str(failure.get("message"))
