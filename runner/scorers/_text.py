"""Text as the scorers look at it."""

import re
import unicodedata
from collections.abc import Iterator

# Scripts that put no space between words: Thai to Myanmar, Khmer, kana, Chinese characters, Hangul
# (Korean puts spaces, but glues its particles to a foreign word).
UNSPACED = (
    "\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\u1100-\u11ff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+#-]*)[^\n`]*\n"
    r"(?P<body>.*?)(?:^[ \t]*(?P=mark)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)


def clip(text: str, width: int = 80) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def fold(text: str) -> str:
    """What is left when case, width of letters, ligatures and white space don't matter."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def words(text: str) -> list[str]:
    """The words of any script, without case; where a script has no spaces, its characters."""
    kept = "".join(
        char if unicodedata.category(char)[0] in "LNM" else " "
        for char in unicodedata.normalize("NFKC", text).casefold()
    )
    return _UNSPACED.sub(r" \g<0> ", kept).split()


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Language and body of each Markdown code block; an answer cut off may leave one open."""
    for match in _FENCE.finditer(text):
        yield match["language"].lower(), match["body"]
