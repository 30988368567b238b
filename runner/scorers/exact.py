"""The answer is the expected text, spaces around it aside; of a list, any of the texts.

What does not matter is said by options: `case_sensitive: false`; `punctuation: false` (signs are
left out, but those in numbers); `quotes: false` (all kinds are one, and those around the answer are
left out); `spaces: false` (one blank is as good as another, or as several, or a line's end; unseen
characters don't count).
"""

import unicodedata

from runner.cases.cases import Case
from runner.config.schema import Task
from runner.record.outcomes import Reply, Score
from runner.scorers import _expected, _text
from runner.scorers._text import clip

PARTS = (_text, _expected)


def score(
    reply: Reply,
    case: Case,
    task: Task,
    *,
    key: str | None = None,
    case_sensitive: bool = True,
    punctuation: bool = True,
    quotes: bool = True,
    spaces: bool = True,
) -> Score:
    def form(text: str) -> str:
        # NFC: the same letter on screen may be one code point or two.
        text = unicodedata.normalize("NFC", text.strip())
        if not spaces:
            text = " ".join(_text.visible(text).split())
        if not quotes:
            text = text.translate(_text.QUOTES).replace('"', "'").strip("' ")
        if not punctuation:
            text = _without_signs(text)
        return text if case_sensitive else text.casefold()

    accepted = _expected.texts(case, key)
    read = form(reply.text)
    if any(read == form(text) for text in accepted):
        return Score(value=1, why=f"read '{clip(reply.text)}', as expected")
    differs = next(filter(None, (_text.difference(read, form(text)) for text in accepted)), "")
    return Score(
        value=0, why=f"read '{clip(reply.text)}', expected {_text.any_of(accepted)}{differs}"
    )


def check(case: Case, task: Task, *, key: str | None = None) -> str | None:
    return _expected.problem(lambda: _expected.texts(case, key))


def _without_signs(text: str) -> str:
    """Hyphens become blanks, other signs nothing; what makes another number of one is kept."""
    kept = []
    for before, char, after in zip(" " + text, text, text[1:] + " ", strict=False):
        kind = unicodedata.category(char)
        in_number = after.isdigit() and (before.isdigit() or kind == "Pd")
        if kind[0] != "P" or char in "%&@#" or in_number:
            kept.append(char)
        elif kind == "Pd":
            kept.append(" ")
    return " ".join("".join(kept).split())
