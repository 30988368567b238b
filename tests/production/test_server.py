"""A server answers any OpenAI client as `run` would: same prompt, same models, same record."""

import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from runner.calls import compile
from runner.commands.command_line import main
from runner.record.journal import read_journal
from runner.record.outcomes import Answered, Failed
from tests import loopback
from tests.decision import OVERRIDES, TASK, write_conf
from tests.loopback import Answer, Gate, Held, Loopback, Request, in_turn
from tests.served import SERVE_KEY, Server, serving

COMPOSITES = {
    "model/routed": """
defaults: [/base/router@_here_, /model@classifier: second, /model@arms.simple: first,
  /model@arms.complex: second, _self_]
name: routed
otherwise: simple
""",
    "model/cascade": """
defaults: [/base/cascade@_here_, /model@arms.cheap: first, /model@arms.strong: second, _self_]
name: cascade
checks: {regex: {pattern: "^(?!first)"}}
""",
    "model/ab": """
defaults: [/base/split@_here_, /model@arms.a: first, /model@arms.b: second, _self_]
name: ab
key: user
weights: {a: 1, b: 1}
""",
    "task/asked": """
defaults: [/base/task@_here_, _self_]
name: asked
cases: none.jsonl
system: You answer questions.
prompt: "{{ name }} asks: {{ question }}"
sampling: {temperature: 0.3, max_tokens: 77}
scorers: {exact: {}}
""",
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNNER_SERVE_KEY", SERVE_KEY)


@pytest.fixture
def provider() -> Iterator[Loopback]:
    with Loopback(by_model) as server:
        yield server


@pytest.fixture
def conf(tmp_path: Path, provider: Loopback) -> Path:
    directory = write_conf(tmp_path, provider.base_url)
    for name, text in COMPOSITES.items():
        (directory / f"{name}.yaml").write_text(text)
    return directory


@pytest.fixture
def server(conf: Path) -> Iterator[Server]:
    with serving(conf, *OVERRIDES) as server:
        yield server


def by_model(request: Request) -> Answer:
    """first says its name and the text; second names an arm where it is to classify."""
    if "classify" in json.dumps(request.body["messages"]).lower():
        return loopback.text("complex" if "hard" in request.text else "simple")
    return loopback.text(f"{request.model.split('-')[0]}: {request.text}")


def ask(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "demo", "messages": [{"role": "user", "content": text}], **more}


def bodies(provider: Loopback) -> list[str]:
    return sorted(json.dumps(request.body, sort_keys=True) for request in provider.requests)


def essence(line: Answered | Failed) -> dict[str, Any]:
    """Of a record: all but when, how long, and the names of this very request."""
    said = line.model_dump(mode="json")
    for key in ("case", "line", "key", "seconds", "queued_seconds"):
        del said[key]
    for attempt in said["attempts"]:
        for key in ("at", "seconds", "sent", "waited_seconds"):
            del attempt[key]
    return said


@pytest.mark.parametrize("fallback", ["none", "chain"])
@pytest.mark.parametrize("model", ["first", "routed", "cascade", "ab"])
def test_as_run_does(
    conf: Path, provider: Loopback, tmp_path: Path, model: str, fallback: str
) -> None:
    """Answers, the requests on the wire and the record are those of `run` on the same inputs."""
    words = ["task=demo", f"model={model}", f"fallback={fallback}", *OVERRIDES[2:]]
    if fallback == "chain":
        provider.answer = lambda request: (
            loopback.overloaded() if request.model.startswith("first") else by_model(request)
        )
    inputs = [("easy", "ada"), ("hard", "ben"), ("easy too", "cy")]
    lines = "".join(json.dumps({"input": text, "user": user}) + "\n" for text, user in inputs)
    (tmp_path / "in.jsonl").write_text(lines)
    files = [f"input={tmp_path / 'in.jsonl'}", f"output={tmp_path / 'out.jsonl'}"]
    where = [f"outputs={tmp_path / 'ran'}", "concurrency=1"]
    code = main(["run", "--config-dir", str(conf), *words, *files, *where])
    [ran] = (tmp_path / "ran" / "runs").iterdir()
    expected, sent = list(read_journal(ran / "cases.jsonl")), bodies(provider)
    provider.requests.clear()

    with serving(conf, *words, "concurrency=1") as server:
        replies = [server.post(ask(text, user=user)) for text, user in inputs]
        assert bodies(provider) == sent
        assert [essence(line) for line in server.record()] == [essence(line) for line in expected]
    texts = [each.json()["choices"][0]["message"]["content"] for each in replies if each.is_success]
    assert texts == [line.reply for line in expected if isinstance(line, Answered)]
    assert (code == 0) == all(each.is_success for each in replies)


def test_openai_client(server: Server, provider: Loopback) -> None:
    """OpenAI's own client gets a whole answer, with who gave it, in how many attempts, for what."""
    raw = server.client.chat.completions.with_raw_response.create(
        model="demo", messages=[{"role": "user", "content": "a text"}]
    )
    reply = raw.parse()
    assert reply.choices[0].message.content == "first: a text"
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (10, 5)
    assert reply.model == "demo"
    headers = {name: raw.headers.get(f"x-runner-{name}") for name in ("model", "attempts", "arm")}
    assert headers == {"model": "first", "attempts": "1", "arm": None}
    assert float(raw.headers["x-runner-cost-usd"]) == pytest.approx(20e-6)
    assert raw.headers["x-request-id"] == reply.id == server.record()[0].case


@pytest.mark.parametrize("usage", [True, False])
def test_streamed(server: Server, usage: bool) -> None:
    """A stream ends with usage and the cost in its last event, apart where that was asked for."""
    options: Any = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(
        server.client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "one two"}], stream=True, **options
        )
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "first: one two"
    assert chunks[-1].usage
    assert chunks[-1].usage.total_tokens == 15
    assert bool(chunks[-1].choices) is not usage
    extra = chunks[-1].model_extra or {}
    assert extra["runner"]["model"] == "first"
    assert extra["runner"]["cost_usd"] == pytest.approx(20e-6)


