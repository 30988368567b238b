"""Text as the scorers look at it."""

import re
import unicodedata
from collections.abc import Sequence
from itertools import takewhile

# Scripts that put no space between words: Thai to Myanmar, Khmer, kana, Chinese characters, Hangul
# (Korean puts spaces, but glues its particles to a foreign word).
UNSPACED = (
    "\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\u1100-\u11ff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_BETWEEN = re.compile(f"(?<=[{UNSPACED}]) (?=[{UNSPACED}])")
# Of each sign one kind, however a keyboard or a word processor writes it.
QUOTES = str.maketrans(
    dict.fromkeys("‘’‚‛ʼ´′`", "'") | dict.fromkeys("“”„‟″«»", '"')  # noqa: RUF001
)
APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ", "'"))  # noqa: RUF001
DASHES = str.maketrans(dict.fromkeys("‐‑‒–—―−﹣－", "-"))  # noqa: RUF001


def clip(text: str, width: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def any_of(texts: Sequence[str]) -> str:
    return " or ".join(f"'{clip(text)}'" for text in texts)


def fold(text: str) -> str:
    """What is left when case, width of letters, ligatures and white space don't matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def simplify(text: str) -> str:
    """What is left when the kind of quotes and hyphens and unseen characters don't matter either,
    nor blanks in scripts that need none.
    """
    plain = fold(visible(text).translate(QUOTES).translate(DASHES))
    return plain if plain.isascii() else _BETWEEN.sub("", plain)


def visible(text: str) -> str:
    """Without characters that show nowhere: zero-width ones, soft hyphens, marks of direction."""
    if text.isascii():
        return text
    return "".join(char for char in text if unicodedata.category(char) != "Cf")


def difference(read: str, expected: str) -> str:
    """For a `why`: where two texts differ that a reader would take for the same; else nothing."""
    start = _shared(read, expected)
    left, right = read[start:], expected[start:]
    tail = _shared(left[::-1], right[::-1])
    near = (start + tail) * 2 >= max(len(read), len(expected))
    if read == expected or not (near or simplify(read) == simplify(expected)):
        return ""
    whole = clip(read) == read and clip(expected) == expected
    if whole and _is_seen(left[:1]) and _is_seen(right[:1]):
        return ""
    after = f" after '…{read[start - 20 : start]}'" if start > 20 else ""
    what = f"{_name(left[:1])} for {_name(right[:1])}"
    return f"; they differ at character {start + 1}{after}: {what}"


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _is_seen(char: str) -> bool:
    return not char or (char.isascii() and char.isprintable() and char != " ")


def _name(char: str) -> str:
    if not char:
        return "the end"
    if _is_seen(char):
        return f"'{char}'"
    return f"U+{ord(char):04X} {unicodedata.name(char, '(a control character)')}"


def words(text: str) -> list[str]:
    """The words of any script, without case; where a script has no spaces, its characters."""
    kept = "".join(
        char if unicodedata.category(char)[0] in "LNM" else " "
        for char in unicodedata.normalize("NFKC", text).casefold()
    )
    return _UNSPACED.sub(r" \g<0> ", kept).split()
