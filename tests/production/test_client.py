"""The Python client gives what `run` gives, from any thread or loop, and leaves nothing behind."""

import asyncio
import gc
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import runner
from runner import AskFailed, Client, ConfigError, RunnerError, load
from runner.record.journal import read_journal
from tests import loopback
from tests.conftest import KEY
from tests.decision import OVERRIDES, write_conf
from tests.loopback import Answer, Gate, Held, Loopback, Request, in_turn
from tests.tree import ROOT, environment


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(loopback.echo) as server:
        yield server


@pytest.fixture
def conf(tmp_path: Path, server: Loopback) -> Path:
    return write_conf(tmp_path, server.base_url)


@pytest.fixture
def client(conf: Path) -> Iterator[Client]:
    with load(*OVERRIDES, config_dir=conf) as client:
        yield client


async def pieces(client: Client, text: str) -> list[str]:
    return [piece async for piece in client.astream(text)]


def test_messages(conf: Path, server: Loopback) -> None:
    """A conversation is asked as it stands; one that is none says why, and nothing is sent."""
    said = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
    whole = [*said, {"role": "user", "content": "three"}]
    with load(*OVERRIDES, "task.prompt=null", config_dir=conf) as client:
        assert client.ask(messages=whole).output == "three"
        with pytest.raises(AskFailed, match=r"messages\.1\.role: the last is the user's"):
            client.ask(messages=said)
        with pytest.raises(AskFailed, match="one of input, messages and turns"):
            client.ask("x", messages=whole)
    [request] = server.requests
    assert request.body["messages"] == whole


def test_ask(client: Client) -> None:
    """An answer says what came, from whom, and what it cost."""
    answer = client.ask("a text")
    assert (answer.output, answer.served_by, answer.id) == ("a text", "first", "1")
    assert answer.cost_usd == pytest.approx(20e-6)
    assert answer.usage
    assert client.ask("another").id == "2"


def test_request(client: Client, server: Loopback) -> None:
    """A request may bring the prompt's variables and what it wants instead of the task's."""
    answer = client.ask({"name": "Ada"}, id="x", user="u", system="Be brief.", max_tokens=7)
    assert (answer.id, answer.output) == ("x", "Ada")
    [request] = server.requests
    assert request.body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert request.body["max_tokens"] == 7


def test_json(conf: Path, server: Loopback) -> None:
    """Where the task asks for JSON the value is there, too; JSON that is none has no value."""
    server.answer = in_turn(loopback.json_text({"sum": 7}), loopback.text('{"sum": '))
    with load(*OVERRIDES, "task=structured", config_dir=conf) as client:
        assert client.ask("x").parsed == {"sum": 7}
        broken = client.ask("x")
    assert (broken.output, broken.parsed) == ('{"sum": ', None)


def test_failure(client: Client, server: Loopback) -> None:
    """A request that got no answer raises, with its record."""
    server.answer = loopback.error_reply(400, "no such luck")
    with pytest.raises(AskFailed, match="no such luck") as raised:
        client.ask("x")
    assert (raised.value.answer.status, raised.value.answer.kind) == ("failed", "bad_request")
    assert raised.value.answer.cost_usd == 0.0


@pytest.mark.parametrize(
    "input", [{"nome": "Ada"}, {"name": object()}, "\ud800", {"name": "\udc00"}]
)
def test_invalid_input(client: Client, server: Loopback, input: Any) -> None:
    """What is no request is not sent."""
    with pytest.raises(AskFailed) as raised:
        client.ask(input)
    assert raised.value.answer.kind == "invalid_input"
    assert not server.requests


@pytest.mark.parametrize("input", ["", " \n", {"input": "x", "no_such": 1}, {"no_such": 1}])
def test_strict(conf: Path, server: Loopback, input: Any) -> None:
    """A key that the prompt does not name is refused, and so is an empty text."""
    overrides = [*OVERRIDES, "task.prompt='{{ input }}'"]
    with load(*overrides, config_dir=conf) as client, pytest.raises(AskFailed) as raised:
        client.ask(input)
    assert raised.value.answer.kind == "invalid_input"
    assert not server.requests


def test_totals(client: Client, server: Loopback) -> None:
    """A client knows how many requests it has made, how many failed, and what they cost."""
    server.answer = in_turn(loopback.echo, loopback.error_reply(400, "no"), loopback.echo)
    client.ask("x")
    for input in ("y", ""):
        with pytest.raises(AskFailed):
            client.ask(input)
    assert (client.totals.requests, client.totals.failed) == (2, 1)
    assert client.totals.cost_usd == pytest.approx(20e-6)


