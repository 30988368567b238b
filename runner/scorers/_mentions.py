"""Where an answer in words mentions some labels, and how: denied, in doubt, one of two, meant.

Labels of one or two letters are read in their own case alone, unless right after a mark; no article
or noun's letter ("a dog", "vitamin C") is one, nor is the "no" of "no doubt".
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from runner.scorers import _marks, _text
from runner.scorers._marks import FLAGS
from runner.scorers._text import UNSPACED, fold

AROUND = " \t\r\n*_`~'\"“”„‘’«»()[]<>.,;:!。"  # noqa: RUF001 (they are meant)
DECORATION = "#|{}>✅✓✔ \t"
_GAP = regex.compile(r"[\s_-]+")
_LATEX = regex.compile(r"\\(?:text|textbf|mathrm|mathbf|textrm|mathsf|operatorname)\s*\{([^{}]*)\}")
_SIGNS = regex.compile(r"\\([_#&%$])|\\[()\[\]]|\$")
_LIST = regex.compile(r"^(?:[-*•>+]|\d{1,2}[.)])\s+")
_NAMED = regex.compile(rf"^(?:option|choice|letter|answer|{_marks.KEY})\b[\s:*_=-]*", FLAGS)
_ARTICLES = {"A", "I", "O", "E", "Y", "U"}  # words of one letter, in some language
_CLOSES = regex.compile(
    r"[\s*_`\"')\]]*(?:$|[.,;:!)(–—-]|(?:is\ (?:right|correct)|because|since|as|then|instead|"  # noqa: RUF001
    r"after\ all|weil|denn|car|parce|porque)\b)",
    FLAGS,
)
_AFTER_NO = regex.compile(  # "no doubt" is no no
    r"\s+(?!(?:is|was|would|because|since|as|and|or|but|by|it|they|he|she|we|i|you|that|this|there|"
    r"these|those|not|if|when|unless|due|given|way|means|wait|sorry|porque|perché|pues|es|weil)\b)\p{Ll}"
)
_AFTER_ARTICLE = regex.compile(
    r"\s+(?!(?:is|was|would|seems|looks|fits|because|since|as|and|or|but|by|ist|weil|est|car)\b)"
    r"\p{Ll}"
)
_SMALL = regex.compile(r"\p{Ll}{1,2}(?=\s*(?:$|[.,;:)\]}*_\"'`<]))(?!\.\w)", regex.MULTILINE)

# In characters; of an answer that goes on for ever only the head and the tail are looked at.
_NEAR, _LONG_SENTENCE, _HEAD, _TAIL = 100, 600, 10_000, 20_000


@dataclass(frozen=True)
class Mention:
    start: int
    end: int
    label: str


def plain(text: str) -> str:
    """What is left of a label when case, quotes, Markdown and kinds of gaps don't matter."""
    return str(_GAP.sub(" ", fold(text).strip(AROUND))).strip()


def whole(text: str, labels: Sequence[str]) -> str | None:
    """The label that all of a text is."""
    bare = _LIST.sub("", text.strip().strip(DECORATION))
    for form in (text, bare, bare.strip(DECORATION + AROUND)):
        for candidate in (plain(form), plain(_NAMED.sub("", form.strip(AROUND)))):
            for label in labels:
                if candidate == plain(label):
                    return label
    return None


