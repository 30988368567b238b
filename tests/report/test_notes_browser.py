"""Notes in a real browser: a reader marks cases, takes the marks along, and they are applied."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.record.files import PAGE, RESULT, read_json
from runner.record.outcomes import Result, Score
from runner.report import build
from tests.report import make
from tests.report.make import answered, job
from tests.report.test_page_browser import PHONE, api, browser, pytestmark, tab

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["browser", "pytestmark", "tab"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three cases: c0 is right, what is expected of c1 is wrong, c2 has another word for it."""
    monkeypatch.chdir(tmp_path)
    cases, lines = [], []
    for name, expected, reply in (("c0", "a", "a"), ("c1", "b", "a"), ("c2", "a", "an a")):
        cases.append({"id": name, "input": f"input of {name}", "expected": expected})
        scores = {"exact": Score(value=float(expected == reply), why="as it reads")}
        lines.append(answered(name, expected=expected, reply=reply, scores=scores))
    Path("cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    bounds = {"max_latency_ms": 5000, "min_quality_score": 0.5}
    of = job(task={"cases": "cases.jsonl"}, requirements=bounds)
    return make.run(tmp_path / "run", list(lines), of)


def test_from_a_note_to_another_verdict(tab: Page, run: Path) -> None:
    """A mended expectation and an accepted answer are kept, exported and applied by rescore."""
    before = build(run)
    address = (run / PAGE).as_uri()
    tab.goto(address)
    bar = tab.get_by_role("complementary", name="Your notes")
    api.expect(bar).to_be_hidden()
    tab.locator(".grid [role=row]", has_text="c1").click()
    tab.get_by_text("Your notes", exact=True).click()
    tab.get_by_label("Expected should be").fill("a")
    tab.get_by_label("Why").fill("the key was wrong")
    tab.keyboard.press("Escape")
    tab.locator(".grid [role=row]", has_text="c2").click()
    tab.get_by_text("Your notes", exact=True).click()
    tab.get_by_label("Accept this answer of small").check()
    tab.goto(address)
    tab.reload()
    api.expect(bar).to_contain_text("Notes on 2 cases")
    with tab.expect_download() as download:
        bar.get_by_role("button", name="Download").click()
    download.value.save_as("notes.jsonl")
    notes = [json.loads(line) for line in Path("notes.jsonl").read_text().splitlines()]
    c1 = {"task": "sorting", "case": "c1", "expected": "a", "note": "the key was wrong"}
    c2 = {"task": "sorting", "case": "c2", "answer": "an a", "accept": True}
    assert notes == [c1, c2]

    command = [sys.executable, "-m", "runner", "rescore", str(run), "notes=notes.jsonl"]
    subprocess.run(command, check=True, capture_output=True)  # a browser has this one's loop
    [new] = Path("outputs").absolute().glob("runs/*")
    after = Result.model_validate(read_json(new / RESULT))
    assert [result.metrics["quality"].value for result in (before, after)] == [1 / 3, 1]
    assert after.metrics["latency_p95_ms"] == before.metrics["latency_p95_ms"]
    tab.goto((new / PAGE).as_uri())
    api.expect(bar).to_be_hidden()  # they were on another record
    api.expect(tab.locator(".hero")).to_contain_text("expectations mended: 1 (c1)")


def test_notes_can_be_taken_back(tab: Page, run: Path) -> None:
    """A text as it was, and a box that is open again, are no note; all go with a second click."""
    build(run)
    tab.set_viewport_size(PHONE)
    tab.goto((run / PAGE).as_uri())
    bar = tab.get_by_role("complementary", name="Your notes")
    for expected, shown in (("x", True), ("b", False), ("y", True)):
        tab.locator(".grid [role=row]", has_text="c1").click()
        if not tab.get_by_label("Expected should be").is_visible():
            tab.get_by_text("Your notes", exact=True).click()
        tab.get_by_label("Expected should be").fill(expected)
        tab.keyboard.press("Escape")
        api.expect(bar).to_be_visible(visible=shown)
    bar.get_by_role("button", name="Discard").click()
    bar.get_by_role("button", name="Discard all?").click()
    api.expect(bar).to_be_hidden()


def test_answers_are_scored_blind(tab: Page, run: Path) -> None:
    """Keys and buttons score one answer after the other; the scores are kept and exported."""
    command = [sys.executable, "-m", "runner", "label", str(run), "n=3"]
    subprocess.run(command, check=True, capture_output=True)
    address = (run / "label.html").as_uri()
    tab.goto(address)
    done = tab.get_by_role("status")
    api.expect(done).to_have_text("1 of 3 · 0 scored")
    tab.keyboard.press("5")
    tab.get_by_role("button", name="1 right").click()
    tab.reload()
    api.expect(done).to_have_text("3 of 3 · 2 scored")
    tab.keyboard.press("j")
    tab.keyboard.press("0")
    api.expect(done).to_have_text("3 of 3 · 3 scored")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download").click()
    download.value.save_as("labels.jsonl")
    labels = [json.loads(line) for line in Path("labels.jsonl").read_text().splitlines()]
    assert [label["score"] for label in labels] == [0.5, 1, 0]
    assert {(each["case"], each["answer"]) for each in labels} == {
        ("c0", "a"),
        ("c1", "a"),
        ("c2", "an a"),
    }
