"""Whatever a model, a provider or a case says is text in a report, and nothing else."""

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from runner.measure.evidence import read
from runner.record.files import REPORT, RESULT, SWEEP, write_json
from runner.record.outcomes import Answered, Failed, Result, Score, ToolCall
from runner.report import build, build_sweep, markdown, to_step_summary
from runner.report.origin import Origin
from runner.report.text import CLIP, clip, fenced, inline
from tests.report.make import Factory, answered, failed, job, model

HOSTILE = (
    "```\n````\n# Heading | a | b |\n| --- | --- |\n<script>alert(1)</script> ![x](http://evil.example)"
    " [click](javascript:1) https://evil.example www.evil.example **bold** `code` &lt; \\| $x$ @you"
    "\r\n\r\n---\n~~~\n\x1b[31mred\u202egnp.exe\u2028end"
)


def tokens(text: str) -> list[Token]:
    parsed = MarkdownIt("commonmark", {"linkify": False}).enable("table").parse(text)
    return [token for block in parsed for token in (block, *(block.children or ()))]


def report(write_run: Factory, lines: list[Answered | Failed]) -> str:
    directory = write_run(lines)
    build(directory)
    return (directory / REPORT).read_text()


def test_an_answer_that_calls_tools(write_run: Factory) -> None:
    """Its calls stand where others have their text."""
    call = ToolCall(id="1", name="find_store", arguments='{"city": "Ghent"}')
    page = report(write_run, [answered("a", 0.0, reply="", tool_calls=[call])])
    assert 'find_store({"city": "Ghent"})' in page


def test_a_hostile_answer_breaks_nothing(write_run: Factory) -> None:
    """Answer, prompt, id and error full of Markdown leave the structure as a harmless run's."""
    kinds = []
    for text in ("harmless", HOSTILE):
        messages = [{"role": "user", "content": text}]
        page = report(
            write_run,
            [
                answered(text, 0.0, reply=text, expected={text: text}, messages=messages),
                failed("b", error=text),
            ],
        )
        kinds.append([(token.type, token.tag) for token in tokens(page)])
        assert not any(ord(char) < 32 and char != "\n" for char in page)
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize(
    "text", ["1. x", "- x", "+ x", "* x", "-", "1)", "---", "- - -", "==", "# x", "> x", "007. x"]
)
def test_an_item_is_one_line(text: str) -> None:
    """Whatever an item of a list starts with, it is a paragraph, and reads as it was."""
    found = tokens(f"- {inline(text)}\n- {inline(text)}\n")
    assert [token.type for token in found if token.tag == "ul"] == [
        "bullet_list_open",
        "bullet_list_close",
    ]
    assert {token.tag for token in found} <= {"ul", "li", "p", ""}
    [first, second] = [token for token in found if token.type == "inline"]
    for body in (first, second):
        assert "".join(child.content for child in body.children or ()) == text


@pytest.mark.parametrize(("tasks", "models"), [(1, 4), (1, 12), (7, 2)])
def test_a_pull_request_shows_few_lines(
    write_run: Factory, tmp_path: Path, tasks: int, models: int
) -> None:
    """What is not folded has 25 lines at most, with one table of five columns and the command."""
    number = 0
    for task in range(tasks):
        for place in range(models):
            name, of_task = f"m{place}", {"name": f"t{task}"}
            right = [answered(str(k), served_by=name) for k in range(40)]
            baseline = write_run(
                right, job(task=of_task, model=model(name)), name=f"before{number}"
            )
            lines = [answered(str(k), float(k > 20 + place), served_by=name) for k in range(40)]
            of = job(
                task=of_task,
                model=model(name),
                requirements={"min_quality_score": 0.2, "requests_per_month": 100},
                baseline=baseline,
            )
            write_run(lines, of, name=f"sweep/{number}_t")
            number += 1
    write_json(tmp_path / "sweep" / SWEEP, {"command": "python -m runner -m task=t"})
    build_sweep(tmp_path / "sweep", anew=True)
    for report in (tmp_path / "sweep" / REPORT, tmp_path / "sweep" / "0_t" / REPORT):
        visible = report.read_text().partition("<details>")[0]
        assert len(visible.splitlines()) <= 25
        assert "python -m runner" in visible
        assert "gainst its baseline: Proven worse" in visible
        found = tokens(visible)
        assert [token.tag for token in found if token.type == "table_open"] == ["table"]
        assert len([token for token in found if token.type == "th_open"]) == 5
        whole = tokens(report.read_text())
        assert [t.content.strip() for t in whole if t.type == "html_block"] == [
            "<details>\n<summary>Everything else</summary>",
            "</details>",
        ]


