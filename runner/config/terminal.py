"""What a terminal is told: nothing that it would obey, and no key."""

import re
import sys

# Control characters, the ones that turn the direction of writing, and halves of characters.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_COLOURS = re.compile(r"(\x1b\[[0-9;]*m)")


_LONGEST = 2000  # characters of a line that is said; what somebody typed may be endless


def clean(text: str) -> str:
    """Text that a terminal prints and does not obey."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def coloured(drawn: str) -> str:
    """The same of what has colours of ours in it."""
    return "".join(
        part if place % 2 else clean(part) for place, part in enumerate(_COLOURS.split(drawn))
    )


def for_stdout(text: str) -> str:
    """As it is for a file or a pipe, where data is data."""
    return clean(text) if sys.stdout.isatty() else text


def say(text: str) -> None:
    """On stderr, each line of it."""
    from runner.config.redact import redact

    for line in map(clean, redact(text).splitlines()):
        said = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
        print(f"runner: {said}", file=sys.stderr)
