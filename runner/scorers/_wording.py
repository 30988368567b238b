"""Whether an answer has a given wording, in the ways that people write it."""

import re

import regex

from runner.scorers import _digits, _text
from runner.scorers._text import UNSPACED

# 10,000.00  10 000,50  10'000  10.000,00  1,00,000: with its decimals, which tell points apart.
_GROUPED = re.compile(
    r"(?<!\d)(?<!\d[.,])(?:(?P<whole>\d{1,3}(?:([,' ])\d{3})(?:\2\d{3})*|\d{1,2}(?:,\d\d)+,\d{3})"
    r"(?:[.,](?P<parts>\d+))?|(?P<points>\d{1,3}(?:\.\d{3})+),(?P<cents>\d+))(?![.,]?\d)"
)
_DIGIT = re.compile(r"\d")
_PARTED = re.compile(r"\d[,.' ]\d")  # without which a number has neither groups nor parts
_NO_PARTS = re.compile(r"(?<!\d)(?<!\d[.,])(\d+)[.,]0{1,2}(?![.,]?\d)")  # 5.00 is 5
_MONEY_PARTS = re.compile(r"(?<=[$€£¥₹])( ?\d+)[.,](\d*?[1-9])0+(?![.,]?\d)")  # $1.50 is $1.5
_POINTS = re.compile(r"(?<!\d)(?<!\d[.,])[1-9]\d{0,2}(?:\.\d{3})+(?![.,]?\d)")
# Neither digits nor the other side of a decimal mark; but 2024 is a part of 01.02.2024.
_NO_NUMBER_BEFORE = r"(?<!\d)(?<!(?<!\d|\d[.,])\d{1,30}[.,])(?<!(?:^|[\s(=:])-|\d\^)"
_NO_NUMBER_AFTER = r"(?!\d)(?![.,]\d+(?![.,]?\d))(?!\^\d|e[+-]?\d|(?:k|bn)\b)"
_NO_LETTER_BEFORE = rf"(?<![^\W\d_{UNSPACED}])"
_PREFIXED = re.compile("[\u0590-\u08ff]")  # Hebrew and Arabic write "the" and "and" onto a word
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
    plain = _text.simplify(_digits.clean(text).replace(_digits.AND, " "))
    if not _DIGIT.search(plain):
        return plain
    plain = _PERCENT.sub("%", plain if plain.isascii() else _UNIT.sub("", plain))
    if not _PARTED.search(plain):
        return plain
    return _MONEY_PARTS.sub(r"\1.\2", _NO_PARTS.sub(r"\1", _GROUPED.sub(_ungrouped, plain)))


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
    if not (before or after):
        return wanted in answer
    return regex.search(before + regex.escape(wanted) + after, answer) is not None


def _ungrouped(match: re.Match[str]) -> str:
    whole = re.sub(r"\D", "", match["whole"] or match["points"])
    parts = (match["parts"] or match["cents"] or "").rstrip("0")
    return f"{whole}.{parts}" if parts else whole
