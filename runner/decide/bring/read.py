"""Which tool a file is of, and what it brings."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from runner.cases.cases import Case
from runner.cases.rows import FORMATS, rows
from runner.decide.bring import evals, promptfoo, tables, traces
from runner.decide.bring.brought import Brought
from runner.decide.bring.records import Fields, Wish, brought
from runner.decide.bring.sources import Ledger
from runner.errors import ConfigError

KINDS = ("promptfoo", "evals", *traces.READERS, "rows")


def read(file: Path, kind: str | None, wish: Wish) -> Brought:
    """Raises ConfigError."""
    if file.suffix in (".yaml", ".yml"):
        return _config("promptfoo", file, wish, kind)
    if file.suffix not in FORMATS:
        raise ConfigError(f"{file}: a file to import ends in .yaml, {', '.join(FORMATS)}")
    ledger = Ledger()
    whole = ledger.open(file).value if file.suffix == ".json" and _is_one(file) else None
    if isinstance(whole, dict):
        found = kind or _of_object(whole, file)
        if found in ("promptfoo", "evals"):
            return _config(found, file, wish, kind)
        inner = next(
            (
                whole[key]
                for key in ("data", "observations", "traces", "items")
                if isinstance(whole.get(key), list)
            ),
            [whole],
        )
        listed: list[tuple[int, Any]] = list(enumerate(inner, 1))
    else:
        listed = list(rows(file, tuple(Case.model_fields)))
    if not listed:
        raise ConfigError(f"{file}: holds nothing")
    found = kind or _of_rows([row for _, row in listed])
    if found in ("promptfoo", "evals"):
        return _config(found, file, wish, kind)
    if wish.personal is None:
        wish = replace(wish, personal=found != "rows")
    fields = Fields(file)
    if found == "rows":
        records = list(tables.read(listed, fields, wish.expected))
    else:
        if wish.expected not in (None, "answers"):
            raise ConfigError(f"expected={wish.expected}: of {found} it is answers, or nothing")
        records = list(traces.read(found, listed, fields))
    return brought(found, records, wish, fields)


def _config(found: str, file: Path, wish: Wish, kind: str | None) -> Brought:
    for key in ("expected", "sample", "by"):
        if getattr(wish, key) is not None:
            raise ConfigError(f"{key}: is for records, and {file} is of {found}")
    ledger = Ledger()
    read = promptfoo.read if (kind or found) == "promptfoo" else evals.read
    out = read(ledger, file)
    out.left = ledger.close()
    if not any(task.cases for task in out.tasks):
        raise ConfigError(f"{file}: has nothing that could be a case")
    return out


def _is_one(file: Path) -> bool:
    """A JSON object over several lines, where others have one a line."""
    try:
        next(iter(rows(file, ())))
    except (ConfigError, StopIteration):
        return True
    return False


def _of_object(tree: dict[str, Any], file: Path) -> str:
    if promptfoo.KEYS & tree.keys() or isinstance(tree.get("config"), dict):
        return "promptfoo"
    if evals.KEYS & tree.keys() or "eval" in tree:
        return "evals"
    inner = next(
        (
            tree[k]
            for k in ("data", "observations", "traces", "items")
            if isinstance(tree.get(k), list)
        ),
        [tree],
    )
    return _of_rows(inner)


def _of_rows(found: Sequence[Any]) -> str:
    """By the first rows: a file is of one tool."""
    for row in found[:20]:
        keys = set(row) if isinstance(row, dict) else set()
        keys |= (
            set(row["input"])
            if isinstance(row, dict) and isinstance(row.get("input"), dict)
            else set()
        )
        if (
            {"resourceSpans", "resourceLogs"} & keys
            or "gen_ai." in str(row.get("attributes"))[:20_000]
            if isinstance(row, dict)
            else False
        ):
            return "otel"
        if {"attributes", "context"} <= keys:
            return "otel"
        if {"case", "attempts", "messages"} <= keys:
            return "journal"
        if {"call_type", "messages"} <= keys or "standard_logging_object" in keys:
            return "litellm"
        if {"traceId", "observations", "expectedOutput", "datasetId", "startTime"} & keys and (
            "input" in keys or "observations" in keys
        ):
            return "langfuse"
        if "item" in keys or "datasource_item" in keys:
            return "evals"
    return "rows"