def test_waiting(conf: Path, server: Loopback, tmp_path: Path) -> None:
    """An answer says how long it waited, for a slot and between attempts."""
    journal = tmp_path / "journal.jsonl"
    server.answer = in_turn(loopback.overloaded(), loopback.echo)
    with load(*OVERRIDES, config_dir=conf, journal=journal) as client:
        answer = client.ask("x")
    [line] = read_journal(journal)
    between = [attempt.waited_seconds for attempt in line.attempts]
    assert between[1] > 0
    assert answer.waited_seconds == pytest.approx(line.queued_seconds + sum(between))


def test_from_threads(client: Client, server: Loopback) -> None:
    """Threads ask at the same time, and each gets its own answer."""
    two = Gate(opens_at=2)
    server.answer = lambda request: Held.by(two, loopback.echo(request))
    texts = [f"text {n}" for n in range(16)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(client.ask, texts))
    assert [answer.output for answer in answers] == texts
    assert server.peak > 1


def test_from_loops(client: Client, server: Loopback) -> None:
    """One client serves one event loop after another."""

    async def ask() -> list[str | None]:
        answers = await asyncio.gather(*(client.aask(f"text {n}") for n in range(8)))
        return [answer.output for answer in answers]

    assert asyncio.run(ask()) == asyncio.run(ask()) == [f"text {n}" for n in range(8)]


async def test_cancelled(client: Client, server: Loopback) -> None:
    """Who stops waiting gives the request up; the client goes on."""
    server.answer = in_turn(loopback.hang(), loopback.echo)
    waiting = asyncio.create_task(client.aask("never"))
    await asyncio.to_thread(server.wait_for, 1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await client.aask("soon")).output == "soon"


async def test_stream(client: Client) -> None:
    """Pieces come one by one; after the last of them the whole answer is there."""
    stream = client.astream("one two three")
    found = [piece async for piece in stream]
    assert len(found) > 1
    assert stream.answer
    assert stream.answer.output == "".join(found) == "one two three"
    assert stream.answer.cost_usd == pytest.approx(20e-6)
    assert [piece async for piece in stream] == []


async def test_stream_fails(client: Client, server: Loopback) -> None:
    """A stream without an answer raises where its pieces break off."""
    server.answer = loopback.error_reply(400, "no such luck")
    with pytest.raises(AskFailed, match="no such luck"):
        await pieces(client, "x")


async def test_stream_stopped(client: Client, server: Loopback) -> None:
    """A stream that is left early is given up, without an answer."""
    async with client.astream("one two three") as stream:
        async for _ in stream:
            break
    assert stream.answer is None
    assert (await client.aask("next")).output == "next"


async def test_stream_breaks(conf: Path, server: Loopback) -> None:
    """Once a piece was handed over no other model begins again: the failure is told."""
    broken = loopback.completion("one two three")

    def answer(request: Request) -> Answer:
        if request.model.startswith("second"):
            return loopback.text("another answer")
        first, *_ = loopback.chunks(broken)[1:]
        return Answer(
            headers={"content-type": "text/event-stream"},
            pieces=(loopback.Piece(loopback.sse(first)),),
            ending="reset",
        )

    server.answer = answer
    async with load(*OVERRIDES, "fallback=chain", config_dir=conf) as client:
        seen: list[str] = []
        with pytest.raises(AskFailed):
            async for piece in client.astream("x"):
                seen.append(piece)
    assert "another" not in "".join(seen)


def test_fallback(conf: Path, server: Loopback) -> None:
    """Where the model is down its fallback answers, and the answer says so."""
    server.answer = lambda request: (
        loopback.overloaded() if request.model.startswith("first") else loopback.text("fine")
    )
    with load(*OVERRIDES, "fallback=chain", config_dir=conf) as client:
        answer = client.ask("x")
    assert (answer.output, answer.served_by, answer.fallback) == ("fine", "second", "first")


def test_budget(conf: Path, server: Loopback) -> None:
    """The cap holds for all requests of a client together."""
    options = ["budget_usd=250e-6", "task.sampling.max_tokens=64"]
    with load(*OVERRIDES, *options, config_dir=conf) as client, pytest.raises(AskFailed) as raised:
        for _ in range(20):
            client.ask("x")
    assert raised.value.answer.kind == "budget"
    assert 0 < len(server.requests) < 20


