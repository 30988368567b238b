"""A checklist on paper and as data."""

from pathlib import Path

from rich.console import Console

from runner.decide.checklist.facts import Line
from runner.report.checklist import markdown, plain, summary, terminal

LINES = {
    "Evaluation": [
        Line("It is *done*", "ticked", "n = 3", Path("/w/outputs/run 1/report.md"), 4),
        Line("It is not", "open", "nothing | found", None, None),
    ],
    "Readiness": [Line("It is nothing to us", "not applicable", "text", Path("/w/conf/x.yaml"))],
}


def test_markdown() -> None:
    """A task list: a box for what is ticked or open, none for the rest; links from its place."""
    assert markdown("sorting · small", LINES, Path("/w/docs")).splitlines() == [
        "# Checklist: sorting · small",
        "",
        "**1 ticked, 1 open, 1 not applicable**",
        "",
        "## Evaluation",
        "",
        "- [x] It is &#42;done&#42;: n = 3 "
        "([../outputs/run 1/report.md](<../outputs/run%201/report.md>), 4 d)",
        "- [ ] It is not: nothing &#124; found",
        "",
        "## Readiness",
        "",
        "- It is nothing to us (not applicable): text ([../conf/x.yaml](<../conf/x.yaml>), today)",
    ]


def test_plain() -> None:
    """Each line with its heading, its link and its age; null is unknown."""
    tree = plain("sorting", LINES, Path("/w"))
    assert tree["open"] == 1
    assert [each["heading"] for each in tree["lines"]] == ["Evaluation"] * 2 + ["Readiness"]
    assert tree["lines"][0]["link"] == "outputs/run 1/report.md"
    assert (tree["lines"][1]["link"], tree["lines"][1]["age_days"]) == (None, None)


def test_terminal() -> None:
    """The same lines on screen, with a mark each."""
    console = Console(width=120)
    with console.capture() as captured:
        for part in terminal("sorting", LINES, Path("/w")):
            console.print(part)
    out = captured.get()
    assert "✓   It is *done*" in out
    assert "✗   It is not" in out
    assert summary(LINES) in out
