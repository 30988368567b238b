"""Tells people, by chat, mail or webhook: the only home of apprise (`pip install '…[notify]'`)."""

import logging
import os
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from io import StringIO
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from runner.config import redact
from runner.config.schema import Data, Privacy, Strict
from runner.errors import ConfigError
from runner.measure.requirements import ALLOWED

if TYPE_CHECKING:
    from apprise import Apprise

_NAME = re.compile(r"[A-Za-z_]\w*")
_NAMES = (
    "env lists environment variables that hold a URL of apprise, e.g. [SLACK_URL]; "
    "the URL itself is a secret and belongs in the environment only"
)


class Notify(Strict):
    """Who is told, and where that ends up."""

    env: tuple[str, ...]
    data: Data

    @model_validator(mode="before")
    @classmethod
    def _names_only(cls, value: Any) -> Any:
        """Checked up here, where an error does not repeat what was given."""
        if not isinstance(value, dict):
            return {}
        names = value.get("env", [])
        if not isinstance(names, list | tuple) or not all(_NAME.fullmatch(str(n)) for n in names):
            raise ValueError(_NAMES)
        return value


def refuse_urls(overrides: Sequence[str]) -> None:
    """Raises ConfigError before anyone else can print what was typed."""
    if any("notify" in override.partition("=")[0] and "://" in override for override in overrides):
        raise ConfigError(f"notify: {_NAMES}")


def leak(notify: Notify, privacy: Privacy, where: str) -> str | None:
    """What is wrong where a notice would go further than `where` allows."""
    if notify.env and notify.data not in ALLOWED[privacy]:
        allowed = ", ".join(ALLOWED[privacy])
        return f"notify.data is {notify.data}, but {where} is {privacy}: only {allowed}"
    return None


class Notifier:
    """Everybody whom `settings` names. Raises ConfigError when one of them can't be told."""

    def __init__(self, settings: Notify) -> None:
        self._services = {name: _service(name) for name in settings.env}

    def tell(self, title: str, text: str) -> list[str]:
        """Returns a line for each who could not be told; none repeats a URL, or a part of one."""
        return [
            f"notify.env: {name}: the notice was not delivered{why}"
            for name, service in self._services.items()
            if (why := _failure(service, title, text)) is not None
        ]


def _service(name: str) -> "Apprise":
    url = os.environ.get(name, "").strip()
    if not url:
        raise ConfigError(f"notify.env: set {name} in the environment to a URL of apprise")
    redact.remember(url)
    try:
        import apprise
    except ImportError:
        raise ConfigError(
            "notify.env: needs apprise: pip install 'llm-decision-runner[notify]'"
        ) from None
    # A redirect could lead to where `data` does not allow.
    asset = apprise.AppriseAsset(app_id="runner", http_redirects=False)
    service = apprise.Apprise(asset=asset)
    with _hushed():
        if not service.add(url):
            raise ConfigError(f"notify.env: {name} holds no URL that apprise knows")
    return service


def _failure(service: "Apprise", title: str, text: str) -> str | None:
    """What can be said of a failure without a secret; None when all went well."""
    with _hushed() as said:
        if service.notify(body=text, title=title, body_format="text"):
            return None
        status = re.search(r"error=(\d{3})\b", said.getvalue())
    return f" (HTTP {status[1]})" if status else ""


def _hushed() -> "AbstractContextManager[StringIO]":
    """Takes what apprise logs, which may hold parts of a URL, off the terminal."""
    import apprise

    captured: AbstractContextManager[StringIO]
    captured = apprise.LogCapture(level=logging.WARNING)  # type: ignore[no-untyped-call]
    return captured
