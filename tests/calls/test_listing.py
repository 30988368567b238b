"""The lists of models in which providers say when one ends."""

import pytest

from runner.calls.listing import ends
from runner.config.schema import Single
from tests import loopback
from tests.conftest import model
from tests.loopback import Answer, Loopback
from tests.loopback.answers import Anything


def served(base_url: str, name: str, provider: str = "loopback") -> Single:
    tree = model(base_url, name)
    tree["provider"]["name"] = provider
    return Single.model_validate(tree)


@pytest.mark.parametrize("key", ["shutdown_date", "deprecation", "expiration_date"])
@pytest.mark.parametrize("day", ["2027-01-14", "2027-01-14T12:00:00Z"])
async def test_dates(key: str, day: str) -> None:
    """Each one's word for it, a day or a time, of all in the list; null, nonsense are none."""
    entries = [
        {"id": "a-2026-01-01", key: day},
        {"id": "b-2026-01-01", key: None},
        {"id": "c-2026-01-01", key: "soon"},
        {"id": "other", key: day},
        "nonsense",
    ]
    with Loopback(lambda _: Answer(body={"data": entries}), Anything()) as server:
        found, problems = await ends(served(server.base_url, name) for name in "abc")
    assert {(at, id): str(end) for (at, id), end in found.items()} == {
        ("loopback", "a-2026-01-01"): "2027-01-14",
        ("loopback", "other"): "2027-01-14",
    }
    assert problems == []
    [asked] = server.requests  # one list for three models
    assert (asked.method, asked.path) == ("GET", "/v1/models")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (loopback.server_error(), "HTTP 500"),
        (loopback.garbage(), "JSONDecodeError"),
        (Answer(body={"data": 3}), "it is no list"),
        (loopback.reset(), "Client"),
        (Answer(status=302, headers={"location": "http://127.0.0.1:9/"}), "HTTP 302"),
    ],
)
async def test_one_that_is_down(answer: Answer, said: str) -> None:
    """It is one line that names the provider, and hides nothing of the others."""
    good = {"data": [{"id": "b-2026-01-01", "shutdown_date": "2027-01-14"}]}
    with Loopback(answer, Anything()) as bad, Loopback(Answer(body=good), Anything()) as fine:
        models = [served(bad.base_url, "a", "bad"), served(fine.base_url, "b", "fine")]
        found, [problem] = await ends(models)
    assert problem.startswith("bad: its list of models could not be read: ")
    assert said in problem
    assert list(found) == [("fine", "b-2026-01-01")]


async def test_whom_nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key nothing is sent; a server that has no list has none."""
    with Loopback(Answer(status=404, body={}), Anything()) as server:
        assert await ends([served(server.base_url, "a")]) == ({}, [])
        monkeypatch.delenv("LOOPBACK_API_KEY")
        assert await ends([served(server.base_url, "a")]) == ({}, [])
    assert len(server.requests) == 1
