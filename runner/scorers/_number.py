"""Finds the numbers in a text, in the ways that people and models write them; exactly.

1,234,567.5  1 234 567  1'234  12,34,567  1.234,5  1,5  -3  – 3  minus 3  $-5  18 %  3/4  1 1/2
2½  2\\frac{1}{2}  2.5e-3  10^5  3 * 10^5  1.2 million  3k  2bn  25万2000  ١٬٢٣٤٫٥  １２

A single comma before three digits separates thousands, a single point is a decimal point; where
`decimal` is "comma" it is the other way round, and where it is "point" a comma is never decimal.
"""  # noqa: RUF002

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Literal

import regex

from runner.scorers import _digits
from runner.scorers._digits import CJK, PERCENT, SCALES, SYMBOLS
from runner.scorers._text import UNSPACED

Mark = Literal["point", "comma"]
MARKS: tuple[Mark | None, ...] = (None, "point", "comma")

_SIGN = "[-+\u2212\u2013]"
_WORDS = (
    r"(?<!\d[ ]|\b\w[ ]|\b(?:al|pelo|ao|lo|au|du|le|de|o)[ ])"  # five minus 3, al menos 3
    rf"(?<![^\W{UNSPACED}])(?:minus|negative|moins|menos|meno|min)[ ]|マイナス|负|負"
)
_MOST = 300  # digits, and decimal places of a power: beyond it is no number that anybody means
_GROUPED = {  # mark of thousands, and of decimals after them
    None: r"[,' _.]",
    "point": r"[,' _]",
    "comma": r"[' _.]",
}
_DECIMALS = {
    None: r"(?P<comma>(?<!\d,)\d+,\d+)(?!,?\d)|(?P<point>\d+(?:\.\d+)?|(?<!\d)\.\d+)",
    "point": r"(?P<comma>(?!))|(?P<point>\d+(?:\.\d+)?|(?<!\d)\.\d+)",
    "comma": r"(?P<comma>(?<!\d,)\d+,\d+)(?!,?\d)|(?P<point>\d+(?:\.\d+)?|(?<!\d)\.\d+)",
}
_PART = {None: r"\d+(?:\.\d+)?", "point": r"\d+(?:\.\d+)?", "comma": r"\d+"}  # of a fraction


@dataclass(frozen=True)
class Number:
    """`readings` are what it may mean, with the scale of each: 18 % is 18 (1) or 0.18 (0.01)."""

    readings: tuple[tuple[Fraction, Fraction], ...]
    start: int
    end: int

    @property
    def values(self) -> tuple[Fraction, ...]:
        return tuple(value for value, _ in self.readings)

    def __str__(self) -> str:
        return " or ".join(map(shown, self.values))


def find(text: str, decimal: Mark | None = None) -> Iterator[Number]:
    """The text is one that `_digits.clean` has made plain."""
    for match in _pattern(decimal).finditer(text):
        value = _value(match, decimal)
        if value is not None:
            yield Number(_readings(match, value), match.start(), match.end())


def parse(text: str, decimal: Mark | None = None) -> Number | None:
    """The number that the whole text is."""
    text = _digits.clean(text.strip())
    found = next(find(text, decimal), None)
    return found if found and (found.start, found.end) == (0, len(text)) else None


def is_ambiguous(text: str) -> bool:
    """Whether a number is another one where the comma is the decimal mark."""
    both = parse(text, "point"), parse(text, "comma")
    return all(both) and both[0] != both[1] and parse(text) is not None


def shown(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)
    exact = Context(prec=30).divide(Decimal(value.numerator), Decimal(value.denominator))
    if Fraction(exact) == value and abs(exact) > Decimal("1e-12"):
        return f"{exact.normalize():f}"
    return f"{float(value):.12g}"


