"""What the clouds want besides a key: a version, a region, a project, a token, a signature.

Credentials of Google Cloud and of AWS are looked for here, not by litellm, whose own way goes over
connections that nobody sees and holds up the loop: it is given what was found. It signs by itself.
"""

import asyncio
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from runner.config.redact import api_key, remember
from runner.config.schema import Provider, Single
from runner.errors import CallFailed, ConfigError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_refreshing = Lock()
NO_KEY = "none"


async def secret(model: Single) -> str:
    """The key of a request, or what stands for one: a token, the keys to sign with, with blanks
    between them. Raises CallFailed.

    Never empty: litellm would look for a key in the environment by itself.
    """
    if key := api_key(model):
        return key
    match model.provider.credentials:
        case "google":
            return await _google_token()
        case "aws":
            return await _aws_keys()
    return NO_KEY


def arguments(provider: Provider, key: str, handler: Any) -> dict[str, Any]:
    """What litellm is told for a cloud; `handler` is its client around our session."""
    match provider.litellm:
        case "azure":
            client = _azure(provider.api_base, provider.api_version, key, handler)
            return {"api_version": provider.api_version, "client": client}
        case "bedrock":
            proof = _to_sign_with(key) if provider.signs else {}
            return {"aws_region_name": provider.region, "client": handler, **proof}
        case "vertex_ai":
            place = {"vertex_project": project(provider), "vertex_location": provider.region}
            return {**place, "vertex_credentials": key, "client": handler}
    return {}


def project(provider: Provider) -> str | None:
    """Of a cloud: the one that is configured, else that of the credentials. Raises ConfigError."""
    if provider.project or provider.credentials != "google":
        return provider.project or "-"
    from google.auth.exceptions import GoogleAuthError

    try:
        return _credentials()[1]
    except GoogleAuthError as error:
        why = str(error).partition("\n")[0]
        raise ConfigError(f"{provider.name}: no credentials of Google Cloud: {why}") from None


@lru_cache(maxsize=8)  # it takes half a millisecond to build
def _azure(address: str | None, version: str | None, key: str, handler: Any) -> Any:
    """litellm takes no session for Azure, but a client of the openai package around one."""
    import openai

    return openai.AsyncAzureOpenAI(
        api_key=key,
        api_version=version,
        azure_endpoint=address or "",
        max_retries=0,
        http_client=handler.client,
    )


async def _google_token() -> str:
    from google.auth.exceptions import GoogleAuthError

    try:
        token = await asyncio.to_thread(_fresh)
    except GoogleAuthError as error:
        why = str(error).partition("\n")[0]
        raise CallFailed("auth", f"no credentials of Google Cloud: {why}", unbilled=True) from None
    remember(token)
    return token


def _fresh() -> str:
    from google.auth.transport.requests import Request

    with _refreshing:
        credentials, _ = _credentials()
        if not credentials.valid:
            credentials.refresh(Request())
        return str(credentials.token)


@cache
def _credentials() -> tuple[Any, str | None]:
    import google.auth

    found: tuple[Any, str | None] = google.auth.default(scopes=[_SCOPE])
    return found


def _to_sign_with(keys: str) -> dict[str, Any]:
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    # Left out, it would be looked for in the environment, and sent in place of a signature.
    return {"api_key": "", **dict(zip(names, keys.split(" "), strict=False))}


async def _aws_keys() -> str:
    from botocore.exceptions import BotoCoreError

    try:
        found = await asyncio.to_thread(_frozen)
    except BotoCoreError as error:
        why = str(error).partition("\n")[0]
        raise CallFailed("auth", f"no credentials of AWS: {why}", unbilled=True) from None
    if found is None:
        why = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
        raise CallFailed("auth", f"no credentials of AWS: {why}", unbilled=True)
    keys = [found.access_key, *filter(None, (found.secret_key, found.token))]
    for key in keys[1:]:
        remember(key)
    return " ".join(keys)


def _frozen() -> Any:
    """None: there are none. Those that end soon are fetched anew."""
    found = _aws_credentials()
    return found and found.get_frozen_credentials()


@cache
def _aws_credentials() -> Any:
    from botocore.session import get_session

    return get_session().get_credentials()
