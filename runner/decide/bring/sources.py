"""A file of another tool, part by part, with the line of each and whether it was carried.

A reader takes a part, or leaves it and says why. What it never looked at is left all the same:
`Ledger.close` lists it, so that nothing goes missing for want of a reader that knows it.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from runner.cases import strict_json
from runner.cases.rows import rows
from runner.config import yaml_text
from runner.decide.bring.brought import How, Left
from runner.errors import ConfigError

Path_ = tuple[str | int, ...]
_LONGEST = 3_000_000  # characters of JSON whose lines are looked for: that takes seconds
UNKNOWN = "has no counterpart here"


class _Loader(yaml.SafeLoader):
    """YAML 1.2 as JavaScript reads it: `yes` and 12:30 and 2024-01-01 are texts."""

    yaml_implicit_resolvers = {  # noqa: RUF012 (PyYAML's own way)
        first: [
            each
            for each in resolvers
            if each[0].rsplit(":", 1)[1] not in ("bool", "int", "float", "timestamp")
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?$"),
    list("-+.0123456789"),
)


class Ledger:
    """All files of one import, and what was said of their parts."""

    def __init__(self) -> None:
        self.sources: dict[Path, Source] = {}
        self.left: dict[tuple[Path, Path_, str], Left] = {}

    def open(self, path: Path, keys: tuple[str, ...] = ()) -> "Part":
        """A file whose parts are to be carried; opened once. Raises ConfigError."""
        if path not in self.sources:
            self.sources[path] = Source(self, path, *_read(path, keys))
        return self.sources[path].root

    def close(self) -> list[Left]:
        """What was left, in the order of files and lines, with what nobody looked at."""
        for source in self.sources.values():
            for part in source.untold(source.root):
                part.leave(UNKNOWN)
        order = {path: number for number, path in enumerate(self.sources)}
        return sorted(self.left.values(), key=lambda row: (order.get(row.file, -1), row.line))


class Source:
    def __init__(self, ledger: Ledger, file: Path, value: Any, lines: Mapping[Path_, int]) -> None:
        self.ledger, self.file, self.lines = ledger, file, lines
        self.told: set[Path_] = set()
        self.touched: set[Path_] = set()  # something below was told
        self.root = Part(self, (), value)

    def tell(self, path: Path_) -> None:
        self.told.add(path)
        self.touched.update(path[:n] for n in range(len(path)))

    def line(self, path: Path_) -> int:
        return next(
            (self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1
        )

    def untold(self, part: "Part") -> Iterator["Part"]:
        if part.path in self.told:
            return
        if part.path not in self.touched:
            if part.value not in (None, [], {}) or part.path:
                yield part
            return
        for below in part.parts():
            yield from self.untold(below)


class Part:
    """A value of a source, and its place there."""

    def __init__(self, source: Source, path: Path_, value: Any) -> None:
        self.source, self.path, self.value = source, path, value

    def get(self, key: str) -> "Part | None":
        """What stands at a key, unless that is null, which says nothing."""
        if not isinstance(self.value, dict) or key not in self.value:
            return None
        found = Part(self.source, (*self.path, key), self.value[key])
        if found.value is None:
            found.take()
            return None
        return found

    def text(self, key: str) -> str:
        """The text at a key, carried; empty without one."""
        found = self.get(key)
        return found.take() if found and isinstance(found.value, str) else ""

    def parts(self) -> list["Part"]:
        if isinstance(self.value, dict):
            return [Part(self.source, (*self.path, k), v) for k, v in self.value.items()]
        if isinstance(self.value, list):
            return [Part(self.source, (*self.path, n), v) for n, v in enumerate(self.value)]
        return []

    def listed(self) -> list["Part"]:
        """The elements of a list; whatever else it is, is the only one."""
        if isinstance(self.value, list):
            if not self.value:
                self.take()
            return self.parts()
        return [self]

    def take(self) -> Any:
        """The value, as carried: with all that is below."""
        self.source.tell(self.path)
        return self.value

    def leave(self, why: str, how: How = "left out", *, whole: bool = True) -> None:
        """Listed, with all that is below; not `whole`: that is looked at on its own."""
        if whole:
            self.take()
        key = (self.source.file, self.path, why)
        self.source.ledger.left.setdefault(
            key, Left(self.source.file, self.line, self.what, why, how)
        )

    @property
    def line(self) -> int:
        return self.source.line(self.path)

    @property
    def what(self) -> str:
        """Its keys, and its value where that is short; places in lists say nothing to a reader."""
        keys = ".".join(str(each) for each in self.path if isinstance(each, str)) or "all of it"
        value = self.value
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            return f"{keys} {value['type']}"
        if isinstance(value, str | int | float) and self.path:
            return f"{keys}: {' '.join(str(value).split())[:40]}"
        return keys


def _read(path: Path, keys: tuple[str, ...]) -> tuple[Any, Mapping[Path_, int]]:
    """The value of a file, and the line of each of its parts. Raises ConfigError."""
    if path.suffix in (".csv", ".tsv", ".parquet", ".jsonl", ".ndjson"):
        found = list(rows(path, keys))
        return [row for _, row in found], {(n,): line for n, (line, _) in enumerate(found)}
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
        if path.suffix == ".json":
            value = strict_json.loads(text)
            if len(text) > _LONGEST:
                return value, {}
            text = text.replace("\t", " ")  # none may stand in a text of JSON
            return value, dict(_lines(_Loader(text).get_single_node(), ()))
        yaml_text.bounded(raw, path)
        loader = _Loader(text)
        node = loader.get_single_node()
        value = loader.construct_document(node) if node is not None else None
        return value, dict(_lines(node, ()))
    except yaml.YAMLError as error:
        raise ConfigError(yaml_text.malformed(error, path)) from None
    except (UnicodeDecodeError, RecursionError):
        raise ConfigError(f"{path}: is not UTF-8, or nested too deeply") from None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{path}: is not {path.suffix[1:].upper()}: {error}") from None


def _lines(node: Any, path: Path_) -> Iterator[tuple[Path_, int]]:
    if node is None:
        return
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _lines(value, (*path, key.value))
            yield (*path, key.value), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _lines(value, (*path, number))
