"""`models` shows the catalogue: filters narrow it, and what is unknown passes none of them."""

import csv
import io
import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runner.commands import models as command
from runner.commands.command_line import main
from runner.config.schema import Single
from runner.decide.select import listing
from runner.report.models import ModelsTable

TODAY = date(2026, 11, 28)
Shown = Callable[..., str]


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], composed: None) -> Shown:
    """What the command prints."""

    def run(*arguments: str) -> str:
        assert command.main(arguments, TODAY) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def found(shown: Shown) -> Callable[..., dict[str, dict[str, Any]]]:
    """The rows that some filters leave, by model."""

    def run(*filters: str) -> dict[str, dict[str, Any]]:
        text = shown(*filters, "format=json")
        tree = json.loads(text, parse_constant=lambda word: pytest.fail(word))
        return {row["model"]: row for row in tree["models"]}

    return run


Found = Callable[..., dict[str, dict[str, Any]]]


def test_every_model_has_its_facts(found: Found, catalogue: Mapping[str, Single]) -> None:
    """Each living model is there, as its file has it; a range of latency has two ends."""
    rows = found()
    assert set(rows) == {name for name, each in catalogue.items()}
    assert (rows["o3"]["ttft_ms"], rows["o3"]["ttft_ms_at_most"]) == (2000, 30000)
    assert rows["haiku"]["input_usd_per_mtok"] == 0.1 and rows["haiku"]["thinks"]
    assert rows["llama-70b-vllm"]["input_usd_per_mtok"] is None
    assert rows["llama-70b-vllm"]["benchmarks"]["humaneval"] == 80.5


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        (["provider=openai,mistral"], lambda row: row["provider"] in ("openai", "mistral")),
        (["strength=creative writing"], lambda row: "creative writing" in row["strengths"]),
        (["strength=multilingual", "vision=true"],
         lambda row: "multilingual" in row["strengths"] and row["vision"]),
        (["max_output_usd_per_mtok=0.6"], lambda row: row["output_usd_per_mtok"] <= 0.6),
        (["min_context_tokens=1000000"], lambda row: row["context_tokens"] >= 1_000_000),
        (["data=[self_hosted]"], lambda row: row["data"] == "self_hosted"),
        (["thinks=false"], lambda row: not row["thinks"]),
        (["benchmark=humaneval"], lambda row: "humaneval" in row["benchmarks"]),
        (["name=gemini"], lambda row: "gemini" in row["model"]),
        (["key=false"], lambda row: row["key"] and not row["key_present"]),
    ],
)  # fmt: skip
def test_a_filter_keeps_what_it_says(
    found: Found, filters: list[str], holds: Callable[[dict[str, Any]], bool]
) -> None:
    """All that is left has it, and something is left out."""
    rows = found(*filters)
    assert rows and all(holds(row) for row in rows.values())
    assert len(rows) < len(found())


def test_an_unknown_price_is_not_a_low_one(shown: Shown) -> None:
    """Who has no price passes no bound on it, and is named."""
    text = " ".join(shown("max_output_usd_per_mtok=1000", "data=[self_hosted]").split())
    assert text.startswith("0 of ")
    assert "left out, since no price is known: llama-70b-vllm" in text


def test_a_key_is_looked_for_and_never_shown(
    shown: Shown, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models whose key is set are those with key=true, and only its variable is named."""
    monkeypatch.setenv("MISTRAL_API_KEY", "sk-a-key-of-mistral")
    rows = found("key=true")
    assert {row["provider"] for row in rows.values() if row["key"]} == {"mistral"}
    assert "sk-a-key-of-mistral" not in shown("provider=mistral") + shown("format=csv")


def test_the_order(found: Found) -> None:
    """The cheapest first, the unpriced last; by a benchmark the best first."""
    prices = [row["output_usd_per_mtok"] for row in found().values()]
    known = [price for price in prices if price is not None]
    assert known == sorted(known) and prices[: len(known)] == known
    scores = [row["benchmarks"]["math"] for row in found("benchmark=math").values()]
    assert scores == sorted(scores, reverse=True)


def test_csv_and_a_file(shown: Shown, tmp_path: Path) -> None:
    """CSV has a row a model with the columns of every other list, even where nothing is left."""
    rows = list(csv.DictReader(io.StringIO(shown("format=csv"))))
    [haiku] = [row for row in rows if row["model"] == "haiku"]
    assert haiku["strengths"] == "data extraction;classification;high throughput"
    empty = shown("format=csv", "name=haiku", "provider=openai")
    assert empty.strip() == ",".join(rows[0])
    assert shown("format=json", f"to={tmp_path}/models.json") == ""
    assert len(json.loads((tmp_path / "models.json").read_text())["models"]) == len(rows)


def test_the_table_says_it_short(shown: Shown) -> None:
    """Names are never cut; a range, a retirement and a model that thinks are said."""
    said = " ".join(shown().split())
    assert "minimax-m3.1-flash-fireworks" in said
    assert "from 2027-01-01 on $1.5 in and $7.5 out per million tokens" in said
    assert "o3 2 8 0.5 200K 2 to 30 s, 40/s no retires 2026-12-11, then gpt-6.1-sol;" in said
    assert "aa_index 53" in said


@pytest.mark.parametrize("width", [80, 160])
def test_no_screen_is_too_narrow_for_a_number(width: int, catalogue: Mapping[str, Single]) -> None:
    """Whatever its width, no line is wider, and no name or number is cut."""
    rows = [listing.facts(option, model, TODAY) for option, model in catalogue.items()]
    console = Console(width=width)
    with console.capture() as drawn:
        console.print(ModelsTable(rows))
    said = drawn.get()
    assert max(map(len, said.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in said
    assert ("typically" in said) == (width == 160)


def test_folders_and_the_retired(
    catalogue: Mapping[str, Single], every_model: Mapping[str, Single]
) -> None:
    """conf/model/seed/ and what has retired are there when asked for."""
    assert "seed/haiku" in every_model
    assert not [name for name in catalogue if "/" in name]


@pytest.mark.usefixtures("composed")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["provider=opnai"], "provider: no model has 'opnai'; did you mean 'openai'?"),
        (["strength=multilingul"], "strength: no model has 'multilingul'; did you mean"),
        (["benchmark=humanevl"], "benchmark: no model has 'humanevl'; did you mean 'humaneval'?"),
        (["max_input=1"], "max_input: no such key"),
        (["format=xml"], "format: input should be 'table', 'csv' or 'json'"),
    ],
)
def test_bad_input_is_a_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], problem: str
) -> None:
    """What is wrong is said in one line, with what would be right, and exit code 2."""
    assert main(["models", *arguments]) == 2
    said = capsys.readouterr()
    [line] = said.err.splitlines()
    assert line.startswith(f"runner: {problem}")
