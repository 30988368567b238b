"""Classification, or multiple choice: the answer gives one label.

With `labels` an answer may say more than its label: what is read is the label after the last
`Answer:`, `the answer is`, `\\boxed{`, `label:` and the like; else the one that stands alone on the
last or the first line; else the only one that is mentioned and not denied ("not spam"). _prose.py
has all of the rules. Case, quotes, Markdown and the choice of space, hyphen or underscore don't
matter, but labels of one or two letters are read in their own case. An answer that offers two has
not decided, so it is read as none. Without `labels` the whole answer has to be the expected label.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.errors import did_you_mean
from runner.record.outcomes import Reply, Score
from runner.scorers import ScorerTable, _expected, _labels, _marks, _mentions, _prose, _text
from runner.scorers._text import clip

PARTS = (_labels, _prose, _mentions, _marks, _text)


def _distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    first: dict[str, str] = {}
    for label in labels:
        if not _mentions.plain(label):
            raise ValueError(f"'{label}' is no label")
        if (other := first.setdefault(_mentions.plain(label), label)) != label:
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
    if labels:
        found = _labels.read(reply.text, labels)
        read, mentioned = found.label, found.mentioned
    else:
        read, mentioned = _labels.alone(reply.text, expected), ()
    names = f" (it names {' and '.join(map(repr, mentioned))})" if mentioned else ""
    said = f"'{read}'" if read else f"no label{names}"
    return Score(
        value=read == expected,
        why=f"read {said} from '{clip(reply.text)}', expected '{expected}'",
        details={"expected": expected, "read": read},
    )


def check(case: Case, task: Task, *, labels: tuple[str, ...] = ()) -> str | None:
    return _expected.problem(lambda: _wanted(case, labels))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
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
        ScorerTable("Expected and read", ("expected", *labels, other, "none"), confusion),
        ScorerTable("Labels", ("label", "precision", "recall", "support"), tuple(rates)),
    ]


def _wanted(case: Case, labels: tuple[str, ...]) -> str:
    expected = _expected.text(case)
    if labels and expected not in labels:
        raise ValueError(f"expected '{expected}' is no label{did_you_mean(expected, labels)}")
    return expected