def test_models_and_health(server: Server) -> None:
    """A client can ask which tasks there are; whether it is alive anybody may."""
    assert [each.id for each in server.client.models.list()] == ["demo"]
    assert server.client.models.retrieve("demo").owned_by == "runner"
    health = httpx.get(server.base_url.replace("/v1", "/health"))
    assert (health.status_code, health.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("key", ["", "Bearer wrong", f"Basic {SERVE_KEY}", f"Bearer {SERVE_KEY}x"])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/chat/completions", "/", "/docs"])
def test_without_the_key(server: Server, provider: Loopback, key: str, path: str) -> None:
    """Nothing but its health is told to whoever has no key, not even what there is."""
    url = server.base_url.replace("/v1", path)
    reply = httpx.post(url, json=ask("x"), headers={"authorization": key})
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert not provider.requests


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "demo"}, 400, "messages"),
    (ask("x") | {"model": "demos"}, 404, "did you mean 'demo'"),
    (ask(""), 400, "is empty"),
    (ask("x", max_tokens=1_000_000), 400, "max_tokens: 1024 is the most"),
    (ask("x", n=2), 400, "n: 1 is the most"),
    (ask("x", temperature=0.7), 400, "temperature: is the task's own"),
    (ask("x", tools=[{"type": "function"}]), 400, "tools: is the task's own"),
    (ask("x", nonsense=1), 400, "nonsense: no such key"),
    (ask("x", messages=[{"role": "user", "content": [{"type": "image_url"}]}]), 400, "parts"),
    (ask("x", response_format={"type": "json_object"}), 400, "response_format"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "said"), REFUSED)
def test_refused(
    server: Server, provider: Loopback, body: dict[str, Any], status: int, said: str
) -> None:
    """What the task can't be asked is refused before anything is sent, and says what to change."""
    reply = server.post(body)
    assert reply.status_code == status, reply.text
    assert said in reply.json()["error"]["message"]
    assert not provider.requests
    assert not server.record()


def test_what_the_task_says_may_be_said(server: Server) -> None:
    """A client that repeats the task's own settings is not refused."""
    same = {"temperature": 0.0, "max_tokens": 1024, "n": 1, "response_format": {"type": "text"}}
    assert server.post(ask("x", **same)).is_success