@lru_cache(maxsize=3)
def _pattern(decimal: Mark | None) -> Any:
    words = "|".join(map(regex.escape, sorted([*SCALES, *PERCENT], key=len, reverse=True)))
    symbols = "|".join(sorted(SYMBOLS, key=len, reverse=True))
    return regex.compile(
        rf"""
    (?P<sign>(?<![^\W{UNSPACED}])(?<![)\]}}%.,]){_SIGN}
    | (?<=[:=≈*][ ]?){_SIGN}[ ](?=[\d$€£¥]) | \A{_SIGN}[ ](?=[\d$€£¥.,' ]+%?\Z) | {_WORDS})?
    (?:[$€£¥₹₩₽][ ]?(?P<inner>{_SIGN})?)?
    (?<![A-Za-z_\d^√])(?<!\^\{{|\\sqrt\{{)        # neither CO2 nor m^2 has one
    (?:
      (?P<cjk>(?:\d[\d,.]{{0,30}}[ ]?[{CJK}]+)+\d*)
    | (?:(?P<whole>\d{{1,3}}[ ]|\d+{_digits.AND}))?
      (?<!/|\d[.,])(?P<top>{_PART[decimal]})[ ]?/[ ]?(?P<bottom>{_PART[decimal]})(?![\d/]|[.,]\d)
    | (?P<indian>\d{{1,2}}(?:,\d\d)+,\d{{3}}(?:\.\d+)?)(?![\d,]\d)
    | (?P<grouped>\d{{1,3}}(?P<mark>{_GROUPED[decimal]})\d{{3}}(?:(?P=mark)\d{{3}})*
      (?P<rest>(?!(?P=mark))[.,]\d+)?)(?!\d)
    | {_DECIMALS[decimal]}
    )
    (?!\d*\s?(?:\\pi\b|π|\\sqrt|√))               # 2π is no 2
    (?:[eE](?P<exponent>{_SIGN}?\d+)
    | \s?(?:[×x*·]|\\times|\\cdot)\s?10\s?\^\s?\{{?(?P<power>{_SIGN}?\d+)\}}?
    | \s?\^\s?\{{?(?P<raised>{_SIGN}?\d+)\}}?)?
    (?:(?P<symbol>{symbols})(?!\w)|\s?-?(?P<unit>%|(?i:{words})(?!\p{{Ll}})))?
    """,  # noqa: RUF001 (these are the signs that people write)
        regex.VERBOSE,
    )


def _readings(match: Any, value: Fraction) -> tuple[tuple[Fraction, Fraction], ...]:
    face = value, Fraction(1)
    if match["cjk"]:
        tokens = _digits.cjk_tokens(match["cjk"])
        return (face, (tokens[0][0], Fraction(1))) if len(tokens) == 1 else (face,)
    unit = match["symbol"] or (match["unit"] or "").casefold()
    scale = SYMBOLS.get(unit) or SCALES.get(unit) or (Fraction(1, 100) if unit else None)
    return (face,) if scale is None else (face, (value * scale, scale))


def _value(match: Any, decimal: Mark | None) -> Fraction | None:
    if len(match[0]) > _MOST:
        return None
    if match["cjk"]:
        value = sum(
            (number * scale for number, scale in _digits.cjk_tokens(match["cjk"])), Fraction()
        )
    elif match["top"]:
        whole = (match["whole"] or "0").rstrip(f" {_digits.AND}")
        bottom = Fraction(match["bottom"])
        if not bottom:
            return None
        value = int(whole) + Fraction(match["top"]) / bottom
    elif match["grouped"]:
        value = _grouped(match["grouped"], match["mark"], match["rest"] or "", decimal)
    elif match["comma"]:
        value = Fraction(match["comma"].replace(",", "."))
    else:
        value = Fraction((match["indian"] or match["point"]).replace(",", ""))
    power = match["exponent"] or match["power"] or match["raised"]
    if power:
        exponent = int(regex.sub("[\u2212\u2013]", "-", power))
        base = value if match["raised"] else Fraction(10)
        if abs(exponent) * max(1, len(str(base.numerator))) > _MOST or (not base and exponent < 0):
            return None
        value = base**exponent if match["raised"] else value * base**exponent
    negative = any(sign and not sign.startswith("+") for sign in (match["sign"], match["inner"]))
    return -value if negative else value


def _grouped(text: str, mark: str, rest: str, decimal: Mark | None) -> Fraction:
    """0,123 looks grouped, but its mark is a decimal one; so is that of 1.234 in doubt."""
    groups = text.removesuffix(rest)
    single = not rest and groups.count(mark) == 1 and mark in ".,"
    if single and (groups.startswith("0") or (mark == "." and decimal is None)):
        return Fraction(groups.replace(",", "."))
    return Fraction(groups.replace(mark, "") + rest.replace(",", "."))
