"""Which of litellm's prefixes work here, as prefixes.yaml has them."""

from difflib import get_close_matches
from functools import cache
from pathlib import Path

import yaml


def openai_package() -> frozenset[str]:
    """Those whose requests the openai package posts, which takes a session for streams, too."""
    return frozenset(_table()["openai_package"])


def working() -> list[str]:
    return sorted(name for names in _table().values() for name in names)


def unworkable(prefix: str) -> str | None:
    """Why a request of it could not be seen, or its answer not be read."""
    choices = working()
    if prefix in choices:
        return None
    near = get_close_matches(prefix, choices, n=1)
    return (
        f"provider.litellm: '{prefix}' is none of litellm's prefixes that work here"
        + (f"; did you mean '{near[0]}'?" if near else "")
        + f"; there is: {', '.join(choices)}; a host that speaks OpenAI's format: hosted_vllm"
    )


@cache
def _table() -> dict[str, list[str]]:
    table: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_bytes())
    return table
