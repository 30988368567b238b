"""Finds the numbers in a text, in the ways that people and models write them.

1,234,567.5  1 234 567  1'234  12,34,567  1.234,5  1,5  -3  $-5  18 %  3/4  1 1/2  2.5e-3  10^5
3 * 10^5  1.2 million. A single comma before three digits separates thousands, a single point is a
decimal point.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

_SIGN = "[-+\u2212\uff0d]"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{(\d+)\}\s*\{(\d+)\}"), r"\1/\2"),
    (re.compile(r"\{,\}|,\\!"), ","),
    (re.compile(r"\\[,;: ]"), " "),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"10([⁻⁰¹²³⁴-⁹]+)"), lambda match: "10^" + match[1].translate(_SUPERSCRIPTS)),
)
_NUMBER = re.compile(
    rf"""
    (?P<sign>(?<![\w)\]}}%.,]){_SIGN})?           # a sign, not the minus of 10-5
    (?:[$€£¥₹]\s?(?P<inner>{_SIGN})?)?
    (?<![A-Za-z_\d^])(?<!\^\{{)                    # neither CO2 nor m^2 has one
    (?:
      (?:(?P<whole>\d{{1,3}})[ ])?
      (?<!/)(?P<top>\d+)\s?/\s?(?P<bottom>0*[1-9]\d*)(?![\d/]|[.,]\d)
    | (?P<indian>\d{{1,2}}(?:,\d\d)+,\d{{3}}(?:\.\d+)?)(?![\d,]\d)
    | (?P<grouped>\d{{1,3}}(?P<mark>[,.'’ \u00a0\u2009\u202f_])\d{{3}}(?:(?P=mark)\d{{3}})*
      (?P<rest>(?!(?P=mark))[.,]\d+)?)(?!\d)
    | (?P<comma>(?<!\d,)\d+,\d+)(?!,?\d)          # but 1,2,3 is a list
    | (?P<point>\d+(?:\.\d+)?|(?<!\d)\.\d+)
    )
    (?:[eE](?P<exponent>{_SIGN}?\d+)
    | \s?(?:[×x*·]|\\times|\\cdot)\s?10\s?\^\s?\{{?(?P<power>{_SIGN}?\d+)\}}?
    | \s?\^\s?\{{?(?P<raised>{_SIGN}?\d+)\}}?)?
    (?:\s?(?P<unit>%|(?:percent|per\ cent|thousand|million|billion|trillion)\b))?
    """,  # noqa: RUF001 (these are the signs that people write)
    re.VERBOSE,
)
_UNITS = {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12}
_PERCENT = 0.01


@dataclass(frozen=True)
class Number:
    """`values` holds what it may mean: 18 % is 18 or 0.18, 2 million is 2 or 2000000."""

    values: tuple[float, ...]
    start: int
    end: int

    def __str__(self) -> str:
        return " or ".join(f"{value:.12g}" for value in self.values)


def clean(text: str) -> str:
    """Numbers in LaTeX as plain text; `find` counts its places in the result."""
    for pattern, plain in _LATEX:
        text = pattern.sub(plain, text)
    return text


def find(text: str) -> Iterator[Number]:
    for match in _NUMBER.finditer(text):
        if math.isfinite(value := _value(match)):
            values = [value]
            if unit := match["unit"]:
                values.append(value * _UNITS.get(unit, _PERCENT))
            yield Number(tuple(values), match.start(), match.end())


def parse(text: str) -> Number | None:
    """The number that the whole text is."""
    text = clean(text.strip())
    found = next(find(text), None)
    return found if found and (found.start, found.end) == (0, len(text)) else None


def _value(match: re.Match[str]) -> float:
    if match["top"]:
        value = float(match["whole"] or 0) + _float(match["top"]) / _float(match["bottom"])
    elif match["grouped"]:
        value = _grouped(match["grouped"], match["mark"], match["rest"] or "")
    elif match["comma"]:
        value = _float(match["comma"].replace(",", "."))
    else:
        value = _float((match["indian"] or match["point"]).replace(",", ""))
    if power := match["exponent"] or match["power"]:
        value = _float(f"{value!r}e{_ascii(power)}")
    if match["raised"]:
        value = _raise(value, _ascii(match["raised"]))
    negative = any(sign and sign != "+" for sign in (match["sign"], match["inner"]))
    return -value if negative else value


def _grouped(text: str, mark: str, rest: str) -> float:
    """1.234 and 0,123 look grouped, but their mark is a decimal one."""
    groups = text.removesuffix(rest)
    decimal = not rest and groups.count(mark) == 1
    if decimal and (mark == "." or (mark == "," and groups.startswith("0"))):
        return _float(groups.replace(",", "."))
    return _float(groups.replace(mark, "") + rest.replace(",", "."))


def _float(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _raise(base: float, power: str) -> float:
    try:
        return math.pow(base, float(power))
    except (OverflowError, ValueError):
        return math.nan


def _ascii(text: str) -> str:
    return re.sub("[\u2212\uff0d]", "-", text)
