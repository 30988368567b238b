"""The figures and the names of an answer that its source does not have."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import regex

from runner.scorers import _digits, _number, _text
from runner.scorers._number import Number

_DATE = regex.compile(r"(?<![\d.,])(\d{1,2})([./])(\d{1,2})(?:\2(\d{2,4})|\2(?!\d))")
_DAY = regex.compile(r"(?<![\d./])(\d{1,2})/(\d{1,2})(?!\d|[./]\d)")
_HOUR = regex.compile(r"(?<=\d) ?h ?(?=\d\d\b)")
_POINTED = regex.compile(r"(?<![\d.,])([01]?\d|2[0-3])\.([0-5]\d)(?!\d|[.,]\d)")
_CLOCK = regex.compile(r"\s?(?::\d\d|(?:h|uhr|óra|órakor)\b|[시時时点])", regex.IGNORECASE)
_SMALL = 12  # a text may spell whole numbers up to it, which are then no figures of its own
# A capital within a sentence: behind a word or a comma, and not after what may end a sentence.
_NAME = regex.compile(
    r"(?<=[\p{L}\p{M}\d,;)%][ ]|[(])(?<![.!?:\"][ ])"
    r"\p{Lu}[\p{L}\p{M}'-]*(?:[ ](?:of[ ])?\p{Lu}[\p{L}\p{M}'-]*)*"
)
_WORD = regex.compile(r"[\p{L}\p{M}]+")
_CAPITAL_NOUNS = {"de", "lb"}
_ACRONYM = 4  # letters: what the text may say in full
_UNITS = {"Ft", "Rs", "Fr", "Kč", "Tsd", "Mio", "Mrd"}


def figures(answer: str, source: str) -> list[str]:
    """Numbers that the source has neither in the same form nor in another (2.8 million, twenty);
    whole ones of up to 12 aside.
    """
    answer, source = _plain(answer), _plain(source)
    known = {
        value for mark in _number.MARKS for n in _number.find(source, mark) for value in n.values
    }
    known |= {-value for value in known}
    known |= {_digits.SPELT[w] for w in _WORD.findall(source.casefold()) if w in _digits.SPELT}
    answer = _as_the_source_has(answer, source, known)
    right = {
        number.start
        for mark in _number.MARKS
        for number in _number.find(answer, mark)
        if any(v in known or (v.denominator == 1 and 0 <= v <= _SMALL) for v in number.values)
        or _is_afternoon(answer, number, known)
    }
    found = [n for n in _number.find(answer) if n.start not in right]
    return list(dict.fromkeys(answer[n.start : n.end].strip() for n in found))


def _as_the_source_has(answer: str, source: str, known: set[Fraction]) -> str:
    """The answer with a day as 22/7 and a time as 7.15 taken apart, where the source has them."""

    def day(match: Any) -> str:
        both = {Fraction(match[1]), Fraction(match[2])} <= known
        return f" {match[1]} {match[2]} " if both else str(match[0])

    def time(match: Any) -> str:
        plain = f"{match[1]}:{match[2]}"
        return plain if regex.search(rf"(?<!\d){plain}(?!\d)", source) else str(match[0])

    return str(_POINTED.sub(time, _DAY.sub(day, answer)))


def _is_afternoon(answer: str, number: Number, known: set[Fraction]) -> bool:
    """Whether it is an hour that the source has by the clock of twelve hours: 22:00, 10 p.m."""
    late = {value - 12 for value in number.values if 12 < value <= 24}
    return bool(late & known) and _CLOCK.match(answer, number.end) is not None


def names(answer: str, source: str, language: str) -> list[str]:
    """Words with a capital within a sentence, none of which the source has in any case or with
    another ending. Acronyms are left out, and so are languages in which all nouns have a capital.
    """
    if language in _CAPITAL_NOUNS:
        return []
    answer, source = (_text.visible(text).translate(_text.QUOTES) for text in (answer, source))
    known = {word.casefold() for word in _WORD.findall(source)}
    stems = {word[:5] for word in known if len(word) >= 5}
    return list(dict.fromkeys(_unknown(answer, known, stems)))


def _unknown(answer: str, known: set[str], stems: set[str]) -> Iterator[str]:
    for line in answer.splitlines():
        for name in _NAME.findall(" ".join(line.split())):
            words = [word.casefold() for word in _WORD.findall(name)]
            if (name.isupper() and len(name) <= _ACRONYM) or name in _UNITS:
                continue
            if not any(_is_known(word, known, stems) for word in words if len(word) > 1):
                yield name


def _is_known(word: str, known: set[str], stems: set[str]) -> bool:
    if word in known or word[:5] in stems:
        return True
    stem = word[: max(3, len(word) - 1)]  # Anna, Anny
    return any(other.startswith(stem) and len(other) <= len(word) + 2 for other in known)


def _plain(text: str) -> str:
    dates = _DATE.sub(r" \1 \3 \4 ", _digits.clean(text))
    return str(_HOUR.sub(":", dates))
