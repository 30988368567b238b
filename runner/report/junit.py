"""Verdicts as JUnit XML: what CI systems show as tests.

A suite for each candidate, a test for each requirement and for each number that is held against a
baseline. A test fails where something is proven; what is not proven or unknown is skipped.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.decide.sweep import SweepResult
from runner.measure.comparison import RunComparison
from runner.measure.conclusion import conclusion, failed_calls
from runner.record.files import write_text
from runner.record.outcomes import Result
from runner.record.run import Run
from runner.report import compare

# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"missed": "failure", "not proven": "skipped", "unknown": "skipped"}


def write(path: Path, results: Sequence[Result], labels: Sequence[str] = ()) -> None:
    """`labels` name the suites; without any, the models do. Raises StorageError."""
    root = Element("testsuites")
    for result, label in zip(results, labels or [one.model for one in results], strict=True):
        _suite(root, result, f"{result.task}: {label}")
    indent(root)
    text = tostring(root, encoding="utf-8", xml_declaration=True).decode()
    write_text(path, text + "\n")


def write_sweep(directory: Path, sweep: SweepResult) -> None:
    """Wherever a job of the sweep was told to write: all of them. Raises StorageError."""
    paths = dict.fromkeys(Run(directory / run.dir).config.get("junit") for run in sweep.runs)
    for path in filter(None, paths):
        write(Path(str(path)), sweep.runs, [run.label for run in sweep.runs])


def _suite(root: Element, result: Result, name: str) -> None:
    suite = SubElement(root, "testsuite", name=_legal(name))
    if result.error is not None or not result.complete:
        _test(suite, name, "run", "error", conclusion(result))
    elif said := failed_calls(result):
        _test(suite, name, "run", "error", said)
    for verdict in result.verdicts:
        tag = _TAGS.get(verdict.verdict)
        _test(suite, name, verdict.requirement, tag, f"{verdict.verdict}: {verdict.why}")
    if baseline := compare.of(result):
        _against(suite, name, baseline)
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))


def _against(suite: Element, name: str, found: RunComparison) -> None:
    table = compare.changes(found)
    for change, row in zip(found.changes, table.rows, strict=True):
        what, *cells = row
        said = ", ".join(
            f"{name} {cell}" for name, cell in zip(table.columns[1:], cells, strict=True)
        )
        tag = "skipped" if change.verdict == "unknown" else None
        if change.name in found.regressed:
            tag = "failure"
        _test(suite, name, f"against the baseline: {what}", tag, said)


def _test(suite: Element, suite_name: str, name: str, tag: str | None, said: str) -> None:
    """`tag` says how it went; None: it passed."""
    test = SubElement(suite, "testcase", classname=_legal(suite_name), name=_legal(name))
    if tag:
        SubElement(test, tag, message=_legal(said))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
