"""One reading of an answer: what the model thought aloud is taken off, then the fence of its JSON.

Scorers, metrics, checks, classifiers, judges and production read answers through here, and nowhere
else, so that what was measured is what is served. A model's `reasoning_tags` and a task's `fenced`
are the settings.
"""

import re
from collections.abc import Iterator
from json import JSONDecodeError
from typing import Any

from runner.cases import strict_json

Tags = tuple[str, str] | None  # what opens and closes reasoning; None: nothing is taken off

_FENCE = re.compile(
    r"^[ \t]*(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+#-]*)[^\n`]*\n"
    r"(?P<body>.*?)(?:^[ \t]*(?P=mark)[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
_INLINE = re.compile(r"(?P<mark>`+)(?:json\b)?(?P<body>[^`\n]+)(?P=mark)", re.IGNORECASE)


def without_reasoning(text: str, tags: Tags) -> tuple[str, str]:
    """The answer, and the reasoning that was taken off it.

    Reasoning opens the text, and ends at its closing tag or, cut off, with the text. The opening
    tag may be missing, since some prompts end with it. Tags further on are part of the answer.
    """
    if tags is None:
        return text, ""
    opening, closing = tags
    thoughts: list[str] = []
    answer = text
    while (rest := answer.lstrip()).startswith(opening):
        thought, _, answer = rest.removeprefix(opening).partition(closing)
        thoughts.append(thought.strip())
    if not thoughts and (end := _lone(text, opening, closing)) is not None:
        thoughts, answer = [text[:end].strip()], text[end + len(closing) :]
    return (answer.lstrip(), "\n\n".join(thoughts)) if thoughts else (text, "")


def _lone(text: str, opening: str, closing: str) -> int | None:
    """Where a closing tag stands that nothing opens, and that is no quoted text."""
    end = text.find(closing)
    if end < 0 or 0 <= text.find(opening) < end:
        return None
    around = text[end - 1 : end] + text[end + len(closing) : end + len(closing) + 1]
    if set(around) & set("`'\"") or is_json(text, fenced=False):
        return None
    return end


class Pieces:
    """The same for an answer that comes in pieces: hands on what is known to be answer.

    That a closing tag without an opening one comes can't be known; what stands before it was
    handed on by then, and only the whole answer is without it.
    """

    def __init__(self, tags: Tags) -> None:
        self._opening, self._closing = tags or ("", "")
        self._held = ""
        self._open = False  # inside of reasoning
        self._begun = tags is None  # the answer has
        self._off = False

    def feed(self, piece: str) -> str:
        """What can be handed on now."""
        if self._begun:
            return piece
        self._held += piece
        while not self._begun:
            if self._open:
                thought, closed, rest = self._held.partition(self._closing)
                if not closed:
                    self._held = thought[-len(self._closing) :]
                    return ""
                self._open, self._off, self._held = False, True, rest
            bare = self._held.lstrip()
            if bare.startswith(self._opening):
                self._open, self._held = True, bare.removeprefix(self._opening)
            elif self._opening.startswith(bare):
                return ""
            else:
                self._begun = True
        return self.end()

    def end(self) -> str:
        """What was held back since it could have become a tag."""
        held, self._held = self._held, ""
        if self._open:
            return ""
        return held.lstrip() if self._off else held


def fences(text: str) -> Iterator[tuple[str, str]]:
    """Language and body of each Markdown code block; an answer cut off may leave one open."""
    for match in _FENCE.finditer(text):
        yield match["language"].lower(), match["body"]


def as_json(text: str, *, fenced: bool) -> tuple[Any, bool]:
    """The JSON value that an answer is, and whether it stood in a fence.

    `fenced` accepts an answer whose only Markdown code block, or all of which in backticks, is the
    JSON. Raises ValueError saying why it is none.
    """
    text = text.removeprefix("\ufeff").strip()
    inside = _unfenced(text) if fenced else None
    if not (inside or text).strip():
        raise ValueError("not JSON: the answer is empty")
    try:
        return strict_json.loads(text if inside is None else inside), inside is not None
    except JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise ValueError(f"not JSON: {error.msg.removesuffix(' at')} at {where}") from None
    except ValueError as error:
        raise ValueError(f"not JSON: {error}") from None


def is_json(text: str, *, fenced: bool) -> bool:
    try:
        as_json(text, fenced=fenced)
    except ValueError:
        return False
    return True


def _unfenced(text: str) -> str | None:
    """What stands in the one fence; what begins as JSON has none around it."""
    if text.startswith(("{", "[", '"')):
        return None
    if whole := _INLINE.fullmatch(text):
        return whole["body"]
    blocks = [body for _, body in fences(text)]
    return blocks[0] if len(blocks) == 1 else None
