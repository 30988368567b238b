"""Classification: the answer is one label, or mentions exactly one.

Case, quotes, Markdown, a trailing dot and the choice of space, hyphen or underscore don't matter, a
leading `Label:` or a JSON object around the label neither. An answer that mentions two labels has
not decided, so it is read as none. Without `labels` the whole answer has to be the expected label.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator

from runner.cases import reading
from runner.cases.cases import Case
from runner.config.schema import Task
from runner.errors import did_you_mean
from runner.record.outcomes import Reply, Score
from runner.scorers import Table, _expected
from runner.scorers._text import UNSPACED, clip, fold

_PREFIX = re.compile(r"^\W*(?:label|answer|class|category|intent)\W*[:=]", re.IGNORECASE)
_AROUND = " \t\r\n*_`~'\"“”„‘’«»()[]<>.,;:!。"  # noqa: RUF001 (they are meant)
_GAP = re.compile(r"[\s_-]+")
# A neighbour that makes it another word. In Japanese or Korean a label has no space around it.
_LETTER = rf"[^\W{UNSPACED}]|-"


def _distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for label in labels:
        if not _plain(label):
            raise ValueError(f"'{label}' is no label")
        if (other := first.setdefault(_plain(label), label)) != label:
            raise ValueError(f"'{other}' and '{label}' can't be told apart in an answer")
    return labels


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    labels: Annotated[tuple[str, ...], AfterValidator(_distinct)] = (),
) -> Score:
    expected = _wanted(case, labels)
    answer = _unwrap(reply.text)
    mentioned = _read(answer, labels or (expected,), anywhere=bool(labels))
    read = mentioned[0] if len(mentioned) == 1 else None
    if read is None and not labels:
        read = clip(_plain(answer)) or None
    found = f"'{read}'" if read else " and ".join(map(repr, mentioned)) or "no label"
    return Score(
        value=read == expected,
        why=f"read {found} from '{clip(reply.text)}', expected '{expected}'",
        details={"expected": expected, "read": read},
    )


def check(case: Case, task: Task, *, labels: tuple[str, ...] = ()) -> str | None:
    return _expected.problem(lambda: _wanted(case, labels))


def tables(scores: Sequence[Score]) -> list[Table]:
    """Which label was read where which was expected, and precision and recall of each label."""
    pairs = Counter((each.details["expected"], each.details["read"]) for each in scores)
    if not pairs:
        return []
    labels = sorted({expected for expected, _ in pairs})
    other = "another"  # read, but expected nowhere
    counts: Counter[tuple[str, str | None]] = Counter()
    for (expected, read), count in pairs.items():
        counts[expected, read if read is None or read in labels else other] += count
    columns = [*labels, other, None]
    confusion = tuple((label, *(counts[label, read] for read in columns)) for label in labels)
    rates = []
    for label in labels:
        right = counts[label, label]
        support = sum(counts[label, read] for read in columns)
        read_so = sum(counts[expected, label] for expected in labels)
        rates.append((label, right / read_so if read_so else None, right / support, support))
    return [
        Table("Expected and read", ("expected", *labels, other, "none"), confusion),
        Table("Labels", ("label", "precision", "recall", "support"), tuple(rates)),
    ]


def _wanted(case: Case, labels: tuple[str, ...]) -> str:
    expected = _expected.text(case)
    if labels and expected not in labels:
        raise ValueError(f"expected '{expected}' is no label{did_you_mean(expected, labels)}")
    return expected


def _unwrap(text: str) -> str:
    """The label of an answer such as {"label": "x"}; otherwise the text as it is."""
    try:
        value, _ = reading.as_json(text, fenced=True)
    except ValueError:  # most answers are no JSON
        return text.replace("\\_", "_")
    if isinstance(value, dict):
        value = value.get("label", next(iter(value.values()), None) if len(value) == 1 else None)
    return value if isinstance(value, str) else text


def _read(answer: str, labels: tuple[str, ...], *, anywhere: bool) -> list[str]:
    """The label that the answer is, or else those that it mentions."""
    whole = _plain(_PREFIX.sub("", answer))
    for label in labels:
        if whole == _plain(label) or _plain(answer) == _plain(label):
            return [label]
    if not anywhere:
        return []
    by_plain = {_plain(label): label for label in labels}
    mentions = (_plain(match[0]) for match in _mention(labels).finditer(fold(answer)))
    return list(dict.fromkeys(by_plain[plain] for plain in mentions))


def _plain(text: str) -> str:
    return _GAP.sub(" ", fold(text).strip(_AROUND)).strip()


@lru_cache(maxsize=8)
def _mention(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Any of the labels as whole words; the longest first, as 'card' is a part of 'card lost'."""
    plain = sorted((_plain(label) for label in labels), key=len, reverse=True)
    choices = "|".join(r"[\s_-]+".join(map(re.escape, label.split())) for label in plain)
    return re.compile(f"(?<!{_LETTER})(?:{choices})(?!{_LETTER})")
