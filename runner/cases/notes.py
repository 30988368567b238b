"""What people say of cases and answers, a JSON object a line, as the report's page exports it:

    {"task": "tickets", "case": "t3", "expected": "refund", "note": "the policy changed in May"}
    {"task": "tickets", "case": "t5", "answer": "Refund.", "accept": true}
    {"task": "tickets", "case": "t7", "answer": "Hardware", "score": 0.5}

A wrong `expected` and what is right; an answer that is right although its scorer says no; how good
an answer is to somebody who did not know who gave it. A `note` alone changes nothing.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from runner.cases import attachments, strict_json
from runner.cases.cases import Case
from runner.cases.rows import rows
from runner.config.paths import shared, shown
from runner.config.terminal import clean
from runner.errors import ConfigError
from runner.record.files import sha256, write_text


class Note(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    task: str | None = None  # None: of whichever has such a case
    case: str
    expected: Any = None
    answer: str | None = None
    accept: bool = False
    score: float | None = Field(None, ge=0, le=1)
    note: str | None = None

    @model_validator(mode="after")
    def _of_an_answer(self) -> Self:
        if self.answer is None and (self.accept or self.score is not None):
            raise ValueError("answer: is missing; accept and score are of an answer")
        return self


@dataclass
class Notes:
    """`used` are the lines that an answer or a case was found for."""

    path: Path | None = None
    sha256: str = ""
    lines: Mapping[int, Note] = field(default_factory=dict)  # by their numbers in the file
    used: set[int] = field(default_factory=set)

    @classmethod
    def read(cls, path: Path) -> "Notes":
        """Raises ConfigError naming file and line."""
        lines = {}
        for number, value in rows(path, tuple(Note.model_fields)):
            try:
                lines[number] = Note.model_validate(value)
            except ValidationError as error:
                first = error.errors()[0]
                key = ".".join(map(str, first["loc"])) or "note"
                said = first["msg"].removeprefix("Value error, ").lower()
                raise ConfigError(f"{path}:{number}: {key}: {said}") from None
        if not lines:
            raise ConfigError(f"{path}: holds no notes")
        return cls(path, sha256(path), lines)

    def expected(self, task: str) -> dict[str, int]:
        """The line that says what is expected of a case, the last one, by case."""
        found = self.lines.items()
        return {n.case: no for no, n in found if _on(n, task) and n.expected is not None}

    def on(self, task: str, case: str, answer: str) -> list[Note]:
        """What is said of an answer, whoever gave it."""
        of_case = {
            number: note
            for number, note in self.lines.items()
            if note.case == case and note.answer is not None and _on(note, task)
        }
        reads = {answer, shared(clean(answer))} if of_case else set()  # as it stands on a page
        found = {number: note for number, note in of_case.items() if note.answer in reads}
        self.used |= found.keys()
        return list(found.values())

    def mend(self, task: str, source: Path, to: Path) -> dict[str, str]:
        """Write the cases of `source` with what is expected of them now; what changed, by case.

        Raises ConfigError, StorageError.
        """
        wanted, mended, lines = self.expected(task), dict[str, str](), list[str]()
        if not wanted:
            return mended
        for number, row in rows(source, tuple(Case.model_fields)):
            value = {"id": str(number)} | {k: v for k, v in row.items() if v is not None}
            if line := wanted.get(str(value["id"])):
                before, value = value, _mended(value, self.lines[line].expected)
                was, now = (
                    json.dumps(v.get("expected"), ensure_ascii=False) for v in (before, value)
                )
                mended[str(value["id"])] = f"{shown(source)}:{number}: expected {was} is {now} now"
            try:
                lines.append(json.dumps(_found(value, source.parent), ensure_ascii=False) + "\n")
            except attachments.Unusable as problem:
                raise ConfigError(f"{source}:{number}: {problem}") from None
        if mended:
            write_text(to, "".join(lines))
        self.used |= {  # the earlier ones on a case, too: the last one counts
            number
            for number, note in self.lines.items()
            if note.case in mended and note.expected is not None and _on(note, task)
        }
        return mended


def _on(note: Note, task: str) -> bool:
    return note.task in (None, task)


def score(found: list[Note]) -> float | None:
    """The mean of what people gave an answer; None: nobody has."""
    scores = [note.score for note in found if note.score is not None]
    return fmean(scores) if scores else None


def _mended(row: Mapping[str, Any], expected: Any) -> dict[str, Any]:
    """A text is read as JSON where what was expected is no text: a page knows texts alone."""
    turns = row.get("turns")
    was = row.get("expected") if turns is None else list(turns)
    if isinstance(expected, str) and was is not None and not isinstance(was, str):
        try:
            expected = strict_json.loads(expected)
        except ValueError:
            raise ConfigError(f"case '{row['id']}': expected: is no JSON: {expected!r}") from None
    if turns is None:
        return {**row, "expected": expected}
    if not isinstance(expected, list) or len(expected) != len(turns):
        raise ConfigError(f"case '{row['id']}': expected: write a list, one for each turn")
    turns = [{"input": each} if isinstance(each, str) else each for each in turns]
    both = [{**turn, "expected": each} for turn, each in zip(turns, expected, strict=True)]
    return {key: v for key, v in row.items() if key != "expected"} | {"turns": both}


def _found(row: dict[str, Any], folder: Path) -> dict[str, Any]:
    """With paths of images and files that hold wherever the row is written to."""
    kinds: dict[str, attachments.Kind] = {"images": "image", "files": "file"}
    paths: dict[str, Any] = {
        k: [attachments.find(n, folder, kinds[k]) for n in row[k]] for k in kinds if k in row
    }
    below = {
        key: [_found(each, folder) if isinstance(each, dict) else each for each in row[key]]
        for key in ("turns", "messages", "content")
        if isinstance(row.get(key), list)
    }
    if row.get("type") in kinds.values():
        paths["path"] = attachments.find(row["path"], folder, row["type"])
    return row | paths | below
