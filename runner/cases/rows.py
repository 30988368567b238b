"""What a file holds, row by row, whatever its format: JSON lines, a JSON array, CSV, TSV, parquet.

In a table a column is a key of a case (`id`, `input`, `expected`, `tags`, …); any other one is a
variable of the prompt. A cell of `expected` that is a JSON object or array is that, else a text.
"""

import codecs
import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from json import JSONDecodeError
from pathlib import Path
from typing import IO, Any

from runner.cases import strict_json
from runner.errors import ConfigError

Row = tuple[int, Any]  # its line in the file, or its place in an array, from 1
_LISTS = ("tags", "images", "files")  # cells of several words, with commas or semicolons between
_LONGEST_CELL = 20_000_000
FORMATS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def rows(path: Path, keys: Sequence[str]) -> Iterator[Row]:
    """The rows of a file; `keys` are those that a case can have. Blank lines are passed over.

    Raises ConfigError naming the file and, where there is one, the line.
    """
    try:
        if path.suffix == ".parquet":
            yield from _of_parquet(path, keys)
            return
        with path.open("rb") as raw:
            if raw.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise ConfigError(f"{path}: is UTF-16; save it as UTF-8")
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix in (".csv", ".tsv"):
                yield from _of_table(file, path, keys)
            elif path.suffix == ".json":
                yield from _of_array(file, path)
            else:
                yield from _of_lines(file, path)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 ({error.reason}); save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None


def _of_lines(lines: Iterator[str] | IO[str], path: Path, first: int = 1) -> Iterator[Row]:
    for number, line in enumerate(lines, first):
        if line.strip():
            yield number, _json(line, f"{path}:{number}")


def _json(text: str, where: str) -> Any:
    try:
        return strict_json.loads(text)
    except JSONDecodeError as error:
        raise ConfigError(f"{where}: is not JSON: {error.msg} at column {error.colno}") from None
    except ValueError as error:
        raise ConfigError(f"{where}: is not JSON: {error}") from None


def _of_array(file: IO[str], path: Path) -> Iterator[Row]:
    """An array of cases; many a file of JSON lines is called .json, too."""
    first = file.readline()
    if first.lstrip().startswith("{") and _is_json(first):
        yield from _of_lines(chain([first], file), path)
        return
    found = _json(first + file.read(), str(path))
    if not isinstance(found, list):
        raise ConfigError(f"{path}: is no array of cases, and no JSON lines")
    yield from enumerate(found, 1)


def _is_json(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _of_table(file: IO[str], path: Path, keys: Sequence[str]) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_CELL)
    header = file.readline()
    delimiter = "\t" if path.suffix == ".tsv" else ";" if _semicolons(header) else ","
    reader = csv.reader(chain([header], file), delimiter=delimiter, strict=True)
    names: list[str] = []
    line = 1
    try:
        for cells in reader:
            if not names:
                names = _named(cells, f"{path}:1")
            elif any(cell.strip() for cell in cells):
                if len(cells) != len(names):
                    raise ConfigError(
                        f"{path}:{line}: has {len(cells)} cells, the header names {len(names)}; "
                        "a text with a comma, a quote or a line end in it stands in quotes"
                    )
                yield line, _case(dict(zip(names, cells, strict=True)), keys)
            line = reader.line_num + 1
    except csv.Error as error:
        raise ConfigError(f"{path}:{line}: is not CSV: {error}") from None


def _semicolons(header: str) -> bool:
    """Where a comma stands in numbers, spreadsheets write semicolons between the cells."""
    return ";" in header and "," not in header


def _named(cells: Sequence[str], where: str) -> list[str]:
    names = [cell.strip() for cell in cells]
    if twice := [name for name in names if names.count(name) > 1 or not name]:
        what = f"column '{twice[0]}' stands there twice" if twice[0] else "a column has no name"
        raise ConfigError(f"{where}: {what}")
    return names


def _case(cells: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A row of a table as a case; what is empty is left out."""
    found = {k: _value(k, v) if k in keys else v for k, v in cells.items()}
    return with_variables({k: v for k, v in found.items() if k not in keys or v != ""}, keys)


def with_variables(row: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A row whose keys that no case has are variables of the prompt, its input beside them.

    What is null is empty.
    """
    variables = {k: "" if v is None else v for k, v in row.items() if k not in keys}
    found = {k: v for k, v in row.items() if k in keys and v is not None}
    if variables:
        given = {"input": found["input"]} if "input" in found else {}
        found["input"] = given | variables
    return found


def _value(key: str, cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    if key in _LISTS:
        return [word.strip() for word in cell.replace(";", ",").split(",") if word.strip()]
    if key == "max_tokens" and cell.isdecimal():
        return int(cell)
    if key in ("expected", "messages", "turns", "results") and cell.lstrip()[:1] in ("{", "["):
        try:
            return strict_json.loads(cell)
        except ValueError:
            return cell
    return cell


def _of_parquet(path: Path, keys: Sequence[str]) -> Iterator[Row]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise ConfigError(f"{path}: parquet takes the extra `tables`: pyarrow") from None
    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, _case({k: v for k, v in row.items() if v is not None}, keys)
    except ArrowInvalid as error:
        raise ConfigError(f"{path}: is no parquet: {str(error).splitlines()[0]}") from None
