"""A checklist on screen, as a task list in Markdown, and as data."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rich.console import RenderableType
from rich.text import Text

from runner.config.paths import shipped, shown
from runner.decide.checklist.facts import Line, State
from runner.decide.checklist.rows import Lines
from runner.report.console import title
from runner.report.table import coloured, table
from runner.report.text import inline, line

_MARKS: dict[State, str] = {"ticked": "✓", "open": "✗", "not applicable": "-"}
# A line that does not apply has no box: an empty one would ask for something.
_BOXES = {"ticked": "[x] ", "open": "[ ] ", "not applicable": ""}


def summary(lines: Lines) -> str:
    """`21 ticked, 5 open, 2 not applicable`."""
    counts = Counter(each.state for found in lines.values() for each in found)
    return ", ".join(f"{counts[state]} {state}" for state in _MARKS)


def terminal(about: str, lines: Lines, start: Path) -> Iterator[RenderableType]:
    yield title(about)
    rows = table("", "", "evidence", "age", "where", left=["", "evidence", "where"])
    rows.columns[-1].overflow = "fold"
    for heading, found in lines.items():
        rows.add_row("", Text(heading, style="bold"))
        for each in found:
            rows.add_row(
                coloured(_MARKS[each.state], each.state),
                Text(each.what),
                Text(line(each.evidence)),
                _age(each),
                Text(_link(each, start) or "", style="dim"),
            )
        rows.add_section()
    yield rows
    yield title(summary(lines))


def markdown(about: str, lines: Lines, start: Path) -> str:
    """Links are relative to the directory `start`."""
    parts = [f"# Checklist: {inline(about)}", f"**{summary(lines)}**"]
    for heading, found in lines.items():
        parts.append(f"## {heading}\n\n" + "\n".join(_item(each, start) for each in found))
    return "\n\n".join(parts) + "\n"


def plain(about: str, lines: Lines, start: Path) -> dict[str, Any]:
    return {
        "decision": about,
        "conclusion": summary(lines),
        "open": sum(each.state == "open" for found in lines.values() for each in found),
        "lines": [
            {
                "heading": heading,
                "what": each.what,
                "state": each.state,
                "evidence": each.evidence,
                "link": _link(each, start),
                "age_days": each.age_days,
            }
            for heading, found in lines.items()
            for each in found
        ],
    }


def _item(each: Line, start: Path) -> str:
    state = " (not applicable)" if each.state == "not applicable" else ""
    text = f"- {_BOXES[each.state]}{inline(each.what)}{state}: {inline(each.evidence)}"
    link = _link(each, start)
    where = [f"[{inline(link)}](<{quote(link)}>)" if _leads(each) else inline(link)] if link else []
    aside = ", ".join([*where, *filter(None, [_age(each)])])
    return f"{text} ({aside})" if aside else text


def _age(each: Line) -> str:
    if each.age_days is None:
        return ""
    return "today" if each.age_days == 0 else f"{each.age_days} d"


def _link(each: Line, start: Path) -> str | None:
    if each.link is None:
        return None
    return os.path.relpath(each.link, start) if _leads(each) else shown(each.link)


def _leads(each: Line) -> bool:
    """Not to files of the program, which others have elsewhere."""
    return each.link is not None and not shipped(each.link)