def test_variables(conf: Path, provider: Loopback) -> None:
    """A prompt of several variables takes a JSON object of them, and no other key."""
    with serving(conf, "task=asked", *OVERRIDES[1:]) as server:
        good = json.dumps({"name": "Ada", "question": "why?"})
        assert server.post(ask(good, model="asked")).is_success
        [request] = provider.requests
        assert [m["content"] for m in request.body["messages"]] == [
            "You answer questions.",
            "Ada asks: why?",
        ]
        assert (request.body["temperature"], request.body["max_tokens"]) == (0.3, 77)
        for bad in ("why?", '{"name": "Ada"}', '{"name": "A", "question": "?", "no_such": 1}'):
            reply = server.post(ask(bad, model="asked"))
            assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_input")
    assert len(provider.requests) == 1


def test_pass_through(conf: Path, provider: Loopback) -> None:
    """With pass_through the client's own messages and sampling go to the decision's model."""
    with serving(conf, "task=asked", *OVERRIDES[1:], "pass_through=true") as server:
        turns = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "1"},
            {"role": "user", "content": [{"type": "text", "text": "Two?"}]},
        ]
        said = {"temperature": 0.9, "max_tokens": 5, "stop": "!", "seed": 7}
        reply = server.post({"model": "asked", "messages": turns, **said})
        assert reply.is_success, reply.text
        [request] = provider.requests
        assert [m["content"] for m in request.body["messages"]] == [
            "Be brief.",
            "One?",
            "1",
            "Two?",
        ]
        assert {key: request.body[key] for key in said} == said | {"stop": ["!"]}
        assert server.record("asked")[0].messages[0] == turns[0]


def test_several_tasks(conf: Path, provider: Loopback) -> None:
    """Each task of one server is asked by its name, and is on record by itself."""
    with serving(conf, "tasks=[demo,asked]", *OVERRIDES[1:]) as server:
        assert {each.id for each in server.client.models.list()} == {"demo", "asked"}
        assert server.post(ask("x")).is_success
        assert server.post(ask('{"name": "A", "question": "?"}', model="asked")).is_success
        assert [len(server.record(task)) for task in ("demo", "asked")] == [1, 1]


FAILING = [
    (loopback.error_reply(400, "no such luck"), 400, "bad_request"),
    (loopback.too_long(), 400, "context_length_exceeded"),
    (loopback.against_policy(), 400, "content_policy_violation"),
    (loopback.wrong_key_in_full, 502, "auth"),
    (loopback.overloaded(), 502, "overloaded"),
    (loopback.reset(), 502, "connection"),
    (loopback.rate_limited(), 429, "rate_limit_exceeded"),
]


@pytest.mark.parametrize(("answer", "status", "code"), FAILING)
@pytest.mark.parametrize("stream", [False, True])
def test_upstream_fails(
    server: Server, provider: Loopback, answer: Any, status: int, code: str, stream: bool
) -> None:
    """A failure has its status and kind, is on record, and tells nothing of our account."""
    provider.answer = answer
    reply = server.post(ask("x", stream=stream))
    error = reply.json()["error"]
    assert (reply.status_code, error["code"]) == (status, code)
    assert "LOOPBACK" not in reply.text and "sk-planted" not in reply.text
    [line] = server.record()
    assert line.status == "failed"
    assert line.case == reply.headers["x-request-id"]
    assert ("retry-after" in reply.headers) == (status == 429)


def test_breaks_off(server: Server, provider: Loopback) -> None:
    """A stream that breaks off after its first piece ends with an error, which a client raises."""
    broken = loopback.completion("one two three")
    first = loopback.chunks(broken)[1]
    provider.answer = Answer(
        headers={"content-type": "text/event-stream"},
        pieces=(loopback.Piece(loopback.sse(first)),),
        ending="reset",
    )
    with pytest.raises(openai.APIError, match="no model could answer"):
        list(
            server.client.chat.completions.create(
                model="demo", messages=[{"role": "user", "content": "x"}], stream=True
            )
        )
    assert server.record()[0].status == "failed"


def test_flawed_answers_are_not_streamed(conf: Path, provider: Loopback) -> None:
    """Where a fallback mends answers that are cut off, a stream waits for one that is not."""
    provider.answer = lambda request: (
        loopback.truncated() if request.model.startswith("first") else loopback.text("whole")
    )
    (conf / "fallback" / "chain.yaml").write_text(
        'defaults: [/model@chain.first: second, _self_]\nname: chain\n"on": [truncated]\n'
    )
    with serving(conf, *OVERRIDES, "fallback=chain") as server:
        body = ask("x", stream=True)
        text = server.post(body).text
    assert '"whole"' in text
    assert "The answer is" not in text


