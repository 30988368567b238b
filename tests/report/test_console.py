"""A command's answer has one way out, in whatever form and wherever to."""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import RenderableType

from runner.config import redact
from runner.report.console import WIDTH, emit, note, pointer, title, uncut
from runner.report.table import table

ROWS: list[dict[str, Any]] = [{"model": "small", "usd": 0.5}, {"model": "big", "usd": None}]


def told(form: str, to: Path | None = None) -> None:
    drawn = table("model", "usd")
    drawn.add_row("small", "$0.50")
    text: list[RenderableType] = [title("Cost"), drawn, note("a note"), uncut("word " * 40)]
    emit(form, to, text=text, rows=ROWS, tree={"rows": ROWS}, markdown="# Cost\n")


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_a_file_holds_what_the_screen_shows(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`to` takes the very text that is printed without it, and then nothing is printed."""
    told(form)
    shown = capsys.readouterr().out
    told(form, tmp_path / "file")
    assert (tmp_path / "file").read_text() == shown
    assert shown and not capsys.readouterr().out


def test_unknown_is_empty_or_null(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody knows is an empty field of CSV and null in JSON."""
    told("csv")
    assert capsys.readouterr().out == "model,usd\nsmall,0.5\nbig,\n"
    told("json")
    assert json.loads(capsys.readouterr().out)["rows"] == ROWS


def test_no_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """A table without a row still has its headings."""
    emit("csv", columns=["model", "usd"], rows=[])
    assert capsys.readouterr().out == "model,usd\n"


def test_a_command_is_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be copied stays in one line, wider than any terminal; a sentence is wrapped."""
    monkeypatch.delenv("COLUMNS", raising=False)
    told("table")
    assert "word " * 39 + "word" in capsys.readouterr().out
    emit("table", text=[title("word " * 40)])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= WIDTH


def test_a_pipe_is_as_wide_as_one_says(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """COLUMNS counts where nobody's terminal says."""
    monkeypatch.setenv("COLUMNS", "50")
    emit("table", text=[title("word " * 40)])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 50


def test_no_key_gets_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that is known leaves in no form."""
    monkeypatch.setattr(redact, "_known", {"sk-123456789"})
    for form in ("table", "json", "csv", "markdown"):
        key = "sk-123456789"
        emit(form, text=[note(key)], tree=[key], rows=[{"key": key}], markdown=key)
    out = capsys.readouterr().out
    assert out.count("[redacted]") == 4
    assert "123456789" not in out


def test_where_the_rest_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A path is printed as one would type it from here, and whole where it is elsewhere."""
    monkeypatch.chdir(tmp_path)
    emit("table", text=[pointer("report", tmp_path / "a" / "b"), pointer("report", Path("/x"))])
    assert capsys.readouterr().out == "report: a/b\nreport: /x\n"
