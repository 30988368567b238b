"""What the clouds want besides a key: a version, a region, a project, a token of Google's.

Credentials of Google Cloud are asked for here, not by litellm, whose own way goes over connections
that nobody sees: it is given the token.
"""

import asyncio
from functools import cache, lru_cache
from threading import Lock
from typing import Any

from runner.config.redact import api_key, remember
from runner.config.schema import Provider, Single
from runner.errors import CallFailed

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_refreshing = Lock()
NO_KEY = "none"


async def secret(model: Single) -> str:
    """The key of a request, or a token that stands for one. Raises CallFailed.

    Never empty: litellm would look for a key in the environment by itself.
    """
    if key := api_key(model):
        return key
    return await _google_token() if model.provider.credentials == "google" else NO_KEY


def arguments(provider: Provider, key: str, handler: Any) -> dict[str, Any]:
    """What litellm is told for a cloud; `handler` is its client around our session."""
    match provider.litellm:
        case "azure":
            client = _azure(provider.api_base, provider.api_version, key, handler)
            return {"api_version": provider.api_version, "client": client}
        case "bedrock":
            return {"aws_region_name": provider.region, "client": handler}
        case "vertex_ai":
            place = {"vertex_project": project(provider), "vertex_location": provider.region}
            return {**place, "vertex_credentials": key, "client": handler}
    return {}


def project(provider: Provider) -> str | None:
    """Of a cloud: the one that is configured, else that of the credentials."""
    return provider.project or (_credentials()[1] if provider.credentials else "-")


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
