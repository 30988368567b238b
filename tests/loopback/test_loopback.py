"""The suite's own provider must be right before anything measured against it is."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.drill.loopback.dialect import Saying
from tests.loopback import (
    Answer,
    Gate,
    Held,
    Loopback,
    Piece,
    Request,
    against_policy,
    closed,
    completion,
    cut_off,
    echo,
    error_reply,
    filtered,
    garbage,
    hang,
    in_turn,
    json_text,
    no_choices,
    no_model,
    no_quota,
    overloaded,
    rate_limited,
    reset,
    server_error,
    text,
    tokens,
    too_long,
    truncated,
    wrong_key,
    wrong_key_in_full,
)
from tests.loopback.formats import FORMATS
from tests.loopback.strict import AnyBody, Format

QUESTION = {"model": "m-1", "messages": [{"role": "user", "content": "Hello?"}]}
KEY = "sk-test-0123456789abcdefWXYZ"


def connect(server: Loopback) -> HTTPConnection:
    return HTTPConnection(urlsplit(server.base_url).netloc, timeout=60)


def send(
    connection: HTTPConnection,
    body: Any = QUESTION,
    *,
    method: str = "POST",
    path: str = "/v1/chat/completions",
    kind: str = "application/json",
) -> tuple[int, dict[str, str], bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": kind, "Authorization": f"Bearer {KEY}"}
    connection.request(method, path, data, headers)
    reply = connection.getresponse()
    return reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read()


def post(server: Loopback, body: Any = QUESTION, **how: str) -> tuple[int, dict[str, str], Any]:
    connection = connect(server)
    try:
        status, headers, data = send(connection, body, **how)
    finally:
        connection.close()
    return status, headers, json.loads(data)


def ask(answer: Answer | Callable[[Request], Answer]) -> tuple[int, dict[str, str], Any]:
    with Loopback(answer) as server:
        return post(server)


def test_a_text_reply_is_a_whole_chat_completion() -> None:
    """A text reply carries the text, the usage, the finish reason and the requested model."""
    status, headers, body = ask(text("Hi.", usage=tokens(7, 2, cached=4, reasoning=1)))
    assert (status, headers["content-type"]) == (200, "application/json")
    assert (body["object"], body["model"]) == ("chat.completion", "m-1")
    (choice,) = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Hi."}
    assert choice["finish_reason"] == "stop"
    assert body["usage"]["total_tokens"] == 9
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 4}
    assert body["usage"]["completion_tokens_details"] == {"reasoning_tokens": 1}


def test_the_answer_is_a_function_of_the_request() -> None:
    """A plain function sees the parsed request and decides what goes back."""
    with Loopback(lambda request: text(f"{request.number} {request.text.upper()}")) as server:
        first, second = post(server)[2], post(server)[2]
    replies = [body["choices"][0]["message"]["content"] for body in (first, second)]
    assert replies == ["1 HELLO?", "2 HELLO?"]


def test_odd_successes_are_successes_on_the_wire() -> None:
    """What a provider may call a success and no caller should comes with status 200."""
    bodies = [
        ask(answer) for answer in (truncated(), filtered(), no_choices(), json_text({"a": 1}))
    ]
    assert {status for status, _, _ in bodies} == {200}
    cut, blocked, empty, structured = (body for _, _, body in bodies)
    assert cut["choices"][0]["finish_reason"] == "length"
    assert blocked["choices"][0]["finish_reason"] == "content_filter"
    assert blocked["choices"][0]["message"]["content"] is None
    assert empty["choices"] == []
    assert json.loads(structured["choices"][0]["message"]["content"]) == {"a": 1}
    assert "usage" not in ask(text("Hi.", usage=None))[2]
    assert ask(text("Hi.", model="m-2"))[2]["model"] == "m-2"


def test_garbage_is_no_json() -> None:
    """A garbage reply has status 200 and a body that is no JSON."""
    with Loopback(garbage()) as server, pytest.raises(json.JSONDecodeError):
        post(server)


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (wrong_key, 401, "invalid_api_key"),
        (rate_limited(), 429, "rate_limit_exceeded"),
        (no_quota(), 429, "insufficient_quota"),
        (too_long(), 400, "context_length_exceeded"),
        (against_policy(), 400, "content_policy_violation"),
        (no_model, 404, "model_not_found"),
        (server_error(), 500, None),
        (overloaded(), 503, None),
        (error_reply(529, "busy"), 529, None),
    ],
)
def test_errors_have_the_body_of_the_original(
    answer: Answer | Callable[[Request], Answer], status: int, code: str | None
) -> None:
    """Every error comes with its status and OpenAI's four keys."""
    got, headers, body = ask(answer)
    assert got == status
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == code
    assert "retry-after" not in headers


