"""What a case expects, read in one way by every scorer."""

import json
from collections.abc import Callable
from typing import Any

from runner.cases.cases import Case
from runner.errors import did_you_mean


def value(case: Case, key: str | None = None) -> Any:
    """The whole of `expected`, or what stands at `key`.

    Raises ValueError saying what is wrong with the case.
    """
    if case.expected is None:
        raise ValueError("expected is missing")
    if key is None:
        return case.expected
    if not isinstance(case.expected, dict):
        raise ValueError(f"expected is no object, so it has no key '{key}'")
    if case.expected.get(key) is None:
        raise ValueError(f"expected has no '{key}'{did_you_mean(key, case.expected)}")
    return case.expected[key]


def text(case: Case, key: str | None = None) -> str:
    """The same as text; a number or a boolean as JSON writes it."""
    found = value(case, key)
    if isinstance(found, list):
        raise ValueError("expected must be text, but is a list")
    return _text(found)


def texts(case: Case, key: str | None = None) -> list[str]:
    """The same where a list holds several that are as good."""
    found = value(case, key)
    accepted = [_text(each) for each in (found if isinstance(found, list) else [found])]
    if not accepted:
        raise ValueError("expected is an empty list")
    return accepted


def wordings(case: Case, key: str | None = None) -> list[list[str]]:
    """What an answer is to have: of each, the wordings of which one is enough."""
    found = value(case, key)
    elements = found if isinstance(found, list) else [found]
    wanted = [each if isinstance(each, list) else [each] for each in elements]
    if not wanted or not all(wanted):
        raise ValueError("expected has an empty list")
    for text in (text for texts in wanted for text in texts):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"expected must be text or lists of texts, but has {text!r}")
    return wanted


def _text(found: Any) -> str:
    if isinstance(found, dict):
        raise ValueError("expected must be text, but is an object; name one of its keys by `key`")
    if isinstance(found, list) or found is None:
        raise ValueError(f"expected must be text, but holds {json.dumps(found)}")
    content = found if isinstance(found, str) else json.dumps(found)
    if not content.strip():
        raise ValueError("expected is empty")
    return content


def problem(read: Callable[[], object]) -> str | None:
    """For a scorer's `check`: what kept `read` from reading."""
    try:
        read()
    except ValueError as error:
        return str(error)
    return None
