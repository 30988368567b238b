"""litellm as a compiler: what it would send is caught once per kind of request, and kept.

What differs from case to case is text. So litellm is given marker texts once for each model,
parameters and roles of messages; where they landed in its request the texts of a case go from then
on. A template is believed only when it gives, byte for byte, what litellm itself makes of other
texts: of other lengths and scripts, with quotes and line ends, an address, a number. Where it does
not, litellm goes on sending by itself, and the record says why.
"""

import hashlib
import json
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from runner.calls import clouds
from runner.calls.clouds import NO_KEY
from runner.calls.failures import first_line
from runner.calls.translate import ENVIRONMENT, Caught, caught, check_parameters
from runner.config.paths import cache_dir
from runner.config.schema import Single
from runner.errors import ConfigError

Catch = Callable[..., Caught]

_LOOKED_AT = ("LITELLM", "OPENAI", "AZURE", "AWS", "VERTEX", "GOOGLE")
_FORM = 1  # of what is kept
MOST = 256  # templates of a process: a run has a few, who serves others may be asked in any way
_KEY = "runner-key-marker"
_ORIGIN = "{origin}"
_MARKER = re.compile(r"runner-text-(\d+)-marker")
# The connection's own, which whoever sends sets.
_OF_THE_CONNECTION = {"host", "content-length", "accept-encoding", "connection"}
_PROOFS = (
    "Zwölf \"Boxer\" 'jagen'\r\n\tViktor \\ über {{ x }} ${y} %s <b>&amp;</b>\n\n한국어 \u2028 😀",
    "https://example.org/a.png?x=1#y",
    "42",
)
_EDGES = "\n  a text with white space around it \t\n"
# Not templates: what such a key changes in a request is more than the place where it stands.
_OTHER_KEYS = ("sk-ant-oat",)


@dataclass(frozen=True)
class Template:
    """A request with gaps. `parts` of the body stand around the texts of the messages `slots`."""

    method: str
    url: str
    headers: dict[str, str]
    parts: tuple[str, ...]
    slots: tuple[int, ...]
    ascii: bool  # whether the body escapes what is not ASCII
    edges: bool = False  # whether white space around a text is sent as it is
    empty: bool = False  # whether an empty text is

    def takes(self, texts: Iterable[str]) -> bool:
        """Whether it was proven for such texts."""
        return all(
            self.edges if text.strip() and text != text.strip() else text.strip() or self.empty
            for text in texts
        )

    def filled(self, texts: Sequence[str], key: str, origin: str) -> Caught:
        """The request with these texts. Raises UnicodeEncodeError for half a character."""
        pieces = [self.parts[0]]
        for slot, part in zip(self.slots, self.parts[1:], strict=True):
            pieces += (json.dumps(texts[slot], ensure_ascii=self.ascii)[1:-1], part)
        headers = {name: value.replace(_KEY, key) for name, value in self.headers.items()}
        url = self.url.replace(_ORIGIN, origin).replace(_KEY, key)
        return Caught(self.method, url, headers, "".join(pieces).encode())


def compiled(
    model: Single,
    params: dict[str, Any],
    roles: Sequence[str],
    *,
    streamed: bool,
    catch: Catch = caught,
) -> Template | str:
    """The template for such requests, or why there is none."""

    def made(texts: Sequence[str], key: str) -> Caught:
        messages = [
            {"role": role, "content": text} for role, text in zip(roles, texts, strict=True)
        ]
        request = catch(model, messages, params, key, streamed=streamed)
        ours = {k: v for k, v in request.headers.items() if k not in _OF_THE_CONNECTION}
        return replace(request, headers=ours)

    key = _KEY if _has_key(model) else NO_KEY
    at = origin(model)
    try:
        other = "another-key" if key == _KEY else key
        seen = made([f"runner-text-{number}-marker" for number, _ in enumerate(roles)], key)
        template = _template(seen, at)
        if missing := set(range(len(roles))) - set(template.slots):
            return f"litellm changes message {min(missing) + 1} of a {roles[min(missing)]}"

        def proven(template: Template, *texts: str) -> bool:
            return all(
                made(each, other) == template.filled(each, other, at)
                for text in texts
                for each in [[f"{number} {text} {number}" for number, _ in enumerate(roles)]]
            )

        ways = (template, replace(template, ascii=False))
        if (held := next((way for way in ways if proven(way, *_PROOFS)), None)) is None:
            return "litellm sends some texts in another form than others"

        def alike(text: str) -> bool:
            texts = [text] * len(roles)
            return made(texts, key) == held.filled(texts, key, at)

        return replace(held, edges=alike(_EDGES), empty=alike(""))
    except ConfigError:
        raise
    except Exception as error:
        return f"litellm's request could not be caught: {error!r:.200}"