def test_retry_after_is_sent_when_given() -> None:
    """A rate limit or an overload names the seconds to wait when the test says so."""
    assert ask(rate_limited(retry_after=7))[1]["retry-after"] == "7"
    assert ask(overloaded(retry_after="Fri, 31 Dec 2027 23:59:59 GMT"))[1]["retry-after"][-3:] == (
        "GMT"
    )


def test_a_wrong_key_is_quoted_masked_or_in_full() -> None:
    """One 401 shows the key's two ends, the other all of it."""
    masked = ask(wrong_key)[2]["error"]["message"]
    assert KEY not in masked
    assert KEY[:8] in masked and KEY[-4:] in masked
    assert KEY in ask(wrong_key_in_full)[2]["error"]["message"]


@pytest.mark.parametrize(
    ("body", "how", "status", "says"),
    [
        (QUESTION, {"method": "GET"}, 404, "Invalid URL (GET"),
        (QUESTION, {"path": "/v1/completions"}, 404, "Invalid URL (POST /v1/completions)"),
        (QUESTION, {"kind": "text/plain"}, 400, "Content-Type"),
        (b"{", {}, 400, "parse the JSON"),
        ([QUESTION], {}, 400, "parse the JSON"),
        ({"messages": QUESTION["messages"]}, {}, 400, "provide a model"),
        ({"model": "m-1"}, {}, 400, "Missing required parameter: 'messages'"),
        ({"model": "m-1", "messages": []}, {}, 400, "at least one message"),
        ({"model": "m-1", "messages": ["Hello?"]}, {}, 400, "'messages[0]'"),
        ({"model": "m-1", "messages": [{"role": "boss", "content": ""}]}, {}, 400, "a role of"),
        ({"model": "m-1", "messages": [{"role": "user"}]}, {}, 400, "expected content"),
    ],
)
def test_what_is_no_chat_completion_is_refused(
    body: Any, how: dict[str, str], status: int, says: str
) -> None:
    """A request that the original would turn away never reaches the test's function."""
    reached: list[Request] = []

    def answer(request: Request) -> Answer:
        reached.append(request)
        return text("Hi.")

    with Loopback(answer) as server:
        got, _, reply = post(server, body, **how)
        assert len(server.requests) == 1  # refused, and on record all the same
    assert (got, reached) == (status, [])
    assert says in reply["error"]["message"]


def test_the_path_may_have_any_prefix() -> None:
    """A base URL with more than /v1 in it works, as some providers have one."""
    with Loopback(echo) as server:
        assert post(server, path="/inference/v1/chat/completions")[0] == 200


def test_requests_are_recorded_in_order() -> None:
    """Path, headers, body and time of every request stay, in the order of arrival."""
    with Loopback(echo) as server:
        connection = connect(server)
        for number in range(3):
            send(connection, QUESTION | {"seed": number})
        connection.close()
        requests = server.requests
    assert [request.body["seed"] for request in requests] == [0, 1, 2]
    assert [request.number for request in requests] == [1, 2, 3]
    assert {(request.path, request.key) for request in requests} == {("/v1/chat/completions", KEY)}
    assert sorted(requests, key=lambda request: request.time) == requests


def test_the_nth_request_can_be_answered_differently() -> None:
    """`in_turn` gives its answers one after the other and stays at the last."""
    with Loopback(in_turn(server_error(), no_model, text("Hi."))) as server:
        assert [post(server)[0] for _ in range(5)] == [500, 404, 200, 200, 200]


def test_the_answer_can_be_replaced_while_it_runs() -> None:
    """An outage can end in the middle of a test."""
    with Loopback(overloaded()) as server:
        before = post(server)[0]
        server.answer = echo
        assert (before, post(server)[0]) == (503, 200)


def test_answers_are_held_back_at_the_same_time() -> None:
    """Ten requests wait for one gate, `peak` tells that they did, and all are answered at once."""
    gate = Gate()
    with (
        Loopback(Held.by(gate, text("Hi."))) as server,
        ThreadPoolExecutor(10) as pool,
    ):
        posts = [pool.submit(post, server) for _ in range(10)]
        server.wait_for(10)
        assert not any(each.done() for each in posts)
        gate.open()
        assert [each.result()[0] for each in posts] == [200] * 10
        assert server.peak == 10


