"""One gate for all: what it is about, what shuts it, and JUnit says the same."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from runner.decide import gate
from runner.decide.sweep import SweepResult, SweepRow, compute
from runner.errors import StorageError
from runner.measure.compare import against
from runner.measure.comparison import RunComparison
from runner.measure.conclusion import tier
from runner.record.files import JOURNAL, SWEEP, write_json
from runner.record.outcomes import Answered, Counts, Failed, Metric, Result, Verdict
from runner.report import build, build_sweep, junit
from tests.report.make import Factory, answered, failed, job, model

WORDS = ("met", "missed", "not proven", "unknown")
QUALITY = {"quality": Metric(value=0.9, low=0.8, high=1, n=9, unit="score")}


def verdict(name: str, word: str) -> Verdict:
    found = {"requirement": name, "bound": 1, "value": 2, "verdict": word, "why": "so it is"}
    return Verdict.model_validate(found)


def result(*words: str, calls_failed: int = 0, **changes: object) -> Result:
    counts = Counts(cases=9, outcomes=9, answered=9 - calls_failed, failed=calls_failed, replayed=0)
    names = ("min_quality_score", "max_latency_ms", "bounds.error_rate")
    known = {
        "task": "sorting", "model": "small", "id": "s", "complete": True, "counts": counts,
        "metrics": QUALITY, "verdicts": list(map(verdict, names, words)),
    }  # fmt: skip
    return Result.model_validate(known | changes)


def every() -> Iterator[Result]:
    """All that verdicts can be of three requirements, and what is no measurement."""
    yield from (result(*words) for words in itertools.product(WORDS, repeat=3))
    yield result("met", "met", calls_failed=1)  # which no requirement bounds
    yield result("met", "met", "met", calls_failed=1)
    yield result()
    yield result("met", "met", "met", metrics={})
    yield result("met", complete=False)
    yield result(complete=False, error="no key")
    yield result("met", "met", "met", uncompared="its journal can't be read")


def test_what_shuts_it() -> None:
    """gate=true: a miss, or no measurement; gate=proven: all but what is proven."""
    for one in every():
        missed = any(each.verdict == "missed" for each in one.verdicts)
        unmeasured = bool(not one.complete or one.error or one.uncompared)
        ruled = gate.rule(True, gate.of_run(one))
        assert ruled.shut is (missed or unmeasured), one
        strict = gate.rule("proven", gate.of_run(one))
        if not strict.shut:
            assert tier(one) == "proven"
        assert ruled.shut <= strict.shut
        assert set(ruled.why) <= set(strict.why)
        assert not gate.rule(False, gate.of_run(one)).shut
        assert all("\n" not in each for each in strict.lines)
    assert not gate.rule("proven", gate.of_run(result("met", "met", "met", calls_failed=1))).shut
    assert gate.rule("proven", gate.of_run(result("met", "met", calls_failed=1))).shut


def row(name: str, of: Result) -> SweepRow:
    return SweepRow(**dict(of), dir=name, label=name, rank=1 if of.complete else None)


@pytest.mark.parametrize(
    ("choice", "runs", "about"),
    [
        ("a", {"a": "met", "b": "missed"}, ["a"]),
        (None, {"a": "missed", "b": "missed"}, ["a", "b"]),
        (None, {"a": "missed", "b": "not proven"}, ["b"]),
        (None, {"a": "missed"}, ["a"]),
    ],
)
def test_whom_it_is_about(choice: str | None, runs: dict[str, str], about: list[str]) -> None:
    """The recommended one; or those that miss nothing; or, where all miss, every one."""
    assert gate.subjects(choice, {name: result(word) for name, word in runs.items()}) == about


def junit_says(path: Path) -> tuple[bool, bool]:
    """Whether gate=true and gate=proven are shut, as far as a CI system can tell."""
    suites = parse(path).getroot().findall("testsuite")
    red = sum(int(suite.get(key, "")) for suite in suites for key in ("failures", "errors"))
    skipped = sum(int(suite.get("skipped", "")) for suite in suites)
    assert red + skipped == len(parse(path).getroot().findall("testsuite/testcase/*"))
    return red > 0, red + skipped > 0


def test_junit_says_the_same_of_a_run(tmp_path: Path) -> None:
    """Failures and errors are what gate=true is shut for; with the skipped ones, gate=proven."""
    for one in every():
        junit.write(tmp_path / "j.xml", one)
        points = gate.of_run(one)
        expected = gate.rule(True, points).shut, gate.rule("proven", points).shut
        assert junit_says(tmp_path / "j.xml") == expected


LINES: dict[str, list[Answered | Failed]] = {
    "right": [answered(str(n)) for n in range(40)],
    "few": [answered(str(n)) for n in range(5)],
    "wrong": [answered(str(n), 0.0) for n in range(40)],
    "failing": [answered(str(n)) if n % 3 else failed(str(n)) for n in range(40)],
}


@pytest.mark.parametrize("kinds", list(itertools.combinations([*LINES, "cut-off"], 2)))
def test_and_of_a_sweep(kinds: tuple[str, str], write_run: Factory, tmp_path: Path) -> None:
    """Whoever is recommended, or nobody, JUnit is as red as the gate is shut."""
    bounds = {"error_rate": {"max": 0.2}}
    wanted = {"min_quality_score": 0.85, "bounds": bounds}
    for number, kind in enumerate(kinds):
        of = job(requirements=wanted, junit=tmp_path / "j.xml", gate=True, model=model(kind))
        lines = LINES.get(kind, LINES["few"])
        more = 1 if kind == "cut-off" else 0
        write_run(lines, of, name=f"sweep/{number}_sorting-{kind}", outcomes=len(lines) + more)
    write_json(tmp_path / "sweep" / SWEEP, {})
    sweep = build_sweep(tmp_path / "sweep", anew=True)
    junit.write_sweep(tmp_path / "sweep", sweep)
    strict = _strict(sweep)
    assert sweep.gate is not None
    assert junit_says(tmp_path / "j.xml") == (sweep.gate.shut, strict)
    assert sweep.gate.shut is not bool({"right", "few"} & set(kinds))
    assert strict is ("right" not in kinds)


def _strict(sweep: SweepResult) -> bool:
    runs = {run.label: run for run in sweep.runs}
    return gate.labelled("proven", sweep.best["sorting"], runs).shut


def compared(write_run: Factory, before: list[str], after: list[str], score: float = 1.0) -> Path:
    write_run([answered(case) for case in before], name="before")
    lines = [answered(case, score) for case in after]
    return write_run(lines, job(baseline=Path("before")), name="after")


def ruled(found: RunComparison) -> tuple[bool, bool]:
    points = gate.of_comparison(found)
    return gate.rule(True, points).shut, gate.rule("proven", points).shut


def test_a_comparison(write_run: Factory) -> None:
    """Nothing in common passes no gate; few cases prove nothing, and many that are alike do."""
    many, few = [str(n) for n in range(150)], [str(n) for n in range(8)]
    for before, after, score, expected in (
        (few, ["other"], 1.0, (True, True)),
        (few, few, 1.0, (False, True)),
        (many, many, 0.0, (True, True)),
        (many, many, 1.0, (False, False)),
    ):
        after_run = compared(write_run, before, after, score)
        assert ruled(against(after_run.parent / "before", after_run)) == expected


def test_what_is_cut_off_passes_no_gate(write_run: Factory) -> None:
    """Whichever side is not complete, and however much of it is there, no gate is open."""
    many = [str(n) for n in range(150)]
    after = compared(write_run, many, many)
    before = after.parent / "before"
    for journal in (before / JOURNAL, after / JOURNAL):
        whole = journal.read_bytes()
        lines = whole.splitlines(keepends=True)
        for text in (b"".join(lines[:-1]), whole[:-10], b"".join(lines[:20])):
            journal.write_bytes(text)
            assert ruled(against(before, after)) == (True, True)
        journal.write_bytes(whole[:5] + b"\n" + whole)
        with pytest.raises(StorageError, match="can't be read"):
            against(before, after)
        journal.write_bytes(whole)
    assert ruled(against(before, after)) == (False, False)


def test_a_baseline_that_can_not_be_read(write_run: Factory) -> None:
    """A run whose baseline is damaged is measured, and passes no gate."""
    before = write_run([answered(str(n)) for n in range(40)], name="before")
    (before / JOURNAL).write_text("no JSON\n")
    wanted = {"min_quality_score": 0.85}
    of = job(baseline=before, requirements=wanted)
    found = build(write_run([answered(str(n)) for n in range(40)], of, name="after"))
    assert found.complete
    [why] = gate.rule(True, gate.of_run(found)).why
    assert "can't be read" in why


@pytest.mark.parametrize("bound", [0.7, 0.8, 0.85, 0.9, 0.95, 0.99])
def test_more_mistakes_never_pass_where_fewer_do_not(write_run: Factory, bound: float) -> None:
    """0.911 passes no gate that is shut for 0.956, nor does any number of mistakes between."""
    shut = []
    for mistakes in range(10):
        lines = [answered(str(n), 0.0 if n < mistakes else 1.0) for n in range(90)]
        found = build(write_run(lines, job(requirements={"min_quality_score": bound})))
        points = gate.of_run(found)
        shut.append((gate.rule(True, points).shut, gate.rule("proven", points).shut))
    assert shut == sorted(shut)
    four, eight = shut[4], shut[8]
    if bound == 0.85:
        assert (four, eight) == ((False, False), (False, True))


def test_nobody_is_recommended_past_failed_calls(write_run: Factory, tmp_path: Path) -> None:
    """A third of the calls unanswered is refused, however good and cheap the answers are."""
    base = {"min_quality_score": 0.8, "bounds": {"error_rate": {"max": 0.05}}}
    lines = [answered(str(n)) if n % 3 else failed(str(n)) for n in range(90)]
    write_run(lines, job(requirements=base, gate=True), name="sweep/0_sorting-small")
    found = compute(tmp_path / "sweep")
    assert found.best == {"sorting": None}
    assert found.gate is not None and found.gate.shut
    assert "bounds.error_rate: missed" in " ".join(found.gate.why)