def _template(seen: Caught, origin: str) -> Template:
    body = seen.body.decode()
    pieces = _MARKER.split(body)
    url = seen.url
    if origin and url.startswith(origin):
        url = _ORIGIN + url.removeprefix(origin)
    return Template(
        method=seen.method,
        url=url,
        headers=seen.headers,
        parts=tuple(pieces[::2]),
        slots=tuple(map(int, pieces[1::2])),
        ascii=True,
    )


def origin(model: Single) -> str:
    base = urlsplit(model.provider.api_base or "")
    return f"{base.scheme}://{base.netloc}" if base.netloc else ""


class Templates:
    """Those that were compiled, in memory and under `directory`; one that is not is made.

    On disk there are neither keys nor prompts. What another version of litellm or of Python made,
    or other settings in the environment, is not taken.
    """

    def __init__(self, directory: Path | None = None, catch: Catch = caught) -> None:
        self._directory = directory or cache_dir() / "requests"
        self._catch = catch
        self._known: dict[str, Template | str] = {}

    @property
    def full(self) -> bool:
        return len(self._known) >= MOST

    def known(self, name: str) -> Template | str | None:
        """In memory."""
        return self._known.get(name)

    def get(
        self, name: str, model: Single, params: dict[str, Any], roles: Sequence[str], streamed: bool
    ) -> Template | str:
        """From memory or disk, else compiled, which takes seconds the first time."""
        if name not in self._known:
            self._known[name] = self._on_disk(name) or self._made(
                name, model, params, roles, streamed
            )
        return self._known[name]

    def _on_disk(self, name: str) -> Template | str | None:
        try:
            kept = json.loads((self._directory / f"{name}.json").read_bytes())
            if why := kept.get("why"):
                return str(why)
            lists = {key: tuple(kept[key]) for key in ("parts", "slots")}
            return Template(**kept | lists)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return None  # not there, or not ours: it is made again

    def _made(
        self, name: str, model: Single, params: dict[str, Any], roles: Sequence[str], streamed: bool
    ) -> Template | str:
        made = compiled(model, params, roles, streamed=streamed, catch=self._catch)
        kept = {"why": made} if isinstance(made, str) else asdict(made)
        _keep(self._directory / f"{name}.json", kept)
        return made


def named(model: Single, params: dict[str, Any], roles: Sequence[str], streamed: bool) -> str:
    """A name for all that shapes a request but its texts and its key."""
    base = urlsplit(model.provider.api_base or "")
    if base.hostname in ("127.0.0.1", "localhost", "::1"):  # its port is another one each time
        base = base._replace(netloc=str(base.hostname))
    shape = [
        _FORM,
        model.litellm_id,
        model.extra_body,
        base.geturl(),
        model.provider.timeout,
        _has_key(model),
        [model.provider.api_version, model.provider.region, clouds.project(model.provider)],
        params,
        roles,
        streamed,
        _surroundings(model.provider.litellm, model.provider.api_key_env),
    ]
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:32]


def _has_key(model: Single) -> bool:
    return bool(model.provider.api_key_env or model.provider.credentials)


def ordinary(key: str) -> bool:
    return not key.startswith(_OTHER_KEYS)


def check_once(model: Single, params: dict[str, Any], catch: Catch = caught) -> None:
    """Whether a model takes the parameters, and litellm makes requests of it that we can see.

    It need not be asked twice. Raises ConfigError.
    """
    file = cache_dir() / "requests" / f"{named(model, params, (), False)}.sent.json"
    if not file.exists():
        check_parameters(model, params)
        _check_caught(model, params, catch)
        _keep(file, {"sent": True})


def _check_caught(model: Single, params: dict[str, Any], catch: Catch) -> None:
    if not model.provider.api_base:  # `local`, whose address is not known yet
        return
    key = f"{_KEY} {_KEY}" if model.provider.signs else _KEY if _has_key(model) else NO_KEY
    for streamed in {False, model.provider.streams}:
        try:
            catch(model, [{"role": "user", "content": "-"}], params, key, streamed=streamed)
        except ConfigError:
            raise
        except LookupError:
            continue  # litellm sends it by itself
        except Exception as error:
            raise ConfigError(
                f"{model.name}: litellm makes no request of it: {first_line(error)}"
            ) from None


def _keep(file: Path, content: dict[str, Any]) -> None:
    """A cache that can't be written to is none."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        scratch.write_text(json.dumps(content))
        scratch.replace(file)


def _surroundings(prefix: str, api_key_env: str | None) -> str:
    """Hash of what else litellm looks at: versions, and its settings in the environment."""
    names = (*_LOOKED_AT, prefix.partition("_")[0].upper())
    settings = {
        name: value
        for name, value in {**os.environ, **ENVIRONMENT}.items()
        if name.startswith(names) and name != api_key_env
    }
    versions = [_version("litellm"), _version("openai"), sys.version]
    return hashlib.sha256(json.dumps([versions, settings], sort_keys=True).encode()).hexdigest()


_version = cache(version)