def test_a_reset_is_a_reset() -> None:
    """The client sees ECONNRESET, which is not the same as a connection closed in peace."""
    with Loopback(reset()) as server, pytest.raises(ConnectionResetError) as caught:
        post(server)
    assert not isinstance(caught.value, RemoteDisconnected)


def test_a_connection_can_close_before_or_within_the_answer() -> None:
    """`closed` sends nothing at all, `cut_off` a part of the body that it announced."""
    with Loopback(closed()) as server, pytest.raises(RemoteDisconnected):
        post(server)
    with Loopback(cut_off()) as server, pytest.raises(IncompleteRead):
        post(server)


def test_hanging_requests_do_not_keep_it_open() -> None:
    """It closes at once while requests hang, and their clients see the connection end."""
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            post(server)
        except OSError as error:
            ended.append(error)

    threads = [threading.Thread(target=wait) for _ in range(5)]
    with Loopback(in_turn(hang(), text("late", delay=3600))) as server:
        for thread in threads:
            thread.start()
        server.wait_for(5)
        assert not ended
    for thread in threads:
        thread.join(timeout=60)
    assert len(ended) == 5


def test_waiting_for_requests_ends() -> None:
    """`wait_for` gives up with the number that did arrive."""
    with Loopback(echo) as server:
        post(server)
        assert len(server.wait_for(1)) == 1
        with pytest.raises(TimeoutError, match="1 of 2"):
            server.wait_for(2, timeout=0.05)


def test_a_mistake_in_the_answer_function_fails_the_test() -> None:
    """What the function raises reaches the client as a 500 and the test as itself."""

    def answer(request: Request) -> Answer:
        assert request.body["temperature"] == 0.0, "must be greedy"
        return text("Hi.")

    with pytest.raises(AssertionError, match="greedy"), Loopback(answer) as server:
        assert post(server, QUESTION | {"temperature": 1.0})[0] == 500


def test_it_works_inside_a_running_event_loop() -> None:
    """A test that is itself a coroutine can open, use and close it."""

    async def inside() -> int:
        with Loopback(echo) as server:
            status, _, _ = await asyncio.to_thread(post, server)
            return status

    assert asyncio.run(inside()) == 200


def test_a_body_is_sent_as_given() -> None:
    """A body of one's own goes over the wire unchanged but for the model's name."""
    body = completion("Hi.") | {"citations": ["a"]}
    assert ask(Answer(body=body))[2] == body | {"model": "m-1"}


REQUESTS: dict[str, dict[str, Any]] = {
    "anthropic": QUESTION | {"max_tokens": 5},
    "google": {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]},
    "vertex": {"contents": [{"role": "user", "parts": [{"text": "Hello?"}]}]},
    "bedrock": {"messages": [{"role": "user", "content": [{"text": "Hello?"}]}]},
}
PATHS = {  # where the model stands in it
    "azure": "/openai/deployments/m-1/chat/completions?api-version=2025-04-01-preview",
    "bedrock": "/model/m-1/converse",
    "google": "/v1beta/models/m-1:generateContent",
    "vertex": "/v1/projects/p/locations/global/publishers/google/models/m-1:generateContent",
}


def provider_path(speaks: Format) -> str:
    return PATHS.get(speaks.name, speaks.base_path + speaks.path)


def provider_post(
    server: Loopback, speaks: Format, body: Any, *, path: str = "", key: str | None = KEY
) -> tuple[int, Any]:
    connection = connect(server)
    headers = {"Content-Type": "application/json"} | dict(speaks.headers)
    if key and speaks.key_header:
        shown = f"Bearer {key}" if speaks.key_header == "authorization" else key
        headers["api-key" if speaks.name == "azure" else speaks.key_header] = shown
    try:
        connection.request("POST", path or provider_path(speaks), json.dumps(body), headers)
        reply = connection.getresponse()
        return reply.status, json.loads(reply.read())
    finally:
        connection.close()