def test_the_summary_of_a_step(
    write_run: Factory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where CI shows one, the report is appended to it; elsewhere nothing is written."""
    directory = write_run([answered()])
    build(directory)
    to_step_summary(directory)
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    to_step_summary(directory)
    assert summary.read_text() == f"before\n{(directory / REPORT).read_text()}\n"


def test_no_block_ends_before_its_time() -> None:
    """A fence is longer than any run of backticks in it."""
    [block] = tokens(fenced(HOSTILE))
    assert block.type == "fence"
    assert "<script>" in block.content


@pytest.mark.parametrize(
    "text", [HOSTILE, "a|b", "<b>", "_x_", "*x*", "[a](b)", "`", "\\|", "&amp;"]
)
def test_inline_text_reads_as_it_was(text: str) -> None:
    """Escaped text shows the very characters it had, and forms no element."""
    [*_, body] = [token for token in tokens(inline(text)) if token.type == "inline"]
    assert {child.type for child in body.children or ()} <= {"text", "text_special"}
    shown = "".join(child.content for child in body.children or ())
    assert shown.split() == inline_free(text).split()


def inline_free(text: str) -> str:
    return "".join("\ufffd" if char in "\x1b\u202e\u2028" else char for char in text)


def test_plain_words_stay_plain() -> None:
    """What needs no escape is readable in the raw file."""
    assert inline("card_lost: $0.0012 at 95 %") == "card_lost: $0.0012 at 95 %"


def test_long_texts_are_clipped() -> None:
    """A report shows the start and the end of a long text, and how much is between."""
    text = clip("a" * 400 + "b" * 400)
    assert len(text) < CLIP + 50
    assert text.startswith("a") and text.endswith("b")
    assert "300 characters" in text


def test_the_worst_ten(write_run: Factory) -> None:
    """Only the ten lowest of the answers below full score are shown, the lowest first."""
    lines: list[Answered | Failed] = [answered(f"c{n:02}", n / 20) for n in range(21)]
    page = report(write_run, lines)
    shown = [line for line in page.splitlines() if line.startswith("### c")]
    assert shown[0] == "### c00: 0.000"
    assert len(shown) == 10
    assert shown[-1] == "### c09: 0.450"


def test_failures_are_grouped(write_run: Factory) -> None:
    """Failed calls are counted by kind, with the message of the first."""
    page = report(write_run, [failed("a"), failed("b", error="later"), answered("c")])
    assert "| timeout | 2 | timeout (HTTP 504): too late |" in page


def test_what_the_numbers_rest_on(write_run: Factory) -> None:
    """The report names the commit, the cases, the pinned id and the dated price."""
    page = report(write_run, [answered()])
    for fact in ("abc123, with changes", "f" * 64, "small-2026-01-01", "checked 2026-11-23"):
        assert fact in page


def test_a_scorer_that_is_gone(write_run: Factory) -> None:
    """A report without the tables of a scorer that can't be loaded says so."""
    line = answered(scores={"no_such_scorer": Score(value=1, why="")})
    directory = write_run([line], job(task={"scorers": {"no_such_scorer": {}}}))
    build(directory)
    page = (directory / REPORT).read_text()
    assert "The tables of a scorer are left out: no_such_scorer: " in page
    assert "## Worst answers" in page


def test_a_hostile_error_breaks_no_sweep(write_run: Factory, tmp_path: Path) -> None:
    """What stopped a candidate is text in the sweep's report, wherever it stands."""
    write_run([answered(str(n)) for n in range(10)], name="sweep/0_sorting-small")
    kinds = []
    for text in ("harmless", HOSTILE):
        stopped = Result(task="sorting", model="broken", id="b", error=text)
        write_json(tmp_path / "sweep/1_x" / RESULT, stopped.model_dump(mode="json"))
        build_sweep(tmp_path / "sweep")
        page = (tmp_path / "sweep" / REPORT).read_text()
        kinds.append([(token.type, token.tag) for token in tokens(page)])
    assert kinds[0] == kinds[1]


def test_flaky_cases_and_models_passed_over(write_run: Factory) -> None:
    """The report names the flakiest cases, and who was not asked although its turn had come"""
    directory = write_run([answered()])
    evidence = read(directory)
    more = {"flaky_cases": {"c7": 0.5}, "skipped": {"small": 3}}
    evidence.result = evidence.result.model_copy(update=more)
    page = markdown.run(evidence, Origin.of_run(directory))
    assert "| c7 | 0.500 |" in page
    assert "small was not asked 3 times although its turn had come" in page
