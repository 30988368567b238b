"""Verdicts as JUnit XML: what CI systems show as tests.

A suite for each candidate, and in those that a gate is about a test for each point that it looks
at. So failures and errors are what gate=true is shut for, and gate=proven for what is skipped, too.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner.config.paths import shared
from runner.decide import gate
from runner.decide.gate import GateCheck
from runner.decide.sweep import SweepResult, SweepRow
from runner.measure.conclusion import conclusion
from runner.record.files import write_text
from runner.record.outcomes import Result
from runner.record.run import Run

# What XML 1.0 cannot hold, not even escaped.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS: dict[gate.State, str] = {"missed": "failure", "unmeasured": "error", "open": "skipped"}


def write(path: Path, result: Result) -> None:
    """A run. Raises StorageError."""
    _write(path, {result.model: result}, [result.model])


def write_sweep(directory: Path, sweep: SweepResult, path: Path | None = None) -> None:
    """All of them to `path`, or wherever a job of the sweep was told to. Raises StorageError."""
    told = (Run(directory / run.dir).config.get("junit") for run in sweep.runs)
    paths = [path] if path else dict.fromkeys(told)
    about = []
    for task, said in sweep.recommendations.items():
        of_task = {run.dir: run for run in sweep.runs if run.task == task}
        choice = next((key for key, run in of_task.items() if run.label == said.choice), None)
        about += gate.subjects(choice, of_task)
    for path in filter(None, paths):
        _write(Path(str(path)), {run.dir: run for run in sweep.runs}, about)


def _write(path: Path, runs: Mapping[str, Result], about: Sequence[str]) -> None:
    """`about` are those that the gate is about."""
    root = Element("testsuites")
    for key, run in runs.items():
        label = run.label if isinstance(run, SweepRow) else run.model
        _suite(root, run, f"{run.task}: {label}", gate.of_run(run) if key in about else [])
    indent(root)
    text = tostring(root, encoding="utf-8", xml_declaration=True).decode()
    write_text(path, shared(text) + "\n")


def _suite(root: Element, result: Result, name: str, points: Sequence[GateCheck]) -> None:
    suite = SubElement(root, "testsuite", name=_legal(name))
    for point in points:
        _test(suite, name, point.name, _TAGS.get(point.state), point.why)
    suite.set("tests", str(len(suite)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(attribute, str(len(suite.findall(f"testcase/{tag}"))))
    SubElement(suite, "system-out").text = _legal(conclusion(result))


def _test(suite: Element, suite_name: str, name: str, tag: str | None, said: str) -> None:
    """`tag` says how it went; None: it passed."""
    test = SubElement(suite, "testcase", classname=_legal(suite_name), name=_legal(name))
    if tag:
        SubElement(test, tag, message=_legal(said))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