@pytest.mark.parametrize("name", FORMATS)
def test_each_provider_is_strict(name: str) -> None:
    """A wrong path, no key, no version and a value of the wrong type are refused in its words."""
    speaks = FORMATS[name]
    body = REQUESTS.get(name, QUESTION)
    wrong = body | {"messages": "Hello?", "contents": "Hello?"}
    with Loopback(lambda request: speaks.say(request, Saying("Hi.")), speaks) as server:
        assert provider_post(server, speaks, body | {"stream": False})[0] == (
            # These ask for a stream by another path.
            400 if name in ("bedrock", "google", "vertex") else 200
        )
        assert provider_post(server, speaks, body, path="/v9/chat")[0] == 404
        refused, said = provider_post(server, speaks, wrong)
        assert refused in (400, 422)
        assert said
        if speaks.key_header:
            status, said = provider_post(server, speaks, body, key=None)
            assert (status, said) == speaks.error(401)
        server.speaks = AnyBody(speaks)
        strange = body | {"stream": False, "no_such_key": 1}
        assert provider_post(server, speaks, strange)[0] == 200
        assert provider_post(server, speaks, body, path="/v9/chat")[0] == 404
    assert server.base_url.endswith(speaks.base_path)


CALLS = [{"id": "call00001", "type": "function", "function": {"name": "a", "arguments": "{}"}}]
CALLING = {"role": "assistant", "content": None, "tool_calls": CALLS}
RESULT = {"role": "tool", "tool_call_id": "call00001", "content": "b"}
USE = [{"type": "tool_use", "id": "call00001", "name": "a", "input": {}}]
USED = [{"type": "tool_result", "tool_use_id": "call00001", "content": "b"}]


@pytest.mark.parametrize(
    ("name", "calling", "result"),
    [
        ("openai", CALLING, RESULT),
        ("mistral", CALLING, RESULT),
        (
            "anthropic",
            {"role": "assistant", "content": USE},
            {"role": "user", "content": USED},
        ),
    ],
)
def test_calls_and_results_belong_together(name: str, calling: Any, result: Any) -> None:
    """A call without its result, a result without its call, and one of another are refused."""
    speaks, asked = FORMATS[name], {"role": "user", "content": "Hello?"}
    other = json.loads(json.dumps(result).replace("00001", "00002"))
    body = REQUESTS.get(name, QUESTION)
    talks = {
        200: [[asked, calling, result], [asked, calling, result, calling, result]],
        400: [[asked, calling], [asked, result], [asked, calling, other], [asked, calling, asked]],
    }
    with Loopback(lambda request: speaks.say(request, Saying("Hi.")), speaks) as server:
        for wanted, conversations in talks.items():
            for messages in conversations:
                status, said = provider_post(server, speaks, body | {"messages": messages})
                assert (200 if status == 200 else 400) == wanted, (messages, said)


def test_anthropic_wants_its_version() -> None:
    """A request without the header anthropic-version is refused."""
    speaks = FORMATS["anthropic"]
    with Loopback(lambda request: speaks.say(request, Saying("Hi.")), speaks) as server:
        connection = connect(server)
        body = json.dumps(REQUESTS["anthropic"])
        connection.request("POST", "/v1/messages", body, {"x-api-key": KEY})
        assert connection.getresponse().status == 400
        connection.close()


def test_a_completion_is_streamed_when_asked_for() -> None:
    """Any chat completion goes out in events, its usage only to those who ask for it."""
    asked = QUESTION | {"stream": True, "stream_options": {"include_usage": True}}
    for body, usage in ((asked, True), (QUESTION | {"stream": True}, False)):
        with Loopback(text("one two", usage=tokens(7, 2))) as server:
            connection = connect(server)
            _, headers, data = send(connection, body)
            connection.close()
        assert headers["content-type"] == "text/event-stream"
        *events, done = [
            line.removeprefix("data: ") for line in data.decode().split("\n\n") if line
        ]
        assert done == "[DONE]"
        parsed = [json.loads(event) for event in events]
        deltas = [event["choices"][0]["delta"] for event in parsed if event["choices"]]
        assert "".join(delta.get("content", "") for delta in deltas) == "one two"
        assert ("usage" in parsed[-1]) == usage


def test_pieces_come_when_they_are_due() -> None:
    """A stream's pieces are sent with their delays, and it can end without its proper end."""
    pieces = (Piece(b"one"), Piece(b"two", 0.05))
    with Loopback(Answer(pieces=pieces)) as server:
        connection = connect(server)
        start = time.monotonic()
        assert send(connection)[2] == b"onetwo"
        assert time.monotonic() - start >= 0.045
        server.answer = Answer(pieces=pieces, ending="close")
        with pytest.raises(IncompleteRead):
            send(connection)
        connection.close()