def test_n(conf: Path, provider: Loopback) -> None:
    """Several answers to one request are several questions on record, and in the usage."""
    with serving(conf, *OVERRIDES, "limits.n=3", "seed=5") as server:
        reply = server.post(ask("x", n=3)).json()
        assert [each["index"] for each in reply["choices"]] == [0, 1, 2]
        assert reply["usage"]["completion_tokens"] == 15
        assert {each.repeat for each in server.record()} == {0, 1, 2}
        assert sorted(each.body["seed"] for each in provider.requests) == [5, 6, 7]
        streamed = server.post(ask("x", n=2, stream=True)).text
        assert '"index": 1' in streamed


def test_split_by_user(conf: Path, provider: Loopback) -> None:
    """A user stays with one arm, and the headers say which."""
    with serving(conf, "task=demo", "model=ab", *OVERRIDES[2:]) as server:
        arms = {
            user: {server.post(ask(f"t{n}", user=user)).headers["x-runner-arm"] for n in range(3)}
            for user in "abcdefgh"
        }
    assert all(len(found) == 1 for found in arms.values())
    assert len(set().union(*arms.values())) == 2


def test_budget(conf: Path, provider: Loopback) -> None:
    """At many requests at once not a cent above the cap is spent, counted at the provider."""
    gate = Gate(opens_at=8)
    provider.answer = lambda request: Held.by(gate, loopback.text("x"))
    options = ["budget_usd=600e-6", "task.sampling.max_tokens=64", "concurrency=64"]
    with serving(conf, *OVERRIDES, *options, "limits.waiting=200") as server:
        gate.open()
        with ThreadPoolExecutor(32) as pool:
            replies = list(pool.map(lambda n: server.post(ask(f"text {n}")), range(64)))
    answered = [each for each in replies if each.is_success]
    spent = sum(float(each.headers["x-runner-cost-usd"]) for each in answered)
    assert len(provider.requests) == len(answered) > 0
    assert spent <= 600e-6
    over = [each for each in replies if not each.is_success]
    assert {each.status_code for each in over} == {429}
    assert {each.json()["error"]["code"] for each in over} == {"insufficient_quota"}
    assert all(0 < int(each.headers["retry-after"]) <= 86401 for each in over)


def test_too_many(conf: Path, provider: Loopback) -> None:
    """Beyond what may wait a request is told to come again, and those that wait are answered."""
    gate = Gate()
    provider.answer = lambda request: Held.by(gate, loopback.text("x"))
    with serving(conf, *OVERRIDES, "concurrency=1", "limits.waiting=1") as server:
        with ThreadPoolExecutor(4) as pool:
            futures = [pool.submit(server.post, ask(f"{n}")) for n in range(4)]
            late = [each.result() for each in _until(futures, 2)]
            gate.open()
            replies = [each.result() for each in futures]
        assert {each.status_code for each in late} == {429}
        assert sorted(each.status_code for each in replies) == [200, 200, 429, 429]
        assert late[0].headers["retry-after"] == "1"
        assert len(server.record()) == 2


def _until(futures: list[Any], count: int) -> list[Any]:
    from concurrent.futures import wait

    while len(done := [each for each in futures if each.done()]) < count:
        wait(futures, timeout=0.05)
    return done


def test_hangs_up(server: Server, provider: Loopback) -> None:
    """A client that hangs up gives its request up; that it was sent is on record."""
    provider.answer = in_turn(loopback.hang(), loopback.text("soon"))
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{server.base_url}/chat/completions",
            json=ask("never"),
            headers={"authorization": f"Bearer {SERVE_KEY}"},
            timeout=httpx.Timeout(60, read=0.5),
        )
    assert server.post(ask("x")).json()["choices"][0]["message"]["content"] == "soon"
    directory = server.decisions["demo"].directory
    sent = (directory / "cases.sent.jsonl").read_text().splitlines()
    assert len(sent) == 2


