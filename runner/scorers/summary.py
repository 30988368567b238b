"""The share of the facts that a summary has; 0 if it says what it must not, or is no summary.

`expected` is an object:

    facts      what no faithful summary may lose, each one wording or a list of accepted ones:
               ["Corvex", ["47 minutes", "13:57"], ["only if", "provided"]]
    forbidden  wordings of which one is enough for 0: orders obeyed, figures swapped or superseded
    allowed    figures and names that a summary may have although the text doesn't
    language   ISO 639 code of the one asked for, where it isn't the text's
    max_sentences, max_words, max_share, max_copied: instead of the task's

A wording begins where a word does and may have another ending; figures and days of the year are
found as people write them: 74,000 is 74000 and 74k, "2 June" is "June 2nd" but not in "12 June",
and 19 is not in 2019. Nothing may be added: a figure or a name that stands neither in the text nor
in `facts` or `allowed` costs as much as a fact that is missing (for names, as far as capitals
tell).

Worth 0 is an answer in another language than the text's, one longer than a limit, one that copies
`max_copied` words of the text in a row, and a list of names and figures that is no sentences. Words
of scripts without spaces are counted as two characters each. `max_share` is of the text's length.
"""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction
from typing import Annotated, Any

import regex
from pydantic import Field

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import (
    ScorerTable,
    _added,
    _digits,
    _expected,
    _language,
    _number,
    _text,
    _wording,
)
from runner.scorers._text import clip

PARTS = (_added, _digits, _language, _number, _text, _wording)
_LIMITS = ("max_sentences", "max_words", "max_share", "max_copied")
_KEYS = ("facts", "forbidden", "allowed", "language", *_LIMITS)
_UNSPACED = re.compile(f"[{_text.UNSPACED}]")
_ENDS = regex.compile(
    r"(?:[!?…]|(?<!\b[\p{Lu}\p{Ll}]{1,3}|\d)\.)[\"')\]]*\s+(?=\W*(?:\p{Lu}|\p{Lo}|\d))|[。！？।؟]|\n+"  # noqa: RUF001
)
_LARGE = 1000  # below it people write no scale
_LIKELY = 0.001  # less than that, and it is another language; related ones stay above it
_SENTENCES = 0.4  # of the words that have a case, begin with a small letter; of German about 0.6

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0)]


@dataclass(frozen=True)
class _Wanted:
    facts: list[list[str]]
    forbidden: list[str]
    allowed: list[str]
    language: str | None
    limits: dict[str, float | None]
    source: str


async def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    max_sentences: Count | None = None,
    max_words: Count | None = None,
    max_share: Share | None = 0.75,
    max_copied: Count | None = 30,
) -> Score:
    limits = dict(zip(_LIMITS, (max_sentences, max_words, max_share, max_copied), strict=True))
    return await asyncio.to_thread(_judge, reply.text, _wanted(case, limits))


def check(case: Case, task: Task) -> str | None:
    return _expected.problem(lambda: _wanted(case, {}))


def tables(scores: Sequence[Score]) -> list[ScorerTable]:
    reasons: dict[str, list[float]] = {}
    for each in scores:
        for reason, count in each.details.items():
            reasons.setdefault(reason, []).append(count)
    rows = tuple((reason, sum(map(bool, counts))) for reason, counts in reasons.items())
    return [ScorerTable("What summaries lost by", ("reason", "answers"), rows)] if rows else []


@dataclass(frozen=True)
class _Answer:
    """`large` are the figures of a thousand and more, which may be scaled: 74k."""

    form: str
    large: frozenset[Fraction]

    @classmethod
    def of(cls, text: str) -> "_Answer":
        plain = _digits.clean(text)
        found = (max(n.values) for mark in _number.MARKS for n in _number.find(plain, mark))
        return cls(_wording.loose_form(text), frozenset(n for n in found if n >= _LARGE))

    def has(self, wanted: str) -> bool:
        form = _wording.loose_form(wanted)
        figure = _number.parse(form)
        return _wording.holds(self.form, form, inside=False) or (
            figure is not None and max(figure.values) in self.large
        )


