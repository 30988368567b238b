"""A file of cases is read row by row, whatever its format, and says where it can't be."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.cases import cases
from runner.cases.cases import Case
from runner.errors import ConfigError

CASES: list[dict[str, Any]] = [
    {"id": "a", "input": 'He said: "two, please"\nand left', "expected": "x", "tags": ["t", "u"]},
    {"id": "b", "input": "한국어 😀 ; \t", "expected": {"k": [1, None]}, "max_tokens": 5},
    {"id": "c", "input": " spaces ", "expected": "007"},
]
COLUMNS = ["id", "input", "expected", "tags", "max_tokens"]


def _table(delimiter: str) -> Callable[[Path], None]:
    def cell(value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, list):
            value = "; ".join(value)
        text = json.dumps(value) if isinstance(value, dict) else str(value)
        return '"' + text.replace('"', '""') + '"'

    def write(path: Path) -> None:
        lines = [COLUMNS, *([cell(case.get(key)) for key in COLUMNS] for case in CASES)]
        path.write_text("\r\n".join(delimiter.join(line) for line in lines), newline="")

    return write


def _lines(path: Path) -> None:
    path.write_text("\n\n".join(json.dumps(case) for case in CASES), encoding="utf-8-sig")


def _parquet(path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    flat = [{**case, "expected": str(case["expected"])} for case in CASES if case["id"] != "b"]
    parquet.write_table(arrow.Table.from_pylist(flat), path)


WRITERS: dict[str, Callable[[Path], None]] = {
    "cases.jsonl": _lines,
    "lines.json": _lines,
    "array.json": lambda path: _write(path, json.dumps(CASES, indent=1)),
    "cases.csv": _table(","),
    "semicolons.csv": _table(";"),
    "cases.tsv": _table("\t"),
}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_says_the_same(tmp_path: Path, name: str) -> None:
    """Quotes, line ends, other scripts, lists and objects come through all of them alike."""
    WRITERS[name](tmp_path / name)
    assert list(cases.read(tmp_path / name)) == [Case.model_validate(each) for each in CASES]


def test_parquet(tmp_path: Path) -> None:
    """Columns are the keys of a case, and what is empty is left out."""
    _parquet(tmp_path / "cases.parquet")
    found = list(cases.read(tmp_path / "cases.parquet"))
    assert [case.id for case in found] == ["a", "c"]
    assert found[0].tags == ("t", "u") and found[1].tags == ()


def test_other_columns_are_variables(tmp_path: Path) -> None:
    """What is no key of a case is a variable of the prompt, and `input` stays one beside them."""
    path = tmp_path / "cases.csv"
    path.write_text("question,context,expected,input\nwhy?,a text,because,x\n")
    [found] = cases.read(path)
    assert found.input == {"input": "x", "question": "why?", "context": "a text"}
    assert (found.id, found.expected) == ("2", "because")


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("a.jsonl", '{"input": "x"}\n\n{"input": "y"}\n', ["1", "3"]),
        ("a.jsonl", '{"id": 7, "input": "x"}\n{"input": "y"}', ["7", "2"]),
        ("a.json", '[{"input": "x"}, {"id": 0, "input": "y"}]', ["1", "0"]),
        ("a.csv", 'input\nx\n"y\nz"\nw\n', ["2", "3", "5"]),
    ],
)
def test_cases_without_an_id(tmp_path: Path, name: str, text: str, ids: list[str]) -> None:
    """They have the number of their line, another one for each; a whole number is an id."""
    (tmp_path / name).write_text(text)
    assert [case.id for case in cases.read(tmp_path / name)] == ids


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("a.csv", b"input,expected\na,b,c\n", "a.csv:2: has 3 cells, the header names 2"),
        ("a.csv", b"input,input\na,b\n", "a.csv:1: column 'input' stands there twice"),
        ("a.csv", b"input,\na,b\n", "a.csv:1: a column has no name"),
        ("a.csv", b'input\n"a\n', "a.csv:2: is not CSV"),
        ("a.csv", b"input,expected\n", "a.csv: holds no cases"),
        ("a.csv", "input\nx".encode("utf-16"), "a.csv: is UTF-16; save it as UTF-8"),
        ("a.jsonl", "{}".encode("utf-16-be"), "a.jsonl:1: is not JSON"),
        ("a.csv", b"input\n\xff\n", "a.csv: is not UTF-8"),
        ("a.json", b'{"a": [1,\n2]}', "a.json: is no array of cases"),
        ("a.json", b"[{]", "a.json: is not JSON"),
        ("a.json", b'[{"inptu": "x"}]', "a.json:1: inptu: no such key; did you mean 'input'"),
        (
            "a.jsonl",
            b'{"input": "x"}\n{"id": 1, "input": "y"}',
            "a.jsonl:2: id '1' stands in line 1",
        ),
    ],
)
def test_what_can_not_be_read(tmp_path: Path, name: str, raw: bytes, said: str) -> None:
    """One line says which file, which line, and what would be right."""
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(ConfigError) as error:
        list(cases.read(tmp_path / name))
    assert said in str(error.value)