def test_body_too_large(conf: Path, provider: Loopback) -> None:
    """A body beyond the limit is refused, whether its length is said or not, before it is read."""
    with serving(conf, *OVERRIDES, "limits.body_bytes=1000") as server:
        assert server.post(ask("x" * 2000)).status_code == 413
        unsaid = httpx.post(
            f"{server.base_url}/chat/completions",
            content=iter([b"x" * 600, b"x" * 600]),
            headers={"authorization": f"Bearer {SERVE_KEY}", "content-type": "application/json"},
        )
        assert unsaid.status_code == 413
        assert server.post(ask("x")).is_success


def test_drain(conf: Path, provider: Loopback) -> None:
    """Once it is to end it finishes what is under way, and nothing new is taken."""
    gate = Gate()
    provider.answer = lambda request: Held.by(gate, loopback.text("finished"))
    with serving(conf, *OVERRIDES) as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.post, ask("x"))
        provider.wait_for(1)
        server.drain()
        health = server.base_url.replace("/v1", "/health")
        while httpx.get(health).status_code != 503:
            pass
        late = server.post(ask("y"))
        assert (late.status_code, late.headers["retry-after"]) == (503, "5")
        gate.open()
        assert waiting.result().json()["choices"][0]["message"]["content"] == "finished"
    assert len(provider.requests) == 1


def test_drain_gives_up(conf: Path, provider: Loopback) -> None:
    """What is not finished in time is given up with a 503, and is on record as sent."""
    provider.answer = loopback.hang()
    with serving(conf, *OVERRIDES, "drain=100ms") as server, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(server.post, ask("x"))
        provider.wait_for(1)
        server.drain()
        assert waiting.result().status_code == 503
        directory = server.decisions["demo"].directory
    assert (directory / "result.json").exists()


def test_shadow(conf: Path, provider: Loopback) -> None:
    """A second candidate is asked beside the answer, as far as its share and budget go."""
    shadow = "shadow={model: second, share: 1.0, budget_usd: 1}"
    with serving(conf, *OVERRIDES, shadow) as server:
        replies = [server.post(ask(f"t{n}")) for n in range(3)]
        assert {each.headers["x-runner-model"] for each in replies} == {"first"}
        provider.wait_for(6)
    runs = sorted((conf.parent / "outputs" / "runs").iterdir())
    lines = {run.name.rpartition("-")[2]: list(read_journal(run / "cases.jsonl")) for run in runs}
    assert set(lines) == {"first", "second"}
    assert {line.case for line in lines["first"]} == {line.case for line in lines["second"]}


def test_shadow_in_nobodys_way(conf: Path, provider: Loopback) -> None:
    """A shadow that hangs holds nobody up: what it can't keep up with is left out, and counted."""
    provider.answer = lambda request: (
        loopback.hang() if request.model.startswith("second") else by_model(request)
    )
    shadow = "shadow={model: second, share: 1.0, budget_usd: 1, waiting: 1}"
    with serving(conf, *OVERRIDES, shadow) as server:
        assert all(server.post(ask(f"t{n}")).is_success for n in range(9))
        found = server.decisions["demo"].shadow
        assert found
        assert found.left_out >= 3


TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


@pytest.mark.parametrize("stream", [False, True])
def test_tools(conf: Path, provider: Loopback, stream: bool) -> None:
    """A client's tools are asked as it names them, and the calls come back as OpenAI's do."""
    call = {
        "id": "call1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
    }
    body = loopback.completion(None, finish_reason="tool_calls")
    body["choices"][0]["message"]["tool_calls"] = [call]

    def answer(request: Request) -> Answer:
        if not request.body.get("stream"):
            return Answer(body=body)
        delta = {"tool_calls": [{"index": 0, **call}]}
        choice = {"index": 0, "delta": delta, "finish_reason": "tool_calls"}
        chunk = {"object": "chat.completion.chunk", "choices": [choice]}
        events = [loopback.Piece(loopback.sse(each)) for each in (chunk, "[DONE]")]
        return Answer(headers={"content-type": "text/event-stream"}, pieces=tuple(events))

    provider.answer = answer
    asked = {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}}
    with serving(conf, *OVERRIDES, "pass_through=true") as server:
        reply = server.post(ask("Oslo?", stream=stream, **asked))
        assert reply.is_success, reply.text
        bad = server.post(ask("Oslo?", tools=[TOOL], tool_choice="wether"))
        assert (bad.status_code, bad.json()["error"]["param"]) == (400, "tool_choice")
        strict = TOOL | {"function": {"name": "weather", "strict": True}}
        assert server.post(ask("Oslo?", tools=[strict])).status_code == 400
    [request] = provider.requests
    assert request.body["tools"] == [TOOL]
    assert request.body["tool_choice"] == asked["tool_choice"]
    if stream:
        events = [json.loads(line[6:]) for line in reply.text.splitlines() if line[6:7] == "{"]
        choice = events[-1]["choices"][0]
        assert choice["delta"]["tool_calls"] == [{"index": 0, **call}]
    else:
        choice = reply.json()["choices"][0]
        assert choice["message"]["tool_calls"] == [call]
        assert choice["message"]["content"] is None
    assert choice["finish_reason"] == "tool_calls"


