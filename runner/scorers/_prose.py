"""Reads which of some labels an answer in words gives.

The first of these that there is: the last mark (`Answer:`, `the answer is`, `\\boxed{`, `label:`,
"wait, it's …") with the label right after it, or a label alone on the last line; a label alone on
the first line; the last label that is said to be right; the one that begins a line as an option
does, `B) Paris`; the last conclusion ("so B", "I'd go with B"); the only label that is mentioned
and not denied or in doubt ("not spam", "cannot tell whether it is spam"). An answer that offers two
is undecided, and gives none. Labels of one or two letters are read in their own case alone, and no
article or noun's letter ("a dog", "vitamin C") is one.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import regex

from runner.scorers import _marks, _text
from runner.scorers._marks import FLAGS
from runner.scorers._text import UNSPACED, fold

_AROUND = " \t\r\n*_`~'\"“”„‘’«»()[]<>.,;:!。"  # noqa: RUF001 (they are meant)
_DECORATION = "#|{}>✅✓✔ \t"
_GAP = regex.compile(r"[\s_-]+")
_LATEX = regex.compile(r"\\(?:text|textbf|mathrm|mathbf|textrm|mathsf|operatorname)\s*\{([^{}]*)\}")
_SIGNS = regex.compile(r"\\([_#&%$])|\\[()\[\]]|\$")
_LIST = regex.compile(r"^(?:[-*•>+]|\d{1,2}[.)])\s+")
_NAMED = regex.compile(rf"^(?:option|choice|letter|answer|{_marks.KEY})\b[\s:*_=-]*", FLAGS)
_OPTION = regex.compile(r"\*{0,2}(?:[).:\]]|\ [-–—])\*{0,2}\s")  # noqa: RUF001
_GOES_ON = regex.compile(r"[*_`\"')\]]*[,.;:!–—(-]")  # noqa: RUF001
_ARTICLES = {"A", "I", "O", "E", "Y", "U"}  # words of one letter, in some language
_AFTER_ARTICLE = regex.compile(
    r"\s+(?!(?:is|was|would|seems|looks|fits|because|since|as|and|or|but|by|ist|weil|est|car)\b)"
    r"\p{Ll}"
)
_SMALL = regex.compile(r"\p{Ll}(?=\s*(?:$|[.,;:)\]}*_\"'`<]))(?!\.\w)", regex.MULTILINE)

# In characters; of an answer that goes on for ever only the head and the tail are looked at.
_NEAR, _LONG_SENTENCE, _HEAD, _TAIL = 100, 600, 10_000, 20_000

Claim = tuple[int, str | None]  # where an answer says what it is; None: that it can't tell


@dataclass(frozen=True)
class Reading:
    """`label` is None where an answer decides on none of those that it `mentioned`."""

    label: str | None
    mentioned: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Mention:
    start: int
    end: int
    label: str


def plain(text: str) -> str:
    """What is left of a label when case, quotes, Markdown and kinds of gaps don't matter."""
    return str(_GAP.sub(" ", fold(text).strip(_AROUND))).strip()


def whole(text: str, labels: Sequence[str]) -> str | None:
    """The label that all of a text is."""
    bare = _LIST.sub("", text.strip().strip(_DECORATION))
    for form in (text, bare, bare.strip(_DECORATION + _AROUND)):
        for candidate in (plain(form), plain(_NAMED.sub("", form.strip(_AROUND)))):
            for label in labels:
                if candidate == plain(label):
                    return label
    return None


