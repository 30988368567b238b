"""Keys never reach the disk or the terminal: their known values are replaced in every text.

Values, not patterns: a provider may echo the key in any wording, and a text that merely looks like
a key is the user's data.
"""

import json
import os
from collections.abc import Iterable

from runner.config.schema import Single

_MARK = "[redacted]"
_known: set[str] = set()


def missing_key(model: Single, where: str) -> str | None:
    """What to say when the environment lacks the key that a model's provider needs."""
    name = model.provider.api_key_env
    key = os.environ.get(name, "").strip() if name else None
    if key == "":
        return f"{where}: {model.name} needs a key: set {name} in the environment"
    if key and key[0] in "'\"" and key[-1] == key[0]:
        return f"{where}: the key in {name} stands in quotes, which are sent with it: take them off"
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        return f"{where}: the key in {name} has characters that no header takes: copy it once more"
    return None


def api_key(model: Single) -> str | None:
    """The key from the environment, remembered so that it is scrubbed from now on."""
    name = model.provider.api_key_env
    value = os.environ.get(name, "").strip() if name else None
    if value:
        remember(value)
    return value or None


def remember(secret: str) -> None:
    """Scrub it from now on: as it stands in a text, and as it stands inside a JSON string."""
    if len(secret) >= 8:  # "EMPTY" and "none" are placeholders, and would garble texts
        _known.update({secret, json.dumps(secret)[1:-1]})


def key_in(text: str) -> str | None:
    """The name of the variable whose value, a key by that name, stands in a text."""
    for name, value in os.environ.items():
        if name.endswith(("_API_KEY", "_TOKEN", "_SECRET")) and len(value) >= 8 and value in text:
            return name
    return None


def know(models: Iterable[Single]) -> None:
    for model in models:
        api_key(model)


def redact(text: str) -> str:
    for value in sorted(_known, key=len, reverse=True):  # one key may begin another
        text = text.replace(value, _MARK)
    return text
