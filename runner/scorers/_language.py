"""Which language a text is in."""

from functools import cache
from threading import Lock
from typing import Any

_ONE_AT_A_TIME = Lock()  # two threads would load it twice


def detect(text: str) -> str:
    """The most likely one, by its ISO 639 code."""
    return str(_identifier().rank(text)[0][0])


def likelihood(text: str, language: str) -> float:
    """How likely, from 0 to 1, it is that language and no other. Raises ValueError for an unknown
    one.
    """
    of = dict(_identifier().rank(text))
    if language not in of:
        raise ValueError(f"no language '{language}'; there is: {', '.join(sorted(of))}")
    return float(of[language])


def _identifier() -> Any:
    with _ONE_AT_A_TIME:
        return _load()


@cache
def _load() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # brings numpy and 4 MB of model

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