def test_steps(
    conf: Path, provider: Loopback, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls go on with the task's own functions; whole or streamed, a client gets the last answer
    alone, and the tokens and dollars of all steps.
    """
    tool = json.dumps(TOOL["function"])
    more = f"name: stepped\nsteps: 3\ntools: [{tool}]"
    (conf / "task/stepped.yaml").write_text(TASK.replace("name: demo", more))
    own = tmp_path / "tasks" / "stepped" / "tools.py"
    own.parent.mkdir(parents=True)
    own.write_text("def weather(city):\n    return f'rain in {city}'\n")
    body = loopback.completion("Let me look.", finish_reason="tool_calls")
    function = {"name": "weather", "arguments": '{"city": "Oslo"}'}
    call = {"id": "call1", "type": "function", "function": function}
    body["choices"][0]["message"]["tool_calls"] = [call]
    provider.answer = lambda request: (
        loopback.echo(request)
        if request.body["messages"][-1]["role"] == "tool"
        else Answer(body=body)
    )
    monkeypatch.chdir(tmp_path)
    with serving(conf, "task=stepped", *OVERRIDES[1:]) as server:
        asked = ask("Oslo?") | {"model": "stepped"}
        reply = server.post(asked)
        whole, streamed = reply.json(), server.post(asked | {"stream": True}).text
    assert whole["choices"][0]["message"]["content"] == "rain in Oslo"
    assert (whole["usage"]["total_tokens"], reply.headers["x-runner-cost-usd"]) == (30, "4e-05")
    events = [json.loads(line[6:]) for line in streamed.splitlines() if line[6:7] == "{"]
    said = "".join(each["choices"][0]["delta"].get("content", "") for each in events)
    assert (said, events[-1]["usage"]["total_tokens"]) == ("rain in Oslo", 30)


def connected(server: Server) -> socket.socket:
    host, port = server.base_url.removeprefix("http://").removesuffix("/v1").split(":")
    return socket.create_connection((host, int(port)), timeout=60)


def closed(client: socket.socket) -> bool:
    """Waits for it."""
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_silent_connections(conf: Path, provider: Loopback) -> None:
    """Connections that send nothing are closed, the oldest first, where there are too many."""
    with serving(conf, *OVERRIDES, "limits.connections=16") as server:
        silent = [connected(server) for _ in range(40)]
        assert all(closed(each) for each in silent[:20])
        assert server.post(ask("x")).is_success
        for each in silent:
            each.close()


@pytest.mark.parametrize("sent", [b"", b"POST /v1/chat/comp", b"GET /health HTTP/1.1\r\nHost: "])
def test_no_head(conf: Path, provider: Loopback, sent: bytes) -> None:
    """A connection that has not said in time what it wants is closed."""
    limits = "limits.header_time=100ms"
    with serving(conf, *OVERRIDES, limits) as server, connected(server) as client:
        client.sendall(sent)
        assert closed(client)


def test_no_body(conf: Path, provider: Loopback) -> None:
    """A body that does not come in time is no request."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SERVE_KEY}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    limits = "limits.body_time=100ms"
    with serving(conf, *OVERRIDES, limits) as server, connected(server) as client:
        client.sendall(head.encode())
        assert client.recv(12) == b"HTTP/1.1 408"


def test_reads_nothing(conf: Path, provider: Loopback) -> None:
    """A client that takes nothing of its answer is let go, and holds up nobody meanwhile."""
    provider.answer = lambda request: loopback.text("x" * (8_000_000 if request.text == "l" else 1))
    body = json.dumps(ask("l")).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {SERVE_KEY}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    limits = ["concurrency=1", "limits.write_time=500ms"]
    with serving(conf, *OVERRIDES, *limits) as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(server.base_url.rpartition(":")[2].split("/")[0])))
        client.sendall(head.encode() + body)
        provider.wait_for(1)
        assert server.post(ask("s")).is_success
        while server.listener.connections:
            time.sleep(0.05)
        assert [line.status for line in server.record()] == ["answered", "answered"]


