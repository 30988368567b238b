"""Reads which of some labels an answer in words gives.

The first of these that there is: what the last change of mind comes to ("wait, it's B"); the last
mark (`Answer:`, `the answer is`, `\\boxed{`, `label:`) with the label right after it, or a label
alone on the last line, or in bold as its last sentence; a label alone on the first line; the last
label that is said to be right; the one that begins a line as an option does, `B) Paris`; the last
conclusion ("so B", "I'd go with B"); the only label that is mentioned and not denied or in doubt
("not spam", "cannot tell whether it is spam"). An answer that offers two, or takes one back without
another, is undecided, and gives none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from runner.scorers import _marks
from runner.scorers._mentions import AROUND, DECORATION, Mentions, whole

_OPTION = regex.compile(r"\*{0,2}(?:[).:\]]|\ [-–—])\*{0,2}\s")  # noqa: RUF001
_GOES_ON = regex.compile(r"[*_`\"')\]]*[,.;:!–—(-]")  # noqa: RUF001
_LAST_IN_BOLD = regex.compile(r"\p{L}{2}[.!]\s+(\*\*[^*]+\*\*|__[^_]+__)[.!]?\s*$")
_CLAIMS = _marks.IT_IS, _marks.CONCLUSION

Claim = tuple[int, str | None]  # where an answer says what it is; None: that it can't tell


@dataclass(frozen=True)
class Reading:
    """`label` is None where an answer decides on none of those that it `mentioned`."""

    label: str | None
    mentioned: tuple[str, ...] = ()


class Prose:
    """An answer in prose, and the labels that stand in it."""

    def __init__(self, text: str, labels: tuple[str, ...], *, is_tidy: bool = False) -> None:
        self.at = Mentions(text, labels, is_tidy=is_tidy)
        self.labels, self.text = labels, self.at.text
        self.lines = [line for line in self.text.splitlines() if line.strip(AROUND + "-=")]

    def reading(self) -> Reading:
        mentioned = tuple(dict.fromkeys(each.label for each in self.at.all))
        if only := whole(self.text, self.labels):
            return Reading(only, (only,))
        if claim := self._reconsidered() or self._last_marked():
            return Reading(claim[1], mentioned)
        label = self._alone(first=True) or self._said_right() or self._option()
        return Reading(label or self._concluded() or self._only(), mentioned)

    def _reconsidered(self) -> Claim | None:
        """What the last change of mind that says anything comes to."""
        end = len(self.text)
        for turn in reversed(list(self.at.turn.finditer(self.text))):
            part = Prose(self.text[turn.end() : end], self.labels, is_tidy=True)
            if claim := part._new_claim(takes_back=bool(turn["back"])):
                return turn.end() + claim[0], claim[1]
            end = turn.start()
        return None

    def _new_claim(self, *, takes_back: bool) -> Claim | None:
        """Of what follows a change of mind; a label that it only mentions is no claim, unless what
        came before is taken back.
        """
        if label := whole(self.text, self.labels):
            return 0, label
        starts = [0]
        starts += [m.end() for p in _CLAIMS for m in p.finditer(self.text)]
        said = (self.at.after(start) for start in starts)
        found: list[Claim] = [
            (each.start, None if self.at.alternative(each) else each.label)
            for each in said
            if each and self.at.stands(each) and self.at.closes(each)
        ]
        if marked := self._last_marked():
            found.append(marked)
        if found:
            return max(found, key=lambda claim: claim[0])
        if label := self._said_right():
            return 0, label
        if _marks.UNSURE.search(self.text):
            return 0, None
        return (0, self._only()) if takes_back else None

    def _last_marked(self) -> Claim | None:
        return max(self._marked(), key=lambda claim: claim[0], default=None)

    def _marked(self) -> Iterator[Claim]:
        for marks in (_marks.LABEL, _marks.LOOSE):
            for mark in marks.finditer(self.text):
                direct = self.at.after(mark.end())
                if direct and not self.at.is_wrong(direct):
                    undecided = self.at.alternative(direct) or self.at.in_question(direct)
                    yield direct.start, None if undecided else direct.label
                else:
                    yield from self._in_sentence(mark.end(), decisive=marks is _marks.LABEL)
        if last := self._alone(first=False):
            yield len(self.text), last

    def _in_sentence(self, start: int, *, decisive: bool) -> Iterator[Claim]:
        """What a mark's sentence says where no label follows it at once."""
        end = self.at.sentence_end(start)
        inside = self.at.within(start, end)
        left = {each.label for each in inside if self.at.stands(each) and self.at.is_meant(each)}
        if len(left) == 1:
            yield start, left.pop()
        elif decisive and (left or _marks.NO_ANSWER.search(self.text, start, end)):
            yield start, None

    def _alone(self, *, first: bool) -> str | None:
        line = self.lines[:1] if first else self.lines[-1:]
        if not line:
            return None
        last = None if first else _LAST_IN_BOLD.search(line[0])
        return whole(line[0], self.labels) or (whole(last[1], self.labels) if last else None)

    def _said_right(self) -> str | None:
        """As in: B is correct."""
        right = [
            each.label
            for each in self.at.all
            if _marks.SAYS_SO_AFTER.match(self.text, each.end) and self.at.stands(each)
        ]
        return right[-1] if right else None

    def _option(self) -> str | None:
        """The one label by which a line begins as an option does."""
        found = set()
        for each in self.at.all:
            line = self.text.rfind("\n", 0, each.start) + 1
            opens = not self.text[line : each.start].strip(AROUND + DECORATION + "-")
            ends = _OPTION.match(self.text, each.end)
            if opens and ends and self.at.stands(each):
                found.add(each.label)
        return found.pop() if len(found) == 1 else None

    def _concluded(self) -> str | None:
        for mark in reversed(list(_marks.CONCLUSION.finditer(self.text))):
            direct = self.at.after(mark.end())
            if direct and self.at.stands(direct) and not self.at.alternative(direct):
                return direct.label
        return None

    def _only(self) -> str | None:
        """The only one that stands, or one of some letters that opens an answer before its reasons:
        "Yes, there is no doubt".
        """
        left = list(
            dict.fromkeys(e.label for e in self.at.all if self.at.stands(e) and self.at.is_meant(e))
        )
        if len(left) < 2:
            return left[0] if left else None
        first = self.at.all[0]
        opens = not self.text[: first.start].strip(AROUND)
        goes_on = _GOES_ON.match(self.text, first.end)
        if len(first.label) > 1 and opens and goes_on and not self.at.alternative(first):
            return first.label
        return None
