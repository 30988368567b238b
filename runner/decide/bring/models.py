"""Models of other tools as ours: by their id where we have it, else with a file of their own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from runner.config import paths
from runner.decide.bring.brought import Brought, OwnModel
from runner.decide.bring.sources import UNKNOWN, Part

_SNAPSHOT = r"-(\d{4}-\d{2}-\d{2}|\d{8}|\d{4})"
_ADDRESSES = ("apiBaseUrl", "apiHost", "baseURL", "base_url")
_SAMPLING = {
    "temperature": "temperature",
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "num_predict": "max_tokens",
    "top_p": "top_p",
    "topP": "top_p",
    "stop": "stop",
    "stopSequences": "stop",
    "reasoning_effort": "reasoning_effort",
}


@dataclass(frozen=True)
class Found:
    """Which model a name means."""

    option: str
    own: OwnModel | None = None
    pinned_as: str = ""  # where the name moves, and ours does not


def option_of(text: str) -> str:
    return re.sub(r"[^a-z0-9.-]+", "-", text.lower()).strip("-.") or "model"


def by_name(name: str, api_base: str | None = None, key_env: str | None = None) -> Found | str:
    """Of `openai:chat:gpt-6-luna` or litellm's `openai/gpt-6-luna`; or why it can't be had."""
    split = re.split(r"[:/]", name, maxsplit=1)
    prefix, rest = (split[0], split[1]) if len(split) == 2 else ("", name)
    if prefix in ("litellm", "localai"):
        return by_name(rest.removeprefix("chat:"), api_base, key_env)
    about = _table().get(prefix)
    if about is None:
        return "its provider has no file in conf/provider/: write one, and a model"
    word, colon, id = rest.partition(":")
    if word in about.get("other", ()):
        return f"{word} is no chat, which is all that is asked here"
    if not (colon and word in about.get("words", ())):
        id = rest
    if not id or id in about.get("words", ()):
        return "names no model: say its id"
    if api_base:
        own = OwnModel(option_of(id), id, f"at-{option_of(_host(api_base))}", api_base, key_env)
        return Found(own.option, own)
    return _ours(about["provider"], id)


def _ours(provider: str, id: str) -> Found:
    known = catalogue()
    if option := known.get((provider, id)):
        return Found(option)
    stem = re.escape(id.removesuffix("-latest"))
    dated = sorted(
        known_id
        for of, known_id in known
        if of == provider and re.fullmatch(stem + _SNAPSHOT, known_id)
    )
    if dated:
        return Found(known[provider, dated[-1]], pinned_as=dated[-1])
    option = option_of(id)
    if option in known.values():  # another id under that name
        option = f"{option}-{provider}"
    pinned = re.search(_SNAPSHOT + "$", id) or provider in ("ollama", "vllm")
    return Found(option, OwnModel(option, id, provider, unpinned=not pinned))


@cache
def catalogue() -> dict[tuple[str, str], str]:
    """The option of each of our single models by provider and id; none of a folder."""
    found: dict[tuple[str, str], str] = {}
    for file in sorted(paths.builtin("conf").glob("model/*.yaml")):
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
        of = tree.get("provider") or next(
            (
                each["/provider"]
                for each in tree.get("defaults") or ()
                if isinstance(each, dict) and "/provider" in each
            ),
            None,
        )
        if isinstance(of, str) and tree.get("id"):
            found.setdefault((of, str(tree["id"])), file.stem)
    return found


@cache
def _table() -> Mapping[str, Any]:
    table: dict[str, Any] = yaml.safe_load(
        Path(__file__).with_name("providers.yaml").read_text(encoding="utf-8")
    )
    return table


def _host(address: str) -> str:
    return re.sub(r"^\w+://", "", address).split("/")[0].split(":")[0]


def changed(found: Found) -> str:
    """What has become of it; nothing where it is one of ours as it stands."""
    if found.pinned_as:
        return f"the id moves: pinned as {found.pinned_as}"
    if found.own is None:
        return ""
    allowed = ", and allow_unpinned" if found.own.unpinned else ""
    return f"is none of ours: its file has context_tokens to look up, no price{allowed}"


class Candidates:
    """The providers of a promptfoo config, one after the other, and what they set alike."""

    def __init__(self, brought: Brought) -> None:
        self.brought = brought
        self.sampling: dict[str, list[tuple[Any, Part]]] = {}
        self.formats: list[tuple[Any, Part]] = []
        self.count = 0

    def add(self, part: Part) -> None:
        if isinstance(part.value, dict) and "id" not in part.value and len(part.value) == 1:
            [part] = part.parts()  # {"openai:gpt-6-luna": {config: …}}
            name, config = str(part.path[-1]), part.get("config")
        elif isinstance(part.value, dict):
            name, config = str(part.value.get("id")), part.get("config")
        else:
            name, config = str(part.value), None
        if name.startswith(("file://", "exec:", "python:", "http", "ws", "webhook")):
            part.leave(
                "is code, or an address with a contract of its own: a provider here "
                "speaks chat completions",
                "to write",
            )
            return
        settings = config.value if config and isinstance(config.value, dict) else {}
        address = next((settings[key] for key in _ADDRESSES if settings.get(key)), None)
        if isinstance(address, str) and "://" not in address:
            address = f"https://{address}/v1"
        key_env = settings.get("apiKeyEnvar")
        found = by_name(name, address, key_env)
        if isinstance(found, str):
            part.leave(found)
            return
        self._came(part, found)
        if config:
            self._settings(config)

    def _came(self, part: Part, found: Found) -> None:
        brought = self.brought
        self.count += 1
        if found.option not in brought.models:
            brought.models.append(found.option)
            if found.own:
                brought.own.append(found.own)
        if label := part.get("label"):
            label.leave("a candidate is called by its option of conf/model/")
        where, whole = part.get("id") or part, not isinstance(part.value, dict)
        if where is not part:
            whole = True
        if why := changed(found):
            where.leave(why, "changed", whole=whole)
        elif whole:
            where.take()

    def _settings(self, config: Part) -> None:
        if not config.value:
            config.take()
        for part in config.parts():
            key = str(part.path[-1])
            if key in _ADDRESSES or key == "apiKeyEnvar":
                part.take()
            elif key in _SAMPLING:
                self.sampling.setdefault(_SAMPLING[key], []).append((part.value, part))
            elif key == "reasoning" and isinstance(part.value, dict) and part.get("effort"):
                effort = part.get("effort")
                assert effort is not None
                self.sampling.setdefault("reasoning_effort", []).append((effort.value, effort))
            elif key == "response_format":
                self.formats.append((part.value, part))
            elif key in ("apiKey", "organization"):
                part.leave("keys are named by their variable, in conf/provider/, and never held")
            elif key == "systemPrompt" or key == "system":
                part.leave("a system prompt is the task's here, or a prompt's")
            else:
                part.leave(UNKNOWN)

    def shared(self) -> tuple[dict[str, Any], Any]:
        """What all of them set alike, as keys of a task's sampling, and an answer's format."""
        found = {}
        for key, given in self.sampling.items():
            if value := self._alike(given, key):
                found[key] = [value[0]] if key == "stop" and isinstance(value[0], str) else value[0]
        form = self._alike(self.formats, "the format of answers")
        return found, form[0] if form else None

    def _alike(self, given: list[tuple[Any, Part]], key: str) -> list[Any]:
        values = [value for value, _ in given]
        alike = len(given) == self.count and all(each == values[0] for each in values)
        for _, part in given:
            if alike:
                part.take()
            else:
                part.leave(f"{key} is the task's here, and not all providers say the same")
        return values[:1] if alike else []