class Prose:
    """An answer in prose, and the labels that stand in it."""

    def __init__(self, text: str, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.text = tidy(text)
        self._pattern, self._next_too, self._by_plain = _mention(labels)
        self.mentions = [
            _Mention(match.start(), match.end(), self._by_plain[plain(match["label"])])
            for match in self._pattern.finditer(self.text)
            if not self._is_article(match)
        ]
        self._starts = [each.start for each in self.mentions]
        self.lines = [line for line in self.text.splitlines() if line.strip(_AROUND + "-=")]

    def reading(self) -> Reading:
        mentioned = tuple(dict.fromkeys(each.label for each in self.mentions))
        if only := whole(self.text, self.labels):
            return Reading(only, (only,))
        if claims := sorted(self._marked(), key=lambda claim: claim[0]):
            return Reading(claims[-1][1], mentioned)
        label = self._alone(first=True) or self._said_right() or self._option()
        return Reading(label or self._concluded() or self._only(), mentioned)

    def _marked(self) -> Iterator[Claim]:
        for marks in (_marks.LABEL, _marks.LOOSE, _marks.CHANGE_OF_MIND):
            for mark in marks.finditer(self.text):
                if direct := self._after(mark.end()):
                    undecided = self._alternative(direct) or self._in_question(direct)
                    yield direct.start, None if undecided else direct.label
                elif marks is not _marks.CHANGE_OF_MIND:
                    yield from self._in_sentence(mark.end(), decisive=marks is _marks.LABEL)
        if last := self._alone(first=False):
            yield len(self.text), last

    def _in_sentence(self, start: int, *, decisive: bool) -> Iterator[Claim]:
        """What a mark's sentence says where no label follows it at once."""
        end = self._sentence_end(start)
        inside = self.mentions[self._index(start) : self._index(end)]
        left = {each.label for each in inside if self._stands(each) and self._is_meant(each)}
        if len(left) == 1:
            yield start, left.pop()
        elif decisive and (left or _marks.NO_ANSWER.search(self.text, start, end)):
            yield start, None

    def _alone(self, *, first: bool) -> str | None:
        line = self.lines[:1] if first else self.lines[-1:]
        return whole(line[0], self.labels) if line else None

    def _said_right(self) -> str | None:
        """As in: B is correct."""
        right = [
            each.label
            for each in self.mentions
            if _marks.SAYS_SO_AFTER.match(self.text, each.end) and self._stands(each)
        ]
        return right[-1] if right else None

    def _option(self) -> str | None:
        """The one label by which a line begins as an option does."""
        found = set()
        for each in self.mentions:
            line = self.text.rfind("\n", 0, each.start) + 1
            opens = not self.text[line : each.start].strip(_AROUND + _DECORATION + "-")
            ends = _OPTION.match(self.text, each.end)
            if opens and ends and self._stands(each):
                found.add(each.label)
        return found.pop() if len(found) == 1 else None

    def _concluded(self) -> str | None:
        for mark in reversed(list(_marks.CONCLUSION.finditer(self.text))):
            direct = self._after(mark.end())
            if direct and self._stands(direct) and not self._alternative(direct):
                return direct.label
        return None

    def _only(self) -> str | None:
        """The only one that stands, or one of some letters that opens an answer before its reasons:
        "Yes, there is no doubt".
        """
        left = list(
            dict.fromkeys(e.label for e in self.mentions if self._stands(e) and self._is_meant(e))
        )
        if len(left) < 2:
            return left[0] if left else None
        first = self.mentions[0]
        opens = not self.text[: first.start].strip(_AROUND)
        goes_on = _GOES_ON.match(self.text, first.end)
        if len(first.label) > 1 and opens and goes_on and not self._alternative(first):
            return first.label
        return None

    def _after(self, start: int) -> _Mention | None:
        """The label right after a mark; one letter may be a small one there."""
        small = _SMALL.match(self.text, _marks.FILL.match(self.text, start, start + _NEAR).end())
        if small and (label := self._by_plain.get(small[0])):
            return _Mention(small.start(), small.end(), label)
        following = self._next(start)
        if following and following.start < start + _NEAR:
            near = _marks.FILL.fullmatch(self.text, start, following.start)
            return following if near else None
        return None

    def _stands(self, each: _Mention) -> bool:
        """Whether a mention is neither denied nor in doubt."""
        if _marks.DENIED_AFTER.match(self.text, each.end) or self._in_question(each):
            return False
        start = max(0, each.start - _NEAR)
        for end in _marks.CLAUSE_END.finditer(self.text, start, each.start):
            start = end.end()
        before = self.text, start, each.start
        return not (_marks.DENIED_BEFORE.search(*before) or _marks.IN_DOUBT.search(*before))

    def _is_meant(self, each: _Mention) -> bool:
        """A letter after a noun is part of its name, as in vitamin C."""
        if len(each.label) > 1 or not each.label.isalpha() or self._alternative(each):
            return True
        before = self.text[max(0, each.start - 40) : each.start]
        return _marks.NAMING.search(before) is not None

    def _alternative(self, one: _Mention) -> bool:
        """Whether another label stands beside it as its equal: "A or B", "A, C", "A/B"."""
        if not self._next_too.match(self.text, one.end):
            return False
        other = self._next(one.end)
        if other is None or other.label == one.label:
            return False
        negative = _marks.DENIED_BEFORE.match(self.text, other.start)  # ham, not spam
        return not negative and not _marks.DENIED_AFTER.match(self.text, other.end)

    def _in_question(self, each: _Mention) -> bool:
        end = self._sentence_end(each.end)
        return self.text[end : end + 1] == "?"

    def _sentence_end(self, start: int) -> int:
        match = _marks.SENTENCE_END.search(self.text, start, start + _LONG_SENTENCE)
        return match.start() if match else len(self.text)

    def _next(self, start: int) -> _Mention | None:
        """The first label from a place on."""
        index = self._index(start)
        return self.mentions[index] if index < len(self.mentions) else None

    def _index(self, place: int) -> int:
        return bisect_left(self._starts, place)

    def _is_article(self, match: Any) -> bool:
        """A dog; but: option A, A is, A: a dog."""
        if match["label"] not in _ARTICLES or not _AFTER_ARTICLE.match(self.text, match.end()):
            return False
        before = self.text[max(0, match.start() - 20) : match.start()]
        return not regex.search(r"(?:option|choice|letter|answer)\s*$", before, FLAGS)


@lru_cache(maxsize=64)
def _mention(labels: tuple[str, ...]) -> tuple[Any, Any, dict[str, str]]:
    """Patterns of any of the labels as whole words, and of one that follows another as its equal;
    and the labels by what `plain` makes of them.
    """
    by_plain = {plain(label): label for label in reversed(labels)}
    # The longest first: "card" is a part of "card lost".
    choices = "|".join(map(_choice, sorted(by_plain.values(), key=len, reverse=True)))
    # A neighbour that makes it another word. In Japanese or Korean a label has no space around it.
    letter = rf"[^\W{UNSPACED}]|-"
    before = rf"(?<!{letter})(?<!\w')(?<!\d[.,])"
    after = rf"(?!{letter})(?!'\w)(?![.,]\d)(?:\s*(?:/|out\ of)\s*\d+)?"
    label = f"{before}(?P<label>{choices}){after}"
    return regex.compile(label, FLAGS), regex.compile(_marks.OR + label, FLAGS), by_plain


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