def test_kinds_of_requests(conf: Path, provider: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients who ask in ever other ways are answered, and fill no memory with what is kept."""
    monkeypatch.setattr(compile, "MOST", 2)
    with serving(conf, *OVERRIDES, "pass_through=true") as server:
        for number in range(4):
            assert server.post(ask("x", temperature=number / 10)).is_success
        kinds = [line.attempts[0].by_litellm for line in server.record()]
    assert kinds[-1] == "it is one of too many kinds"


CALL = {"id": "call1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
TURNS = [
    {"role": "user", "content": "One?"},
    {"role": "assistant", "content": None, "tool_calls": [CALL], "refusal": None},
    {"role": "tool", "tool_call_id": "call1", "content": "sunny"},
    {"role": "assistant", "content": "Sunny."},
    {"role": "user", "content": [{"type": "text", "text": "Two?"}]},
]


@pytest.mark.parametrize("pass_through", [False, True])
def test_conversation(conf: Path, provider: Loopback, pass_through: bool) -> None:
    """A history goes on as it is, calls and results too, where the prompt leaves room for it."""
    plain = "task.prompt='{{ input }}'"
    with serving(conf, *OVERRIDES, plain, f"pass_through={str(pass_through).lower()}") as server:
        reply = server.post(ask("", messages=TURNS))
        assert reply.is_success, reply.text
        assert server.record()[0].messages[2]["tool_call_id"] == "call1"
    [request] = provider.requests
    sent = [(m["role"], m.get("content") or "") for m in request.body["messages"]]
    roles = ["user", "assistant", "tool", "assistant", "user"]
    assert sent == list(zip(roles, ["One?", "", "sunny", "Sunny.", "Two?"], strict=True))
    assert request.body["messages"][1]["tool_calls"] == [CALL]


@pytest.mark.parametrize(
    "messages",
    [
        TURNS,  # the prompt of the task has other things to say
        [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}],
        [{"role": "developer", "content": "s"}, {"role": "user", "content": "x"}],
        [{"role": "user", "content": [{"type": "image", "path": "/etc/passwd"}]}],
        [{"role": "user", "content": [{"type": "file", "path": "/etc/passwd"}]}],
        [{"role": "tool", "content": "x", "tool_call_id": "nobody's"}],
        [{"role": "wizard", "content": "x"}],
        [{"role": "user", "content": "x", "images": ["/etc/passwd"]}],
    ],
)
@pytest.mark.parametrize("pass_through", ["false", "true"])
def test_other_messages(
    conf: Path, provider: Loopback, messages: list[dict[str, Any]], pass_through: str
) -> None:
    """What the prompt can't take is refused, and no file of the server is ever sent."""
    own = messages[0]["role"] in ("system", "developer") or messages == TURNS
    with serving(conf, *OVERRIDES, f"pass_through={pass_through}") as server:
        reply = server.post(ask("", messages=messages))
        assert reply.is_success == (own and pass_through == "true"), reply.text
        if not reply.is_success:
            assert (reply.status_code, len(provider.requests)) == (400, 0)


def test_shadow_compared(
    conf: Path, provider: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was answered and what its shadow said are two runs to compare."""
    shadow = "shadow={model: second, share: 1.0, budget_usd: 1}"
    with serving(conf, *OVERRIDES, shadow) as server:
        for number in range(3):
            server.post(ask(f"t{number}"))
        provider.wait_for(6)
    first, second = sorted(map(str, (conf.parent / "outputs" / "runs").iterdir()))
    capsys.readouterr()
    assert main(["compare", first, second, "format=json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["n"], found["task"]) == (3, "demo")
    changes = {each["name"]: each for each in found["changes"]}
    assert changes["answered"]["after"] == 1
    assert changes["cost_per_request_usd"]["change"] == pytest.approx(1)
    assert changes["quality"]["verdict"] == "unknown"
