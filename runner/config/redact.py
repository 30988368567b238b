"""Keys never reach the disk or the terminal: their known values are replaced in every text.

Values, not patterns: a provider may echo the key in any wording, and a text that merely looks like
a key is the user's data.
"""

import json
import os
import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from runner.config.schema import Provider, Single

_MARK = "[redacted]"
_known: set[str] = set()
_named = set[str]()  # variables that hold a key, as the files of conf/ say
_AT_LEAST = 8  # characters of a key: a shorter one would stand in texts by chance
_PLACEHOLDERS = {"", "EMPTY", "dummy", "empty", "fake", "local", "none", "null", "ollama", "test"}
_NAMES = re.compile(r"""\bapi_key_env\s*[:=]\s*["']?([A-Z_][A-Z0-9_]*)""")


def learn(folders: Iterable[Path | None], overrides: Iterable[str] = ()) -> None:
    """Know the value of every `api_key_env` in the files of some config folders, and in overrides.

    It is called before anything is composed, written or printed: which of them is used is not
    known yet, and a key may stand where none belongs.
    """
    texts = list(overrides)
    for folder in filter(None, folders):
        for file in folder.rglob("*.yaml"):
            try:
                texts.append(file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue  # whoever composes it says so
    _named.update(name for text in texts for name in _NAMES.findall(text))
    for name in _named:
        remember(_value(name))


def missing_key(model: Single, where: str) -> str | None:
    """What to say when the environment lacks what a model's provider needs: most often a key."""
    provider = model.provider
    if name := unset(model):
        what = "a key" if name == provider.api_key_env else "an address"
        return f"{where}: {model.name} needs {what}: set {name} in the environment"
    name = provider.api_key_env
    key = os.environ.get(name, "").strip() if name else ""
    if key and key[0] in "'\"" and key[-1] == key[0]:
        return f"{where}: the key in {name} stands in quotes, which are sent with it: take them off"
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        return f"{where}: the key in {name} has characters that no header takes: copy it once more"
    if key and len(key) < _AT_LEAST and key not in _PLACEHOLDERS:
        return (
            f"{where}: the key in {name} has under {_AT_LEAST} characters: records could not be "
            f"kept clear of it; where a server takes any, write one of "
            f"{', '.join(sorted(_PLACEHOLDERS - {''}))}"
        )
    if extra := _missing_extra(provider):
        return f"{where}: {model.name} needs an extra: pip install 'llm-decision-runner[{extra}]'"
    return None


def unset(model: Single) -> str | None:
    """The name of the variable that is to be set before a model can be asked."""
    provider = model.provider
    address = None if provider.api_base else provider.api_base_env
    names = [name for name in (provider.api_key_env, address) if name]
    return next((name for name in names if not os.environ.get(name, "").strip()), None)


def _missing_extra(provider: Provider) -> str | None:
    """The optional dependency that a cloud's credentials take."""
    if provider.signs:
        return None if find_spec("botocore") else "bedrock"
    if provider.credentials == "google" and not (provider.api_key_env and provider.project):
        return None if find_spec("google") and find_spec("google.auth") else "vertex"
    return None


def api_key(model: Single) -> str | None:
    """The key from the environment, remembered so that it is scrubbed from now on."""
    name = model.provider.api_key_env
    value = os.environ.get(name, "").strip() if name else None
    if value:
        remember(value)
    return value or None


def remember(secret: str) -> None:
    """Scrub it from now on: as it stands in a text, inside a JSON string, and inside one that is
    itself part of a JSON string, as the arguments of a tool's call are.
    """
    if len(secret) >= _AT_LEAST:  # placeholders would garble texts
        within = json.dumps(secret)[1:-1]
        _known.update({secret, within, json.dumps(within)[1:-1]})


def key_in(text: str) -> str | None:
    """The name of the variable whose value, a key by that name, stands in a text."""
    for name in sorted(_named):
        if value := _value(name):
            if len(value) < _AT_LEAST and value not in _PLACEHOLDERS:
                if re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text):
                    return name
            elif len(value) >= _AT_LEAST and value in text:
                return name
    for name, value in os.environ.items():
        secret = name.endswith(("_API_KEY", "_TOKEN", "_SECRET")) or "_TOKEN_" in name
        if secret and len(value) >= _AT_LEAST and value in text:
            return name
    return None


def _value(name: str) -> str:
    """Of a variable, without what surrounds a key by mistake."""
    return os.environ.get(name, "").strip().strip("'\"")


def know(models: Iterable[Single]) -> None:
    for model in models:
        api_key(model)


def redact(text: str) -> str:
    for value in sorted(_known, key=len, reverse=True):  # one key may begin another
        text = text.replace(value, _MARK)
    return text
