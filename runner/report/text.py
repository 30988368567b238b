"""Text that nobody here wrote, made harmless: what a model says may be anything.

In a report it must not become a table, a heading, a link, HTML or a message to the terminal.
"""

import json
import re
from typing import Any

from runner.config.terminal import clean

CLIP = 500  # characters of a text that a report shows

# What Markdown gives a meaning to; `_` inside a word has none, nor has `$` before a digit.
_MARKDOWN = re.compile(r"[\\`*\[\]<>&|~@#]|\$(?!\d)|(?<![^\W_])_|_(?![^\W_])|(?<=www)\.|:(?=//)")
# At the start of a line, also of an item of a list: a list, a heading or a rule of its own.
_OPENING = re.compile(r"^\d{0,9}([-+=.)])(?=\s|$|[-=\s]+$)")


class Markdown(str):
    """Markdown on purpose: the templates print it as it is, and escape every other string."""

    __slots__ = ()


def line(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


def inline(text: str) -> Markdown:
    """Text for a table cell or a sentence; entities, since they never form Markdown."""
    found = _MARKDOWN.sub(lambda match: f"&#{ord(match[0])};", line(text))
    if opening := _OPENING.match(found):
        at = opening.start(1)
        found = f"{found[:at]}&#{ord(found[at])};{found[at + 1 :]}"
    return Markdown(found)


def fenced(value: Any) -> Markdown:
    """A code block; its fence is longer than any run of backticks inside."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    text = clip(clean(text))
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markdown(f"{fence}text\n{text}\n{fence}")


def clip(text: str, limit: int = CLIP) -> str:
    """Start and end of a long text: the end of a prompt is where its case stands."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters …]\n{text[-half:]}"
