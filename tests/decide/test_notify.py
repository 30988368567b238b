"""Somebody is told, over a real connection, and no URL is ever shown."""

import sys
from collections.abc import Iterator

import pytest

from runner.config import redact
from runner.config.validation import validated
from runner.decide.notify import Notifier, Notify, refuse_urls
from runner.errors import ConfigError
from tests.webhook import Webhook, listening

SECRET = "T0planted-token-0123"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    """Its URL is in the variable HOOK."""
    with listening() as webhook:
        monkeypatch.setenv("HOOK", webhook.url(SECRET))
        yield webhook


def notifier(*env: str) -> Notifier:
    return Notifier(Notify(env=env, data="on_device"))


def test_tells(webhook: Webhook) -> None:
    """What is to be told arrives, title and text, once."""
    assert notifier("HOOK").tell("too much", "$6 on extraction\n$7 in all") == []
    [told] = webhook.told
    assert told["title"] == "too much"
    assert told["message"] == "$6 on extraction\n$7 in all"


def test_tells_everybody_else(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who can't be told is named with the status, and the others are told all the same."""
    with listening() as broken:
        broken.status = 503
        monkeypatch.setenv("BROKEN", broken.url("x"))
        problems = notifier("BROKEN", "HOOK").tell("too much", "$6")
    assert problems == ["notify.env: BROKEN: the notice was not delivered (HTTP 503)"]
    assert len(webhook.told) == 1


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """A notice that reaches no one is a line, and neither it nor apprise shows the URL."""
    monkeypatch.setenv("HOOK", f"json://user:{SECRET}@127.0.0.1:1/{SECRET}")
    problems = notifier("HOOK").tell("too much", "$6")
    assert problems == ["notify.env: HOOK: the notice was not delivered"]
    assert capfd.readouterr() == ("", "")


def test_a_redirect_is_not_followed(webhook: Webhook) -> None:
    """A notice ends up where its URL says, or nowhere."""
    with listening() as elsewhere:
        webhook.status, webhook.location = 307, f"http://127.0.0.1:{elsewhere.port}/"
        assert notifier("HOOK").tell("too much", "$6") == [
            "notify.env: HOOK: the notice was not delivered (HTTP 307)"
        ]
        assert elsewhere.told == []


def test_urls_are_redacted(webhook: Webhook) -> None:
    """From the moment a URL is known it is scrubbed from every text."""
    notifier("HOOK")
    assert SECRET not in redact.redact(f"POST {webhook.url(SECRET)} failed")


@pytest.mark.parametrize("url", ["", "  ", "no-such-service://" + SECRET, SECRET])
def test_no_url(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], url: str
) -> None:
    """A variable without a usable URL is refused by its name, before anything is told."""
    monkeypatch.setenv("HOOK", url)
    with pytest.raises(ConfigError, match=r"notify\.env: .*HOOK") as refused:
        notifier("HOOK")
    assert SECRET not in str(refused.value)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "env", [[f"slack://{SECRET}/B/C"], f"slack://{SECRET}", [SECRET], SECRET, ["HOOK", "a b"], 5]
)
def test_literal_url(env: object) -> None:
    """A config that holds a URL is refused without repeating it."""
    with pytest.raises(ConfigError, match="env lists environment variables") as refused:
        validated(Notify, {"env": env, "data": "third_party"})
    assert SECRET not in str(refused.value)


def test_literal_url_in_the_wrong_place() -> None:
    """Nor is it repeated where no list of names is at all."""
    with pytest.raises(ConfigError, match="env: is missing") as refused:
        validated(Notify, f"slack://{SECRET}/B/C")
    assert SECRET not in str(refused.value)


def test_literal_url_on_the_command_line() -> None:
    """A URL is refused before Hydra, which prints what it can't parse, sees it."""
    with pytest.raises(ConfigError) as refused:
        refuse_urls(["since=30d", f"notify.env=[json://u:p@{SECRET}/?a=b&c]"])
    assert SECRET not in str(refused.value)
    refuse_urls(["outputs=s3://x", "notify.env=[HOOK]"])


def test_apprise_is_an_extra(webhook: Webhook, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without apprise the error says how to get it, and only who wants notices sees it."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert notifier().tell("too much", "$6") == []
    with pytest.raises(ConfigError, match=r"pip install 'llm-decision-runner\[notify\]'"):
        notifier("HOOK")