class Mentions:
    """An answer, and the labels that stand in it."""

    def __init__(self, text: str, labels: tuple[str, ...], *, is_tidy: bool = False) -> None:
        self.labels = labels
        self.text = text if is_tidy else tidy(text)
        self._pattern, self._next_too, self.turn, self._by_plain = _mention(labels)
        self.all = [
            Mention(match.start(), match.end(), self._by_plain[plain(match["label"])])
            for match in self._pattern.finditer(self.text)
            if not self._is_article(match)
        ]
        self._starts = [each.start for each in self.all]

    def within(self, start: int, end: int) -> list[Mention]:
        return self.all[self._index(start) : self._index(end)]

    def after(self, start: int) -> Mention | None:
        """The label right after a mark; letters may be small there."""
        small = _SMALL.match(self.text, _marks.FILL.match(self.text, start, start + _NEAR).end())
        if small and (label := self._by_plain.get(small[0])):
            return Mention(small.start(), small.end(), label)
        following = self._next(start)
        if following and following.start < start + _NEAR:
            near = _marks.FILL.fullmatch(self.text, start, following.start)
            return following if near else None
        return None

    def stands(self, each: Mention) -> bool:
        """Whether a mention is neither denied nor in doubt."""
        if _marks.DENIED_AFTER.match(self.text, each.end) or self.in_question(each):
            return False
        start = max(0, each.start - _NEAR)
        for end in _marks.CLAUSE_END.finditer(self.text, start, each.start):
            start = end.end()
        before = _marks.EMPHATIC.sub("", self.text[start : each.start])
        return not (_marks.DENIED_BEFORE.search(before) or _marks.IN_DOUBT.search(before))

    def is_meant(self, each: Mention) -> bool:
        """A letter after a noun is part of its name, as in vitamin C."""
        if len(each.label) > 1 or not each.label.isalpha() or self.alternative(each):
            return True
        before = self.text[max(0, each.start - 40) : each.start]
        return _marks.NAMING.search(before) is not None

    def alternative(self, one: Mention) -> bool:
        """Whether another label stands beside it as its equal: "A or B", "A, C", "A/B"."""
        if not self._next_too.match(self.text, one.end):
            return False
        other = self._next(one.end)
        if other is None or other.label == one.label:
            return False
        denied = _marks.DENIED_BEFORE.match(self.text, other.start, other.end)  # ham, not spam
        negative = denied and denied.end() < other.end
        return not negative and not _marks.DENIED_AFTER.match(self.text, other.end)

    def closes(self, each: Mention) -> bool:
        """Whether its clause ends with it."""
        return _CLOSES.match(self.text, each.end) is not None

    def is_wrong(self, each: Mention) -> bool:
        """Whether it is named as a wrong one: "A is wrong, B is right"."""
        denied = _marks.DENIED_AFTER.match(self.text, each.end)
        following = self._next(each.end)
        return bool(denied) and (following is None or denied.end() <= following.start)

    def in_question(self, each: Mention) -> bool:
        end = self.sentence_end(each.end)
        return self.text[end : end + 1] == "?"

    def sentence_end(self, start: int) -> int:
        match = _marks.SENTENCE_END.search(self.text, start, start + _LONG_SENTENCE)
        return match.start() if match else len(self.text)

    def _next(self, start: int) -> Mention | None:
        """The first label from a place on."""
        index = self._index(start)
        return self.all[index] if index < len(self.all) else None

    def _index(self, place: int) -> int:
        return bisect_left(self._starts, place)

    def _is_article(self, match: Any) -> bool:
        """A dog, no doubt; but: option A, A is, A: a dog."""
        if match["label"] in ("no", "No"):
            return _AFTER_NO.match(self.text, match.end()) is not None
        if match["label"] not in _ARTICLES or not _AFTER_ARTICLE.match(self.text, match.end()):
            return False
        before = self.text[max(0, match.start() - 20) : match.start()]
        return not regex.search(r"(?:option|choice|letter|answer)\s*$", before, FLAGS)


@lru_cache(maxsize=64)
def _mention(labels: tuple[str, ...]) -> tuple[Any, Any, Any, dict[str, str]]:
    """Patterns of any of the labels as whole words, of one that follows another as its equal, and
    of a change of mind; and the labels by what `plain` makes of them.
    """
    by_plain = {plain(label): label for label in reversed(labels)}
    # The longest first: "card" is a part of "card lost".
    choices = "|".join(map(_choice, sorted(by_plain.values(), key=len, reverse=True)))
    # A neighbour that makes it another word. In Japanese or Korean a label has no space around it.
    letter = rf"[^\W{UNSPACED}]|-"
    before = rf"(?<!{letter})(?<!\w')(?<!\d[.,])"
    after = rf"(?!{letter})(?!'\w)(?![.,]\d)(?:\s*(?:/|out\ of)\s*\d+)?"
    label = f"{before}(?P<label>{choices}){after}"
    return (
        regex.compile(label, FLAGS),
        regex.compile(_marks.OR + label, FLAGS),
        _marks.turn(rf"(?:{choices}){after}"),
        by_plain,
    )


def _choice(label: str) -> str:
    if len(label) > 2 or not label.isalpha():
        return r"[\s_-]+".join(map(regex.escape, plain(label).split()))
    forms = {label, label.capitalize()} if len(label) == 2 and label.islower() else {label}
    return f"(?-i:{'|'.join(map(regex.escape, sorted(forms)))})"


def tidy(text: str) -> str:
    """Text in which LaTeX and the forms of letters and apostrophes are out of the way."""
    if len(text) > _HEAD + _TAIL:
        text = f"{text[:_HEAD]}\n…\n{text[-_TAIL:]}"
    text = unicodedata.normalize("NFKC", _text.visible(text)).translate(_text.APOSTROPHES)
    return str(_SIGNS.sub(r"\1", _LATEX.sub(r"\1", text)))
