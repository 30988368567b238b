"""What clouds want besides a key: an address of one's own, a token of Google's."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.calls import clouds
from runner.calls.transport import Transport
from runner.config.redact import missing_key, redact
from runner.config.schema import Single
from runner.config.validation import validated
from runner.drill.loopback.dialect import Saying
from runner.errors import CallFailed, ConfigError
from runner.record.outcomes import Usage
from tests.loopback import Answer, Loopback
from tests.loopback.answers import Anything
from tests.loopback.bedrock import SignedBedrock
from tests.loopback.formats import FORMATS
from tests.providers.table import Row


def model(name: str, **provider: Any) -> Single:
    """As in the providers' table, with other facts of its provider."""
    tree = Row(name).model("http://nowhere").model_dump()
    tree["provider"] |= {"api_key_env": None, **provider}
    return validated(Single, tree)


@pytest.mark.parametrize("address", ["https://ours.openai.azure.com/", None])
def test_an_address_of_ones_own(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read from the variable that the provider names, which is asked for where it is not."""
    monkeypatch.delenv("AZURE_API_BASE", raising=False)
    if address:
        monkeypatch.setenv("AZURE_API_BASE", address)
    ours = model("azure", api_base=None, api_base_env="AZURE_API_BASE")
    assert ours.provider.api_base == (address and address.rstrip("/"))
    asked = f"model: {ours.name} needs an address: set AZURE_API_BASE in the environment"
    assert missing_key(ours, "model") == (None if address else asked)


def test_a_key_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """No other variable can be sent anywhere by naming it as an address, and no other value."""
    monkeypatch.setenv("OUR_API_KEY", "sk-planted-0123456789")
    monkeypatch.setenv("OUR_ENDPOINT", "sk-planted-0123456789")
    for name in ("OUR_API_KEY", "OUR_ENDPOINT"):
        with pytest.raises(ConfigError) as raised:
            model("azure", api_base=None, api_base_env=name)
        assert "sk-planted" not in str(raised.value)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("google.auth")
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "")
    clouds._credentials.cache_clear()


def service_account(folder: Path, token_uri: str) -> str:
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    plain = (form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    account = {
        "type": "service_account",
        "project_id": "our-project",
        "private_key": key.private_bytes(*plain).decode(),
        "client_email": "runner@our-project.iam.gserviceaccount.com",
        "token_uri": token_uri,
    }
    file = folder / "account.json"
    file.write_text(json.dumps(account))
    return str(file)


async def test_a_token_of_google(
    google: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default credentials give a token once, for the project that they are of; it is secret."""
    token = {"access_token": "ya29.planted-token", "expires_in": 3600, "token_type": "Bearer"}
    with Loopback(lambda _: Answer(body=token), Anything()) as server:
        file = service_account(tmp_path, f"{server.base_url}/token")
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
        ours = model("vertex", credentials="google", project=None)
        assert [await clouds.secret(ours) for _ in range(2)] == ["ya29.planted-token"] * 2
        assert len(server.requests) == 1
    told = clouds.arguments(ours.provider, "ya29.planted-token", None)
    assert (told["vertex_project"], told["vertex_location"]) == ("our-project", "global")
    assert "ya29" not in redact("it said ya29.planted-token")


async def test_no_credentials_of_google(
    google: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without credentials the call has failed, in one line, and nothing was sent."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(CallFailed) as raised:
        await clouds.secret(model("vertex", credentials="google"))
    with pytest.raises(ConfigError, match="no credentials of Google Cloud"):
        clouds.project(model("vertex", credentials="google", project=None).provider)
    assert (raised.value.kind, raised.value.http_requests) == ("auth", 0)
    assert "\n" not in raised.value.message


ACCESS, SECRET = "AKIAPLANTEDKEY000000", "planted/secret+0123456789abcdefghijklmno"
MESSAGES = [{"role": "user", "content": "hello"}]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("botocore")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # What litellm would send in place of a signature.
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", "no-key-of-ours")
    clouds._aws_credentials.cache_clear()


@pytest.mark.parametrize("token", [None, "planted-session-token"])
@pytest.mark.parametrize("streamed", [False, True])
async def test_signed_requests(
    aws: None, monkeypatch: pytest.MonkeyPatch, token: str | None, streamed: bool
) -> None:
    """With keys of AWS each request is signed and sent by litellm, which the record says."""
    keys = {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    for name, value in {**keys, **({"AWS_SESSION_TOKEN": token} if token else {})}.items():
        monkeypatch.setenv(name, value)
    speaks = SignedBedrock(ACCESS, SECRET, token)
    saying = Saying("one two", usage=Usage(input_tokens=9, output_tokens=2))
    with Loopback(lambda request: speaks.say(request, saying), speaks) as server:
        base = server.base_url
        ours = model("bedrock", api_base=base, credentials="aws", region="eu-central-1")
        heard: list[str] = []
        async with Transport() as transport:
            params = {"max_tokens": 5}
            hear = heard.append if streamed else None
            reply = await transport.complete(ours, MESSAGES, params, hear)
    assert (reply.text, reply.by_litellm, reply.http_requests) == ("one two", "each is signed", 1)
    assert heard == (["one", " two"] if streamed else [])
    assert "/eu-central-1/bedrock/" in server.requests[0].headers["authorization"]
    for secret in filter(None, (SECRET, token)):
        assert secret not in redact(f"it said {secret}")


async def test_streams_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """What litellm has no reader for, as without Amazon's library, is read all the same."""
    for name in ("botocore.eventstream", "botocore.parsers"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setenv("BEDROCK_API_KEY", "planted-bedrock-key")
    speaks = FORMATS["bedrock"]
    with Loopback(lambda request: speaks.say(request, Saying("one two")), speaks) as server:
        key = {"api_key_env": "BEDROCK_API_KEY", "compiled": False}
        ours = model("bedrock", api_base=server.base_url, **key)
        heard: list[str] = []
        async with Transport() as transport:
            reply = await transport.complete(ours, MESSAGES, {"max_tokens": 5}, heard.append)
    assert (reply.text, "".join(heard), reply.by_litellm) == ("one two",) * 2 + ("compiled: false",)


async def test_no_credentials_of_aws(aws: None) -> None:
    """Without keys the call has failed, in one line, and nothing was sent."""
    ours = model("bedrock", credentials="aws")
    with pytest.raises(CallFailed, match="AWS_ACCESS_KEY_ID") as raised:
        await clouds.secret(ours)
    assert (raised.value.kind, raised.value.http_requests) == ("auth", 0)


async def test_a_key_wins_over_credentials(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a key is named, nothing is signed."""
    monkeypatch.setenv("BEDROCK_API_KEY", "planted-bedrock-key")
    ours = model("bedrock", credentials="aws", api_key_env="BEDROCK_API_KEY")
    assert await clouds.secret(ours) == "planted-bedrock-key"
    assert "aws_access_key_id" not in clouds.arguments(ours.provider, "planted-bedrock-key", None)