def _judge(text: str, wanted: _Wanted) -> Score:
    answer = _Answer.of(text)
    missing = [texts for texts in wanted.facts if not any(map(answer.has, texts))]
    language = wanted.language or _language.detect(wanted.source)
    worthless = dict(_worthless(text, answer, wanted, language))
    known = "\n".join(
        [wanted.source, *wanted.allowed, *(t for texts in wanted.facts for t in texts)]
    )
    added = (
        [] if worthless else [*_added.figures(text, known), *_added.names(text, known, language)]
    )
    all_facts = len(wanted.facts)
    why = f"{all_facts - len(missing)} of {all_facts} facts in '{clip(text)}'"
    if missing:
        why += "; missing " + clip(", ".join(map(_text.any_of, missing)), 160)
    if added:
        why += "; not in the text: " + clip(", ".join(added))
    why = "; ".join([f"worth 0: {reason}" for reason in worthless.values()] + [why])
    value = 0.0 if worthless else max(0, all_facts - len(missing) - len(added)) / all_facts
    reasons = ("forbidden", "too long", "copied", "language", "no sentences")
    details = {"facts missing": float(len(missing)), "added": float(len(added))}
    details |= {reason: float(reason in worthless) for reason in reasons}
    return Score(value=value, why=why, details=details)


def _worthless(
    text: str, answer: _Answer, wanted: _Wanted, language: str
) -> Iterator[tuple[str, str]]:
    """Why an answer is worth nothing: its kind, and in words."""
    if said := [each for each in wanted.forbidden if answer.has(each)]:
        yield "forbidden", f"says {_text.any_of(said)}"
    if too_long := _too_long(text, wanted):
        yield "too long", too_long
        return  # nor is it worth the time
    if (most := wanted.limits["max_copied"]) and (
        copied := _copied(text, wanted.source, int(most))
    ):
        yield "copied", f"copies '{clip(copied)}', more than {most:g} words in a row"
    if _language.likelihood(text, language) < _LIKELY:
        yield "language", f"is in '{_language.detect(text)}', not in '{language}'"
    if not _has_sentences(text):
        yield "no sentences", "is a list of names and figures"


def _too_long(text: str, wanted: _Wanted) -> str | None:
    measured = {
        "max_words": (_length(_text.words(text)), "{:.0f} words, more than {:g}"),
        "max_sentences": (len(_sentences(text)), "{} sentences, more than {:g}"),
        "max_share": (
            len(text) / max(1, len(wanted.source)),
            "{:.2f} of the text's length, more than {:g}",
        ),
    }
    for name, (length, what) in measured.items():
        most = wanted.limits[name]
        if most is not None and length > most:
            return what.format(length, most)
    return None


def _sentences(text: str) -> list[str]:
    """As far as one can tell: what ends in a short word or a number goes on, as "Dr. No" does."""
    return [each for each in _ENDS.split(text) if _text.words(each)]


def _copied(text: str, source: str, most: int) -> str | None:
    """The first run of more than so many words of the text that the source has too."""
    words, of = _text.words(text), _text.words(source)
    unspaced = len(words) and sum(map(bool, map(_UNSPACED.match, words))) > len(words) / 2
    size = (most * 2 if unspaced else most) + 1
    runs = {tuple(of[i : i + size]) for i in range(len(of) - size + 1)}
    for i in range(len(words) - size + 1):
        if (run := tuple(words[i : i + size])) in runs:
            return ("" if unspaced else " ").join(run)
    return None


def _has_sentences(text: str) -> bool:
    cased = [word for word in regex.findall(r"\p{L}+", text) if word.lower() != word.upper()]
    small = sum(word[0].islower() for word in cased)
    return len(cased) < 8 or small >= _SENTENCES * len(cased)


def _length(words: list[str]) -> float:
    return sum(0.5 if _UNSPACED.match(word) else 1 for word in words)


def _wanted(case: Case, limits: dict[str, Any]) -> _Wanted:
    facts = _expected.wordings(case, "facts")
    for key in case.expected:
        if key not in _KEYS and (near := get_close_matches(key, _KEYS, n=1, cutoff=0.8)):
            raise ValueError(f"expected has '{key}'; did you mean '{near[0]}'?")
    own = {name: case.expected.get(name) for name in _LIMITS}
    for name, most in own.items():
        if most is not None and (not isinstance(most, int | float) or not most > 0):
            raise ValueError(f"expected.{name} is {most!r}, which is no number above 0")
    language = case.expected.get("language")
    if language is not None and not re.fullmatch("[a-z]{2,3}", str(language)):
        raise ValueError(f"expected.language is {language!r}, not an ISO 639 code, like 'en'")
    given = case.input or case.text
    return _Wanted(
        facts,
        _texts(case, "forbidden"),
        _texts(case, "allowed"),
        language,
        {name: limits.get(name) if own[name] is None else own[name] for name in _LIMITS},
        given if isinstance(given, str) else "\n".join(map(str, given.values())),
    )


def _texts(case: Case, key: str) -> list[str]:
    found = case.expected.get(key) or []
    if not isinstance(found, list) or not all(isinstance(t, str) and t.strip() for t in found):
        raise ValueError(f"expected.{key} must be a list of texts")
    return found