def test_journal(conf: Path, server: Loopback, tmp_path: Path) -> None:
    """With a journal every outcome is on disk before it is returned, failures too."""
    journal = tmp_path / "journal.jsonl"
    server.answer = in_turn(loopback.text("fine"), loopback.error_reply(400, "no"))
    with load(*OVERRIDES, config_dir=conf, journal=journal) as client:
        client.ask("one", id="a")
        assert [line.case for line in read_journal(journal)] == ["a"]
        with pytest.raises(AskFailed):
            client.ask("two", id="b")
        assert [line.status for line in read_journal(journal)] == ["answered", "failed"]


def test_close(conf: Path, server: Loopback) -> None:
    """Closing gives up what is under way, may be done twice, and ends all asking."""
    server.answer = loopback.hang()
    client = load(*OVERRIDES, config_dir=conf)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.ask, "never")
        server.wait_for(1)
        client.close()
        client.close()
        with pytest.raises(RunnerError, match="closed before the answer came"):
            waiting.result()
    with pytest.raises(RunnerError, match="the client is closed"):
        client.ask("x")


def test_forgotten(conf: Path) -> None:
    """A client that nobody holds any more ends by itself."""
    client = load(*OVERRIDES, config_dir=conf)
    thread = client._background._thread
    client.ask("x")
    del client
    gc.collect()
    thread.join(timeout=60)
    assert not thread.is_alive()


@pytest.mark.parametrize("ending", ["", "client.close()"])
def test_end_of_a_program(conf: Path, ending: str) -> None:
    """A program ends without a word on stderr, whether it closed its client or not."""
    code = (
        "from runner import load\n"
        f"client = load(*{OVERRIDES!r}, config_dir={str(conf)!r})\n"
        f"print(client.ask('a text').output)\n{ending}"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        env=environment(LOOPBACK_API_KEY=KEY),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "a text\n", "")


@pytest.mark.parametrize(
    ("overrides", "problem"),
    [
        (["model=nope"], "model=nope: no such option"),
        (["model.nope=1"], "model.nope"),
        (["input=x"], "input: is for the command run"),
        (["repeats=2"], "repeats: is for measuring"),
        (["race=true"], "race: is for measuring"),
        (["overwrite=true"], "overwrite: is for the command run"),
        (["shards=2"], "shards: is for the command run"),
        (["model=haiku"], "ANTHROPIC_API_KEY"),
        (["requirements.data_privacy=strict"], "goes to loop"),
        (["model.id=gpt-latest"], "latest"),
    ],
)
def test_refused(conf: Path, server: Loopback, overrides: list[str], problem: str) -> None:
    """What can't be right is said when the client is made, in a line, and nothing is sent."""
    with pytest.raises(ConfigError, match=problem):
        load(*OVERRIDES, *overrides, config_dir=conf)
    assert not server.requests


def test_unknown_config_dir() -> None:
    """A directory that is not there is no reason to use other options."""
    with pytest.raises(ConfigError, match="no directory 'nowhere'"):
        load(config_dir="nowhere")


def test_a_guest(conf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program's own Hydra, resolvers and working directory stay as they are."""
    from hydra.core.global_hydra import GlobalHydra
    from omegaconf import OmegaConf

    monkeypatch.setenv("OWN", "value")
    before = Path.cwd(), GlobalHydra.instance().is_initialized()
    with load(*OVERRIDES, config_dir=conf):
        assert (Path.cwd(), GlobalHydra.instance().is_initialized()) == before
        assert OmegaConf.create({"own": "${oc.env:OWN}"}).own == "value"


def test_cheap_import() -> None:
    """Importing `runner` costs nothing, and `load` alone neither litellm nor Hydra."""
    code = (
        "import sys, runner\n"
        "print([name for name in sys.modules if name.startswith('runner.')])\n"
        "from runner import load\n"
        "names = 'litellm hydra omegaconf scipy numpy aiohttp uvloop'.split()\n"
        "print([name for name in names if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["[]", "[]"], done.stderr


def test_names() -> None:
    """All that the package offers is there, and nothing else."""
    assert all(getattr(runner, name) for name in runner.__all__)
    with pytest.raises(AttributeError, match="nope"):
        runner.nope  # noqa: B018
