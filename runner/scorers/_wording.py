"""Whether an answer has a given wording, in the ways that people write it."""

import re
import unicodedata

import regex

from runner.scorers import _digits, _text
from runner.scorers._text import UNSPACED

_THOUSANDS = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,3}(?:([,' ])\d{3})(?:\1\d{3})*(?!\d)")
_LAKHS = re.compile(r"(?<!\d)(?<!\d[.,])\d{1,2}(?:,\d\d)+,\d{3}(?!,?\d)")
_POINTS = re.compile(r"(?<!\d)(?<!\d[.,])[1-9]\d{0,2}(?:\.\d{3})+(?![.,]?\d)")
# Neither digits nor the other side of a decimal mark; but 2024 is a part of 01.02.2024.
_NO_NUMBER_BEFORE = r"(?<!\d)(?<!(?<!\d|\d[.,])\d{1,30}[.,])"
_NO_NUMBER_AFTER = r"(?!\d)(?![.,]\d+(?![.,]?\d))"
_NO_LETTER_BEFORE = rf"(?<![^\W\d_{UNSPACED}])"
_PREFIXED = re.compile("[\u0590-\u08ff]")  # Hebrew and Arabic write "the" and "and" onto a word
_ARABIC = str.maketrans({"٫": ".", "٬": ",", "٪": "%"})  # noqa: RUF001
_PERCENT = re.compile(r"(?<=\d) ?(?:%|(?:" + "|".join(map(re.escape, _digits.PERCENT)) + r")\b)")
_UNIT = re.compile(rf"(?<=\d) (?=[{UNSPACED}])|(?<=[{UNSPACED}]) (?=\d)")
_HYPHEN = re.compile(r"(?<=\d)-(?=[^\W\d_])")
_MONTH = (
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)(?:(?<=jan)uary|(?<=feb)ruary|(?<=mar)ch"
    r"|(?<=apr)il|(?<=jun)e|(?<=jul)y|(?<=aug)ust|(?<=sep)t(?:ember)?|(?<=oct)ober"
    r"|(?<=nov|dec)ember)?\b\.?"
)
_DAY = r"(\d{1,2})(?:st|nd|rd|th)?(?![\w.,]?\d)"
_MONTH_RANGE = re.compile(rf"\b{_MONTH} {_DAY}( ?(?:to|and|until|through|-) ?){_DAY}(?! ?{_MONTH})")
_MONTH_DAY = re.compile(rf"\b{_MONTH} {_DAY}(?! ?{_MONTH})")
_DAY_MONTH = re.compile(rf"(?<!\d){_DAY} (?:of )?{_MONTH}")


def form(text: str) -> str:
    """What is left when case, white space, the width of letters, the kind of quotes and hyphens,
    the script of digits, separators of thousands and words for % don't matter.
    """
    plain = _ascii_digits(_UNIT.sub("", _text.simplify(text)))
    for grouped in (_LAKHS, _THOUSANDS):
        plain = grouped.sub(lambda match: re.sub(r"\D", "", match[0]), plain)
    return _PERCENT.sub("%", plain)


def loose_form(text: str) -> str:
    """Nor, beyond that, a point between thousands, a hyphen behind a number (30-day), or how a day
    of the year is written in English (June 2nd).
    """
    plain = _POINTS.sub(lambda match: match[0].replace(".", ""), form(text))
    plain = _HYPHEN.sub(" ", plain)
    plain = _MONTH_RANGE.sub(r"\2\3\4 \1", plain)
    return _DAY_MONTH.sub(r"\1 \2", _MONTH_DAY.sub(r"\2 \1", plain))


def holds(answer: str, wanted: str, *, inside: bool = True) -> bool:
    """Both are forms. No number is found inside another one; a word is inside a longer one, unless
    `inside` is false: then it has to begin there, but may have an ending.
    """
    before = _NO_NUMBER_BEFORE if wanted[:1].isdigit() else ""
    if not inside and wanted[:1].isalpha() and not _PREFIXED.match(wanted):
        before = _NO_LETTER_BEFORE
    after = _NO_NUMBER_AFTER if wanted[-1:].isdigit() else ""
    return regex.search(before + regex.escape(wanted) + after, answer) is not None


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    text = text.translate(_ARABIC)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)
